// SPDX-License-Identifier: MIT OR Apache-2.0
// A static Linux program that makes raw calls and prints what they return. Its output on Linux and
// under the personality must be the same, so it prints nothing that varies.

#include <stddef.h>
#include <stdint.h>

#include "raw.h"

#define PAGE     4096L
#define WILD     0xdead0000000L
#define KERNEL   ((long)0xffff800000000000)
#define DIR_SIZE 600

static char buffer[8192];

static void show(const char *what, long result)
{
    print_text(what);
    print_text(" = ");
    print_number(result);
    print_text("\n");
}

static void bad_pointers(void)
{
    static const long bad[] = { 0, 1, WILD, KERNEL, -1, -4096, 0x7fffffffffff };
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        long pointer = bad[index];
        show("open", raw(SYS_OPEN, pointer, 0, 0, 0, 0, 0));
        show("write", raw(SYS_WRITE, open_file("bad", O_CREAT | O_RDWR), pointer, 10, 0, 0, 0));
        show("pipe", raw(SYS_PIPE, pointer, 0, 0, 0, 0, 0));
        show("uname", raw(SYS_UNAME, pointer, 0, 0, 0, 0, 0));
        show("stat", raw(SYS_STAT, (long)"bad", pointer, 0, 0, 0, 0));
        show("getcwd", raw(SYS_GETCWD, pointer, 100, 0, 0, 0, 0));
        show("sigaction", raw(SYS_SIGACTION, 10, pointer, 0, 8, 0, 0));
        show("execve", raw(SYS_EXECVE, pointer, 0, 0, 0, 0, 0));
        show("poll", raw(SYS_POLL, pointer, 1, 0, 0, 0, 0));
        show("readv", raw(SYS_READV, 0, pointer, 1, 0, 0, 0));
        show("symlink", raw(SYS_SYMLINK, pointer, (long)"x", 0, 0, 0, 0));
        show("munmap", raw(SYS_MUNMAP, pointer == 0 ? 1 : pointer | 1, PAGE, 0, 0, 0, 0));
    }
    for (long fd = 3; fd < 40; fd++) {
        (void)raw(SYS_CLOSE, fd, 0, 0, 0, 0, 0);
    }
    show("remove bad", raw(SYS_UNLINK, (long)"bad", 0, 0, 0, 0, 0));
}

static void unlink_while_open(void)
{
    long fd = open_file("u", O_CREAT | O_RDWR | O_EXCL);
    show("exclusive again", open_file("u", O_CREAT | O_RDWR | O_EXCL));
    show("write", raw(SYS_WRITE, fd, (long)"hello", 5, 0, 0, 0));
    show("unlink", raw(SYS_UNLINK, (long)"u", 0, 0, 0, 0, 0));
    show("open again", open_file("u", O_RDWR));
    show("seek", raw(SYS_LSEEK, fd, 1, 0, 0, 0, 0));
    show("read", raw(SYS_READ, fd, (long)buffer, 100, 0, 0, 0));
    print_bytes(buffer, 4);
    show("links", file_links(fd));
    show("close", raw(SYS_CLOSE, fd, 0, 0, 0, 0, 0));
    show("close again", raw(SYS_CLOSE, fd, 0, 0, 0, 0, 0));
}

