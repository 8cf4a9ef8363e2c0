// SPDX-License-Identifier: MIT OR Apache-2.0
// Raw Linux calls on x86_64 and a little printing, for programs without a C library.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    SYS_READ = 0,
    SYS_WRITE = 1,
    SYS_OPEN = 2,
    SYS_CLOSE = 3,
    SYS_STAT = 4,
    SYS_FSTAT = 5,
    SYS_POLL = 7,
    SYS_LSEEK = 8,
    SYS_MMAP = 9,
    SYS_MPROTECT = 10,
    SYS_MUNMAP = 11,
    SYS_BRK = 12,
    SYS_SIGACTION = 13,
    SYS_SIGPROCMASK = 14,
    SYS_SIGRETURN = 15,
    SYS_IOCTL = 16,
    SYS_PREAD64 = 17,
    SYS_PWRITE64 = 18,
    SYS_READV = 19,
    SYS_ACCESS = 21,
    SYS_PIPE = 22,
    SYS_MREMAP = 25,
    SYS_MINCORE = 27,
    SYS_MADVISE = 28,
    SYS_DUP = 32,
    SYS_DUP2 = 33,
    SYS_PAUSE = 34,
    SYS_NANOSLEEP = 35,
    SYS_SETITIMER = 38,
    SYS_GETPID = 39,
    SYS_EXECVE = 59,
    SYS_EXIT = 60,
    SYS_WAIT4 = 61,
    SYS_KILL = 62,
    SYS_UNAME = 63,
    SYS_FCNTL = 72,
    SYS_FTRUNCATE = 77,
    SYS_GETCWD = 79,
    SYS_CHDIR = 80,
    SYS_RENAME = 82,
    SYS_MKDIR = 83,
    SYS_RMDIR = 84,
    SYS_LINK = 86,
    SYS_UNLINK = 87,
    SYS_SYMLINK = 88,
    SYS_UMASK = 95,
    SYS_SIGPENDING = 127,
    SYS_SIGALTSTACK = 131,
    SYS_PRCTL = 157,
    SYS_ARCH_PRCTL = 158,
    SYS_FUTEX = 202,
    SYS_GETDENTS64 = 217,
    SYS_CLOCK_GETTIME = 228,
    SYS_EXIT_GROUP = 231,
    SYS_DUP3 = 292,
    SYS_PIPE2 = 293,
    SYS_PRLIMIT64 = 302,
    SYS_GETRANDOM = 318,
};

enum {
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_CREAT = 0100,
    O_EXCL = 0200,
    O_APPEND = 02000,
    O_NONBLOCK = 04000,
    O_DIRECTORY = 0200000,
    O_NOFOLLOW = 0400000,
    O_CLOEXEC = 02000000,
};

typedef void (*signal_handler)(int number, const long *info, uint64_t *context);

long raw(long number, long a, long b, long c, long d, long e, long f);
__attribute__((noreturn)) void raw_exit(long status);
long open_file(const char *path, int flags);
long file_links(long fd);
void print_text(const char *text);
void print_bytes(const char *bytes, size_t size);
void print_number(long number);
void ignore_signal(int number);
void catch_signal(int number, signal_handler handler, uint64_t flags);
void fault_write(char *place);
void signal_restore(void);
__attribute__((noreturn)) void start_main(void);
