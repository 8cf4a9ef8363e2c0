// SPDX-License-Identifier: MIT OR Apache-2.0
// Names and texts of Linux's error numbers and names of its signals, as strace prints them.

#include <personality/trace.h>

#include <personality/errors.h>

struct error_text {
    int number;
    const char *name;
    const char *text;
};

static const struct error_text error_texts[] = {
    { LINUX_EPERM, "EPERM", "Operation not permitted" },
    { LINUX_ENOENT, "ENOENT", "No such file or directory" },
    { LINUX_ESRCH, "ESRCH", "No such process" },
    { LINUX_EINTR, "EINTR", "Interrupted system call" },
    { LINUX_EIO, "EIO", "Input/output error" },
    { LINUX_ENXIO, "ENXIO", "No such device or address" },
    { LINUX_E2BIG, "E2BIG", "Argument list too long" },
    { LINUX_ENOEXEC, "ENOEXEC", "Exec format error" },
    { LINUX_EBADF, "EBADF", "Bad file descriptor" },
    { LINUX_ECHILD, "ECHILD", "No child processes" },
    { LINUX_EAGAIN, "EAGAIN", "Resource temporarily unavailable" },
    { LINUX_ENOMEM, "ENOMEM", "Cannot allocate memory" },
    { LINUX_EACCES, "EACCES", "Permission denied" },
    { LINUX_EFAULT, "EFAULT", "Bad address" },
    { LINUX_EBUSY, "EBUSY", "Device or resource busy" },
    { LINUX_EEXIST, "EEXIST", "File exists" },
    { LINUX_EXDEV, "EXDEV", "Invalid cross-device link" },
    { LINUX_ENODEV, "ENODEV", "No such device" },
    { LINUX_ENOTDIR, "ENOTDIR", "Not a directory" },
    { LINUX_EISDIR, "EISDIR", "Is a directory" },
    { LINUX_EINVAL, "EINVAL", "Invalid argument" },
    { LINUX_ENFILE, "ENFILE", "Too many open files in system" },
    { LINUX_EMFILE, "EMFILE", "Too many open files" },
    { LINUX_ENOTTY, "ENOTTY", "Inappropriate ioctl for device" },
    { LINUX_ETXTBSY, "ETXTBSY", "Text file busy" },
    { LINUX_EFBIG, "EFBIG", "File too large" },
    { LINUX_ENOSPC, "ENOSPC", "No space left on device" },
    { LINUX_ESPIPE, "ESPIPE", "Illegal seek" },
    { LINUX_EROFS, "EROFS", "Read-only file system" },
    { LINUX_EMLINK, "EMLINK", "Too many links" },
    { LINUX_EPIPE, "EPIPE", "Broken pipe" },
    { LINUX_EDOM, "EDOM", "Numerical argument out of domain" },
    { LINUX_ERANGE, "ERANGE", "Numerical result out of range" },
    { LINUX_EDEADLK, "EDEADLK", "Resource deadlock avoided" },
    { LINUX_ENAMETOOLONG, "ENAMETOOLONG", "File name too long" },
    { LINUX_ENOLCK, "ENOLCK", "No locks available" },
    { LINUX_ENOSYS, "ENOSYS", "Function not implemented" },
    { LINUX_ENOTEMPTY, "ENOTEMPTY", "Directory not empty" },
    { LINUX_ELOOP, "ELOOP", "Too many levels of symbolic links" },
    { LINUX_ENODATA, "ENODATA", "No data available" },
    { LINUX_EOVERFLOW, "EOVERFLOW", "Value too large for defined data type" },
    { LINUX_ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket" },
    { LINUX_EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported" },
    { LINUX_EAFNOSUPPORT, "EAFNOSUPPORT", "Address family not supported by protocol" },
    { LINUX_ETIMEDOUT, "ETIMEDOUT", "Connection timed out" },
};

bool linux_error_text(int number, const char **out_name, const char **out_text)
{
    for (size_t index = 0; index < sizeof(error_texts) / sizeof(error_texts[0]); index++) {
        if (error_texts[index].number == number) {
            *out_name = error_texts[index].name;
            *out_text = error_texts[index].text;
            return true;
        }
    }
    return false;
}

const char *linux_signal_name(int number)
{
    static const char *const names[] = {
        "SIG0",      "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
        "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
        "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
    };
    if (number < 0 || (size_t)number >= sizeof(names) / sizeof(names[0])) {
        return number <= LINUX_SIGNAL_COUNT && number > 0 ? "SIGRT" : "SIG?";
    }
    return names[number];
}