static void append_and_holes(void)
{
    long fd = open_file("h", O_CREAT | O_RDWR);
    long appending = open_file("h", O_WRONLY | O_APPEND);
    show("pwrite far", raw(SYS_PWRITE64, fd, (long)"x", 1, 3 * PAGE, 0, 0));
    show("append", raw(SYS_WRITE, appending, (long)"end", 3, 0, 0, 0));
    show("size", raw(SYS_LSEEK, fd, 0, 2, 0, 0, 0));
    show("data", raw(SYS_LSEEK, fd, 0, 3, 0, 0, 0));
    show("hole", raw(SYS_LSEEK, fd, 3 * PAGE, 4, 0, 0, 0));
    show("hole at 0", raw(SYS_LSEEK, fd, 0, 4, 0, 0, 0));
    show("data at end", raw(SYS_LSEEK, fd, 3 * PAGE + 4, 3, 0, 0, 0));
    show("read hole", raw(SYS_PREAD64, fd, (long)buffer, 4, PAGE, 0, 0));
    show("zero", buffer[0] + buffer[3]);
    show("truncate", raw(SYS_FTRUNCATE, fd, 3 * PAGE + 2, 0, 0, 0, 0));
    show("grow", raw(SYS_FTRUNCATE, fd, 3 * PAGE + 4, 0, 0, 0, 0));
    show("read tail", raw(SYS_PREAD64, fd, (long)buffer, 10, 3 * PAGE, 0, 0));
    print_bytes(buffer, 4);
    show("negative seek", raw(SYS_LSEEK, fd, -1, 0, 0, 0, 0));
    show("bad whence", raw(SYS_LSEEK, fd, 0, 9, 0, 0, 0));
    show("negative truncate", raw(SYS_FTRUNCATE, fd, -1, 0, 0, 0, 0));
    show("read write-only", raw(SYS_READ, appending, (long)buffer, 1, 0, 0, 0));
    show("flags", raw(SYS_FCNTL, appending, 3, 0, 0, 0, 0));
    show("close", raw(SYS_CLOSE, fd, 0, 0, 0, 0, 0));
    show("close", raw(SYS_CLOSE, appending, 0, 0, 0, 0, 0));
    show("unlink", raw(SYS_UNLINK, (long)"h", 0, 0, 0, 0, 0));
}

static void names(void)
{
    show("mkdir", raw(SYS_MKDIR, (long)"n", 0755, 0, 0, 0, 0));
    show("mkdir again", raw(SYS_MKDIR, (long)"n", 0755, 0, 0, 0, 0));
    show("mkdir slash", raw(SYS_MKDIR, (long)"n/m/", 0755, 0, 0, 0, 0));
    show("create slash", open_file("n/f/", O_CREAT | O_RDWR));
    show("empty path", open_file("", O_RDONLY));
    show("dir write", open_file("n", O_RDWR));
    show("not a dir", open_file("n", O_RDONLY | O_DIRECTORY));
    show("rename into itself", raw(SYS_RENAME, (long)"n", (long)"n/m/x", 0, 0, 0, 0));
    show("rename over parent", raw(SYS_RENAME, (long)"n/m", (long)"n", 0, 0, 0, 0));
    show("rename dot", raw(SYS_RENAME, (long)"n/.", (long)"q", 0, 0, 0, 0));
    show("rmdir dot", raw(SYS_RMDIR, (long)"n/.", 0, 0, 0, 0, 0));
    show("rmdir dotdot", raw(SYS_RMDIR, (long)"n/..", 0, 0, 0, 0, 0));
    show("rmdir root", raw(SYS_RMDIR, (long)"/", 0, 0, 0, 0, 0));
    show("unlink dir", raw(SYS_UNLINK, (long)"n", 0, 0, 0, 0, 0));
    show("link dir", raw(SYS_LINK, (long)"n", (long)"n2", 0, 0, 0, 0));
    show("symlink", raw(SYS_SYMLINK, (long)"n/m", (long)"s", 0, 0, 0, 0));
    show("symlink empty", raw(SYS_SYMLINK, (long)"", (long)"s2", 0, 0, 0, 0));
    show("rename link over dir", raw(SYS_RENAME, (long)"s", (long)"n", 0, 0, 0, 0));
    show("nofollow", open_file("s", O_NOFOLLOW));
    show("nofollow dir", open_file("s/", O_NOFOLLOW));
    show("rmdir link", raw(SYS_RMDIR, (long)"s", 0, 0, 0, 0, 0));
    show("chdir", raw(SYS_CHDIR, (long)"s", 0, 0, 0, 0, 0));
    show("getcwd", raw(SYS_GETCWD, (long)buffer, 100, 0, 0, 0, 0));
    print_text(buffer);
    show("getcwd short", raw(SYS_GETCWD, (long)buffer, 3, 0, 0, 0, 0));
    show("remove cwd", raw(SYS_RMDIR, (long)"../m", 0, 0, 0, 0, 0));
    show("getcwd gone", raw(SYS_GETCWD, (long)buffer, 100, 0, 0, 0, 0));
    show("create in gone", open_file("x", O_CREAT | O_RDWR));
    show("dotdot of gone", raw(SYS_CHDIR, (long)"..", 0, 0, 0, 0, 0));
    show("back", raw(SYS_CHDIR, (long)"/tmp", 0, 0, 0, 0, 0));
    show("rmdir", raw(SYS_RMDIR, (long)"n", 0, 0, 0, 0, 0));
    show("unlink", raw(SYS_UNLINK, (long)"s", 0, 0, 0, 0, 0));
}

// Removing names while a directory is being read must neither repeat nor skip others.
static void listing(void)
{
    char name[] = "d/f00";
    long seen = 0;
    (void)raw(SYS_MKDIR, (long)"d", 0755, 0, 0, 0, 0);
    for (int index = 0; index < 60; index++) {
        name[3] = (char)('0' + index / 10);
        name[4] = (char)('0' + index % 10);
        (void)raw(SYS_CLOSE, open_file(name, O_CREAT | O_RDWR), 0, 0, 0, 0, 0);
    }
    long fd = open_file("d", O_RDONLY | O_DIRECTORY);
    show("too small", raw(SYS_GETDENTS64, fd, (long)buffer, 10, 0, 0, 0));
    for (;;) {
        long size = raw(SYS_GETDENTS64, fd, (long)buffer, DIR_SIZE, 0, 0, 0);
        if (size <= 0) {
            show("end", size);
            break;
        }
        for (long place = 0; place < size; place += *(uint16_t *)(buffer + place + 16)) {
            const char *found = buffer + place + 19;
            if (found[0] == 'f') {
                name[3] = found[1];
                name[4] = found[2];
                (void)raw(SYS_UNLINK, (long)name, 0, 0, 0, 0, 0);
                seen++;
            }
        }
    }
    show("seen", seen);
    show("read dir", raw(SYS_READ, fd, (long)buffer, 10, 0, 0, 0));
    show("rmdir", raw(SYS_RMDIR, (long)"d", 0, 0, 0, 0, 0));
    show("list gone", raw(SYS_GETDENTS64, fd, (long)buffer, DIR_SIZE, 0, 0, 0));
    show("close", raw(SYS_CLOSE, fd, 0, 0, 0, 0, 0));
}

static void pipes(void)
{
    int ends[2] = { -1, -1 };
    struct {
        int fd;
        short events;
        short found;
    } polled[2];
    show("pipe", raw(SYS_PIPE2, (long)ends, O_NONBLOCK, 0, 0, 0, 0));
    polled[0].fd = ends[0];
    polled[0].events = 1;
    polled[1].fd = ends[1];
    polled[1].events = 4;
    show("poll", raw(SYS_POLL, (long)polled, 2, 0, 0, 0, 0));
    show("read empty", raw(SYS_READ, ends[0], (long)buffer, 1, 0, 0, 0));
    long total = 0;
    long written = 0;
    while ((written = raw(SYS_WRITE, ends[1], (long)buffer, PAGE, 0, 0, 0)) > 0) {
        total += written;
    }
    show("filled", total);
    show("full", written);
    show("seek", raw(SYS_LSEEK, ends[0], 0, 1, 0, 0, 0));
    show("read", raw(SYS_READ, ends[0], (long)buffer, 8000, 0, 0, 0));
    show("close reader", raw(SYS_CLOSE, ends[0], 0, 0, 0, 0, 0));
    ignore_signal(13);
    show("write broken", raw(SYS_WRITE, ends[1], (long)buffer, 1, 0, 0, 0));
    show("poll broken", raw(SYS_POLL, (long)&polled[1], 1, 0, 0, 0, 0));
    show("events", polled[1].found);
    show("close writer", raw(SYS_CLOSE, ends[1], 0, 0, 0, 0, 0));
}

static void descriptors(void)
{
    long fd = open_file("x", O_CREAT | O_RDWR | O_CLOEXEC);
    show("fd", fd);
    show("getfd", raw(SYS_FCNTL, fd, 1, 0, 0, 0, 0));
    show("dup", raw(SYS_DUP, fd, 0, 0, 0, 0, 0));
    show("dup above", raw(SYS_FCNTL, fd, 0, 100, 0, 0, 0));
    show("dup cloexec", raw(SYS_FCNTL, fd, 1030, 50, 0, 0, 0));
    show("getfd", raw(SYS_FCNTL, 50, 1, 0, 0, 0, 0));
    show("dup2 same", raw(SYS_DUP2, fd, fd, 0, 0, 0, 0));
    show("dup3 same", raw(SYS_DUP3, fd, fd, 0, 0, 0, 0));
    show("dup2 bad", raw(SYS_DUP2, 77, 5, 0, 0, 0, 0));
    show("dup2 negative", raw(SYS_DUP2, fd, -1, 0, 0, 0, 0));
    show("lowest", raw(SYS_DUP, fd, 0, 0, 0, 0, 0));
    show("fcntl unknown", raw(SYS_FCNTL, fd, 9999, 0, 0, 0, 0));
    show("ioctl", raw(SYS_IOCTL, fd, 0x5401, (long)buffer, 0, 0, 0));
    show("ioctl bad fd", raw(SYS_IOCTL, 99, 0x5401, (long)buffer, 0, 0, 0));
    for (long index = 3; index < 110; index++) {
        (void)raw(SYS_CLOSE, index, 0, 0, 0, 0, 0);
    }
    show("unlink", raw(SYS_UNLINK, (long)"x", 0, 0, 0, 0, 0));
}

static void memory(void)
{
    long page = raw(SYS_MMAP, 0, 4 * PAGE, 3, 0x22, -1, 0);
    char *bytes = (char *)page;
    bytes[0] = 'a';
    bytes[3 * PAGE] = 'd';
    long file = open_file("m", O_CREAT | O_RDWR);
    (void)raw(SYS_WRITE, file, (long)"mapped file", 11, 0, 0, 0);
    show("mmap zero size", raw(SYS_MMAP, 0, 0, 3, 0x22, -1, 0));
    show("mmap no type", raw(SYS_MMAP, 0, PAGE, 3, 0x20, -1, 0));
    show("mmap bad fd", raw(SYS_MMAP, 0, PAGE, 3, 2, 99, 0));
    show("mmap offset", raw(SYS_MMAP, 0, PAGE, 3, 2, file, 1));
    show("mmap huge", raw(SYS_MMAP, 0, (long)1 << 62, 3, 0x22, -1, 0));
    show("fixed unaligned", raw(SYS_MMAP, 0x1000001, PAGE, 3, 0x32, -1, 0));
    show("fixed kernel", raw(SYS_MMAP, KERNEL, PAGE, 3, 0x32, -1, 0));
    show("no replace", raw(SYS_MMAP, page, PAGE, 3, 0x100022, -1, 0));
    show("hole", raw(SYS_MUNMAP, page + PAGE, PAGE, 0, 0, 0, 0));
    show("protect hole", raw(SYS_MPROTECT, page, 4 * PAGE, 1, 0, 0, 0));
    show("discard", raw(SYS_MADVISE, page + 3 * PAGE, PAGE, 4, 0, 0, 0));
    show("discarded", bytes[3 * PAGE]);
    show("discard hole", raw(SYS_MADVISE, page, 4 * PAGE, 4, 0, 0, 0));
    show("kept or not", bytes[0]);
    show("protect again", raw(SYS_MPROTECT, page, PAGE, 3, 0, 0, 0));
    bytes[0] = 'b';
    long moved = raw(SYS_MREMAP, page, PAGE, 64 * PAGE, 1, 0, 0);
    show("moved", ((char *)moved)[0]);
    show("old is gone", raw(SYS_MINCORE, page, PAGE, (long)buffer, 0, 0, 0) == 0 && moved != page);
    show("remap hole", raw(SYS_MREMAP, WILD, PAGE, 2 * PAGE, 1, 0, 0));
    long map = raw(SYS_MMAP, 0, 2 * PAGE, 3, 2, file, 0);
    print_bytes((char *)map, 11);
    ((char *)map)[0] = 'M';
    show("private", raw(SYS_PREAD64, file, (long)buffer, 6, 0, 0, 0));
    print_bytes(buffer, 6);
    show("shared of read-only", raw(SYS_MMAP, 0, PAGE, 3, 1, open_file("m", O_RDONLY), 0));
    show("grow brk", raw(SYS_BRK, raw(SYS_BRK, 0, 0, 0, 0, 0, 0) + 10000, 0, 0, 0, 0, 0) > 0);
    show("unlink", raw(SYS_UNLINK, (long)"m", 0, 0, 0, 0, 0));
    show("read-only buffer",
         raw(SYS_READ, file, raw(SYS_MMAP, 0, PAGE, 1, 0x22, -1, 0), 1, 0, 0, 0));
    show("hole behind", raw(SYS_MUNMAP, map + PAGE, PAGE, 0, 0, 0, 0));
    show("cut read", raw(SYS_PREAD64, file, map + PAGE - 4, 11, 0, 0, 0));
    show("cut write", raw(SYS_PWRITE64, file, map + PAGE - 4, 11, 0, 0, 0));
    show("no read", raw(SYS_PREAD64, file, map + PAGE, 11, 0, 0, 0));
    for (long index = 3; index < 20; index++) {
        (void)raw(SYS_CLOSE, index, 0, 0, 0, 0, 0);
    }
}

static volatile long handled;
static volatile long skip;

static void on_fault(int number, const long *info, uint64_t *context)
{
    show("signal", number);
    show("code", ((const int *)info)[2]);
    show("address", info[2]);
    handled++;
    context[21] += (uint64_t)skip; // rip: gregs start after flags, link and stack, 5 words
}

// NOLINTNEXTLINE(readability-non-const-parameter): one type for all handlers
static void on_alarm(int number, const long *info, uint64_t *context)
{
    (void)info;
    (void)context;
    show("signal", number);
    handled++;
}

// NOLINTNEXTLINE(readability-non-const-parameter): one type for all handlers
static void on_tick(int number, const long *info, uint64_t *context)
{
    (void)number;
    (void)info;
    (void)context;
    handled++;
}

static void signals(void)
{
    static char stack[16384];
    const long alternate[3] = { (long)stack, 0, sizeof(stack) };
    uint64_t set = 1 << (10 - 1);
    uint64_t old = 0;
    catch_signal(11, on_fault, 0x08000000);
    catch_signal(10, on_alarm, 0);
    catch_signal(14, on_alarm, 0);
    show("altstack", raw(SYS_SIGALTSTACK, (long)alternate, 0, 0, 0, 0, 0));
    skip = 3; // the length of "mov byte ptr [rax], 1"
    fault_write((char *)0x10);
    skip = 3;
    long read_only = raw(SYS_MMAP, 0x20000000, PAGE, 1, 0x32, -1, 0);
    fault_write((char *)read_only);
    show("handled", handled);
    show("block", raw(SYS_SIGPROCMASK, 0, (long)&set, (long)&old, 8, 0, 0));
    show("kill self", raw(SYS_KILL, raw(SYS_GETPID, 0, 0, 0, 0, 0, 0), 10, 0, 0, 0, 0));
    show("handled", handled);
    show("pending", raw(SYS_SIGPENDING, (long)&old, 8, 0, 0, 0, 0));
    show("set", (long)old);
    show("unblock", raw(SYS_SIGPROCMASK, 1, (long)&set, 0, 8, 0, 0));
    show("handled", handled);
    const long timer[4] = { 0, 0, 0, 20000 };
    show("setitimer", raw(SYS_SETITIMER, 0, (long)timer, 0, 0, 0, 0));
    show("pause", raw(SYS_PAUSE, 0, 0, 0, 0, 0, 0));
    show("handled", handled);
    show("action kill", raw(SYS_SIGACTION, 9, (long)buffer, 0, 8, 0, 0));
    show("bad signal", raw(SYS_KILL, 0, 65, 0, 0, 0, 0));
    show("bad set size", raw(SYS_SIGPROCMASK, 0, (long)&set, 0, 4, 0, 0));
    show("altstack small", raw(SYS_SIGALTSTACK, (long)(const long[3]){ 0, 0, 10 }, 0, 0, 0, 0, 0));
    catch_signal(14, on_tick, 0); // prints nothing: how often it runs varies
    long timed = raw(SYS_SETITIMER, 0, (long)(const long[4]){ 0, 1000, 0, 1000 }, 0, 0, 0, 0);
    long before = handled;
    while (handled < before + 3) { // interrupts code that makes no call
    }
    show("ticked", timed);
    show("stop", raw(SYS_SETITIMER, 0, (long)(const long[4]){ 0 }, 0, 0, 0, 0));
}

static void various(void)
{
    show("unknown call", raw(5000, 0, 0, 0, 0, 0, 0));
    show("negative call", raw(-1, 0, 0, 0, 0, 0, 0));
    show("getrandom flags", raw(SYS_GETRANDOM, (long)buffer, 4, 0x100, 0, 0, 0));
    show("getrandom", raw(SYS_GETRANDOM, (long)buffer, 40, 0, 0, 0, 0));
    show("nanosleep bad",
         raw(SYS_NANOSLEEP, (long)(const long[2]){ 0, 2000000000 }, 0, 0, 0, 0, 0));
    show("nanosleep", raw(SYS_NANOSLEEP, (long)(const long[2]){ 0, 1000 }, 0, 0, 0, 0, 0));
    show("clock bad", raw(SYS_CLOCK_GETTIME, 99, (long)buffer, 0, 0, 0, 0));
    show("prctl", raw(SYS_PRCTL, 15, (long)"a name that is long", 0, 0, 0, 0));
    show("prctl", raw(SYS_PRCTL, 16, (long)buffer, 0, 0, 0, 0));
    print_text(buffer);
    show("arch_prctl", raw(SYS_ARCH_PRCTL, 0x1002, KERNEL, 0, 0, 0, 0));
    show("rlimit", raw(SYS_PRLIMIT64, 0, 99, 0, 0, 0, 0));
    show("wait", raw(SYS_WAIT4, -1, 0, 1, 0, 0, 0));
    show("futex", raw(SYS_FUTEX, (long)&handled, 0, -5, 0, 0, 0));
    show("futex odd", raw(SYS_FUTEX, (long)&handled + 1, 0, -5, 0, 0, 0));
    show("exec dir", raw(SYS_EXECVE, (long)"/tmp", 0, 0, 0, 0, 0));
    show("exec text", raw(SYS_EXECVE, (long)"/etc/passwd", 0, 0, 0, 0, 0));
    show("umask", raw(SYS_UMASK, 077, 0, 0, 0, 0, 0));
    show("umask", raw(SYS_UMASK, 022, 0, 0, 0, 0, 0));
    show("access", raw(SYS_ACCESS, (long)"/etc/passwd", 1, 0, 0, 0, 0));
    show("access bad", raw(SYS_ACCESS, (long)"/etc/passwd", 9, 0, 0, 0, 0));
}

__attribute__((noreturn)) void start_main(void)
{
    bad_pointers();
    unlink_while_open();
    append_and_holes();
    names();
    listing();
    pipes();
    descriptors();
    memory();
    signals();
    various();
    raw_exit(7);
}
