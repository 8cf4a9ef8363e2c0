// SPDX-License-Identifier: MIT OR Apache-2.0
// Constants and structures of Linux's user interface on x86_64 as far as the personality uses them
// (include/uapi of Linux 6.1). Error numbers are in errors.h.
#pragma once

#include <assert.h>
#include <stdint.h>

// Directory file descriptor and *at flags (uapi/linux/fcntl.h).
#define LINUX_AT_FDCWD            (-100)
#define LINUX_AT_SYMLINK_NOFOLLOW 0x100U
#define LINUX_AT_REMOVEDIR        0x200U
#define LINUX_AT_EACCESS          0x200U
#define LINUX_AT_SYMLINK_FOLLOW   0x400U
#define LINUX_AT_NO_AUTOMOUNT     0x800U
#define LINUX_AT_EMPTY_PATH       0x1000U
#define LINUX_AT_STATX_SYNC_TYPE  0x6000U

// open flags (uapi/asm-generic/fcntl.h).
#define LINUX_O_ACCMODE   03U
#define LINUX_O_RDONLY    00U
#define LINUX_O_WRONLY    01U
#define LINUX_O_RDWR      02U
#define LINUX_O_CREAT     0100U
#define LINUX_O_EXCL      0200U
#define LINUX_O_NOCTTY    0400U
#define LINUX_O_TRUNC     01000U
#define LINUX_O_APPEND    02000U
#define LINUX_O_NONBLOCK  04000U
#define LINUX_O_DSYNC     010000U
#define LINUX_O_ASYNC     020000U
#define LINUX_O_DIRECT    040000U
#define LINUX_O_LARGEFILE 0100000U
#define LINUX_O_DIRECTORY 0200000U
#define LINUX_O_NOFOLLOW  0400000U
#define LINUX_O_NOATIME   01000000U
#define LINUX_O_CLOEXEC   02000000U
#define LINUX_O_SYNC      04010000U
#define LINUX_O_PATH      010000000U
#define LINUX_O_TMPFILE   020200000U

#define LINUX_F_DUPFD         0U
#define LINUX_F_GETFD         1U
#define LINUX_F_SETFD         2U
#define LINUX_F_GETFL         3U
#define LINUX_F_SETFL         4U
#define LINUX_F_GETLK         5U
#define LINUX_F_SETLK         6U
#define LINUX_F_SETLKW        7U
#define LINUX_F_DUPFD_CLOEXEC 1030U
#define LINUX_F_GETPIPE_SZ    1032U
#define LINUX_FD_CLOEXEC      1U
#define LINUX_F_UNLCK         2

#define LINUX_SEEK_SET  0U
#define LINUX_SEEK_CUR  1U
#define LINUX_SEEK_END  2U
#define LINUX_SEEK_DATA 3U
#define LINUX_SEEK_HOLE 4U

#define LINUX_S_IFMT   0170000U
#define LINUX_S_IFSOCK 0140000U
#define LINUX_S_IFLNK  0120000U
#define LINUX_S_IFREG  0100000U
#define LINUX_S_IFBLK  0060000U
#define LINUX_S_IFDIR  0040000U
#define LINUX_S_IFCHR  0020000U
#define LINUX_S_IFIFO  0010000U
#define LINUX_S_ISUID  04000U
#define LINUX_S_ISGID  02000U
#define LINUX_S_ISVTX  01000U
#define LINUX_S_PERM   07777U

#define LINUX_R_OK 4U
#define LINUX_W_OK 2U
#define LINUX_X_OK 1U

#define LINUX_DT_SHIFT 12U

#define LINUX_RENAME_NOREPLACE 1U
#define LINUX_RENAME_EXCHANGE  2U

#define LINUX_UTIME_NOW  0x3fffffff
#define LINUX_UTIME_OMIT 0x3ffffffe

#define LINUX_NAME_MAX      255U
#define LINUX_PATH_MAX      4096U
#define LINUX_SYMLINK_MAX   40U
#define LINUX_LINK_MAX      127000U
#define LINUX_FILE_SIZE_MAX INT64_C(0x7ffffffff000)
#define LINUX_RW_COUNT_MAX  UINT64_C(0x7ffff000)
#define LINUX_IOV_MAX       1024U

#define LINUX_TMPFS_MAGIC     INT64_C(0x01021994)
#define LINUX_PROC_MAGIC      INT64_C(0x9fa0)
#define LINUX_PIPEFS_MAGIC    INT64_C(0x50495045)
#define LINUX_TMPFS_DIR_ENTRY 20U // BOGO_DIRENT_SIZE of mm/shmem.c

struct linux_stat {
    uint64_t st_dev;
    uint64_t st_ino;
    uint64_t st_nlink;
    uint32_t st_mode;
    uint32_t st_uid;
    uint32_t st_gid;
    uint32_t padding;
    uint64_t st_rdev;
    int64_t st_size;
    int64_t st_blksize;
    int64_t st_blocks;
    uint64_t st_atime_s;
    uint64_t st_atime_ns;
    uint64_t st_mtime_s;
    uint64_t st_mtime_ns;
    uint64_t st_ctime_s;
    uint64_t st_ctime_ns;
    int64_t reserved[3];
};
static_assert(sizeof(struct linux_stat) == 144, "struct stat of x86_64");

struct linux_statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};

struct linux_statx {
    uint32_t mask;
    uint32_t blksize;
    uint64_t attributes;
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint16_t mode;
    uint16_t padding;
    uint64_t ino;
    uint64_t size;
    uint64_t blocks;
    uint64_t attributes_mask;
    struct linux_statx_time atime;
    struct linux_statx_time btime;
    struct linux_statx_time ctime;
    struct linux_statx_time mtime;
    uint32_t rdev_major;
    uint32_t rdev_minor;
    uint32_t dev_major;
    uint32_t dev_minor;
    uint64_t mount_id;
    uint64_t reserved[13];
};
static_assert(sizeof(struct linux_statx) == 256, "struct statx");
#define LINUX_STATX_BASIC_STATS 0x7ffU

struct linux_statfs {
    int64_t type;
    int64_t bsize;
    int64_t blocks;
    int64_t bfree;
    int64_t bavail;
    int64_t files;
    int64_t ffree;
    int32_t fsid[2];
    int64_t namelen;
    int64_t frsize;
    int64_t flags;
    int64_t spare[4];
};
static_assert(sizeof(struct linux_statfs) == 120, "struct statfs of x86_64");

// struct linux_dirent64 without its name.
struct linux_dirent_head {
    uint64_t ino;
    int64_t next;
    uint16_t length;
    uint8_t type;
} __attribute__((packed));
#define LINUX_DIRENT_NAME_OFFSET 19U
#define LINUX_DIRENT_ALIGN       8U
static_assert(sizeof(struct linux_dirent_head) == LINUX_DIRENT_NAME_OFFSET, "linux_dirent64");

struct linux_timespec {
    int64_t seconds;
    int64_t nanoseconds;
};
struct linux_timeval {
    int64_t seconds;
    int64_t microseconds;
};
struct linux_itimerval {
    struct linux_timeval interval;
    struct linux_timeval value;
};
#define LINUX_NS_PER_S  UINT64_C(1000000000)
#define LINUX_NS_PER_US UINT64_C(1000)
#define LINUX_NS_PER_MS UINT64_C(1000000)
#define LINUX_US_PER_S  INT64_C(1000000)
#define LINUX_HZ        UINT64_C(100)

#define LINUX_CLOCK_REALTIME           0U
#define LINUX_CLOCK_MONOTONIC          1U
#define LINUX_CLOCK_PROCESS_CPUTIME_ID 2U
#define LINUX_CLOCK_THREAD_CPUTIME_ID  3U
#define LINUX_CLOCK_MONOTONIC_RAW      4U
#define LINUX_CLOCK_REALTIME_COARSE    5U
#define LINUX_CLOCK_MONOTONIC_COARSE   6U
#define LINUX_CLOCK_BOOTTIME           7U
#define LINUX_TIMER_ABSTIME            1U

struct linux_iovec {
    uint64_t base;
    uint64_t size;
};
struct linux_pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};
#define LINUX_POLLIN     0x001
#define LINUX_POLLOUT    0x004
#define LINUX_POLLERR    0x008
#define LINUX_POLLHUP    0x010
#define LINUX_POLLNVAL   0x020
#define LINUX_POLLRDNORM 0x040
#define LINUX_POLLWRNORM 0x100
#define LINUX_FD_SETSIZE 1024U

#define LINUX_UTS_LENGTH 65
struct linux_utsname {
    char fields[6][LINUX_UTS_LENGTH];
};
struct linux_sysinfo {
    int64_t uptime;
    uint64_t loads[3];
    uint64_t totalram;
    uint64_t freeram;
    uint64_t sharedram;
    uint64_t bufferram;
    uint64_t totalswap;
    uint64_t freeswap;
    uint16_t procs;
    uint16_t padding[3];
    uint64_t totalhigh;
    uint64_t freehigh;
    uint32_t mem_unit;
    uint32_t padding_end;
};
static_assert(sizeof(struct linux_sysinfo) == 112, "struct sysinfo of x86_64");

struct linux_rlimit {
    uint64_t current;
    uint64_t maximum;
};
#define LINUX_RLIM_INFINITY     UINT64_MAX
#define LINUX_RLIMIT_FSIZE      1U
#define LINUX_RLIMIT_DATA       2U
#define LINUX_RLIMIT_STACK      3U
#define LINUX_RLIMIT_CORE       4U
#define LINUX_RLIMIT_NPROC      6U
#define LINUX_RLIMIT_NOFILE     7U
#define LINUX_RLIMIT_MEMLOCK    8U
#define LINUX_RLIMIT_AS         9U
#define LINUX_RLIMIT_SIGPENDING 11U
#define LINUX_RLIMIT_MSGQUEUE   12U
#define LINUX_RLIMIT_NICE       13U
#define LINUX_RLIMIT_RTPRIO     14U
#define LINUX_RLIMIT_COUNT      16U

struct linux_rusage {
    struct linux_timeval user;
    struct linux_timeval system;
    int64_t counts[14];
};
struct linux_tms {
    int64_t user;
    int64_t system;
    int64_t children_user;
    int64_t children_system;
};

#define LINUX_PROT_READ           1U
#define LINUX_PROT_WRITE          2U
#define LINUX_PROT_EXEC           4U
#define LINUX_PROT_MASK           7U
#define LINUX_MAP_SHARED          0x01U
#define LINUX_MAP_PRIVATE         0x02U
#define LINUX_MAP_SHARED_VALIDATE 0x03U
#define LINUX_MAP_TYPE            0x0fU
#define LINUX_MAP_FIXED           0x10U
#define LINUX_MAP_ANONYMOUS       0x20U
#define LINUX_MAP_32BIT           0x40U
#define LINUX_MAP_GROWSDOWN       0x100U
#define LINUX_MAP_FIXED_NOREPLACE 0x100000U
#define LINUX_MREMAP_MAYMOVE      1U
#define LINUX_MREMAP_FIXED        2U
#define LINUX_MADV_DONTNEED       4U
#define LINUX_MADV_FREE           8U
#define LINUX_MADV_HUGEPAGE       14U
#define LINUX_MADV_DODUMP         17U
#define LINUX_MADV_WILLNEED       3U

#define LINUX_FUTEX_WAIT           0U
#define LINUX_FUTEX_WAKE           1U
#define LINUX_FUTEX_WAIT_BITSET    9U
#define LINUX_FUTEX_WAKE_BITSET    10U
#define LINUX_FUTEX_CMD_MASK       0x7fU
#define LINUX_FUTEX_CLOCK_REALTIME 256U

#define LINUX_PR_SET_PDEATHSIG    1U
#define LINUX_PR_GET_DUMPABLE     3U
#define LINUX_PR_SET_DUMPABLE     4U
#define LINUX_PR_SET_NAME         15U
#define LINUX_PR_GET_NAME         16U
#define LINUX_PR_SET_NO_NEW_PRIVS 38U
#define LINUX_PR_GET_NO_NEW_PRIVS 39U
#define LINUX_ARCH_SET_GS         0x1001U
#define LINUX_ARCH_SET_FS         0x1002U
#define LINUX_ARCH_GET_FS         0x1003U
#define LINUX_ARCH_GET_GS         0x1004U
#define LINUX_GRND_FLAGS          7U

// Terminal (uapi/asm-generic/ioctls.h, termbits.h).
#define LINUX_TCGETS     0x5401U
#define LINUX_TCSETS     0x5402U
#define LINUX_TCSETSW    0x5403U
#define LINUX_TCSETSF    0x5404U
#define LINUX_TIOCGPGRP  0x540fU
#define LINUX_TIOCSPGRP  0x5410U
#define LINUX_TIOCGWINSZ 0x5413U
#define LINUX_FIONREAD   0x541bU
#define LINUX_FIONBIO    0x5421U
#define LINUX_FIONCLEX   0x5450U
#define LINUX_FIOCLEX    0x5451U
struct linux_termios {
    uint32_t input;
    uint32_t output;
    uint32_t control;
    uint32_t local;
    uint8_t line;
    uint8_t characters[19];
};
static_assert(sizeof(struct linux_termios) == 36, "struct termios of the kernel");
struct linux_winsize {
    uint16_t rows;
    uint16_t columns;
    uint16_t pixels[2];
};

// Signals (uapi/asm/signal.h).
#define LINUX_SIGNAL_COUNT 64
#define LINUX_SIGHUP       1
#define LINUX_SIGINT       2
#define LINUX_SIGQUIT      3
#define LINUX_SIGILL       4
#define LINUX_SIGTRAP      5
#define LINUX_SIGABRT      6
#define LINUX_SIGBUS       7
#define LINUX_SIGFPE       8
#define LINUX_SIGKILL      9
#define LINUX_SIGSEGV      11
#define LINUX_SIGPIPE      13
#define LINUX_SIGALRM      14
#define LINUX_SIGTERM      15
#define LINUX_SIGCHLD      17
#define LINUX_SIGCONT      18
#define LINUX_SIGSTOP      19
#define LINUX_SIGTSTP      20
#define LINUX_SIGTTIN      21
#define LINUX_SIGTTOU      22
#define LINUX_SIGURG       23
#define LINUX_SIGXFSZ      25
#define LINUX_SIGWINCH     28
#define LINUX_SIGSYS       31
#define LINUX_SIG_DFL      0U
#define LINUX_SIG_IGN      1U
#define LINUX_SIG_BLOCK    0U
#define LINUX_SIG_UNBLOCK  1U
#define LINUX_SIG_SETMASK  2U
#define LINUX_SA_SIGINFO   0x00000004U
#define LINUX_SA_RESTORER  0x04000000U
#define LINUX_SA_ONSTACK   0x08000000U
#define LINUX_SA_RESTART   0x10000000U
#define LINUX_SA_NODEFER   0x40000000U
#define LINUX_SA_RESETHAND 0x80000000U
#define LINUX_SS_ONSTACK   1
#define LINUX_SS_DISABLE   2
#define LINUX_MINSIGSTKSZ  2048U
#define LINUX_SI_USER      0
#define LINUX_SI_KERNEL    0x80
#define LINUX_SI_TKILL     (-6)

struct linux_sigaction {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};
struct linux_sigaltstack {
    uint64_t base;
    int32_t flags;
    uint32_t padding;
    uint64_t size;
};
struct linux_siginfo {
    int32_t number;
    int32_t error;
    int32_t code;
    int32_t padding;
    uint64_t fields[14]; // [0]: pid and uid, or the fault's address
};
static_assert(sizeof(struct linux_siginfo) == 128, "siginfo_t");

struct linux_sigcontext {
    uint64_t r8;
    uint64_t r9;
    uint64_t r10;
    uint64_t r11;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rdi;
    uint64_t rsi;
    uint64_t rbp;
    uint64_t rbx;
    uint64_t rdx;
    uint64_t rax;
    uint64_t rcx;
    uint64_t rsp;
    uint64_t rip;
    uint64_t rflags;
    uint16_t cs;
    uint16_t gs;
    uint16_t fs;
    uint16_t ss;
    uint64_t error;
    uint64_t trap;
    uint64_t old_mask;
    uint64_t cr2;
    uint64_t vector_state;
    uint64_t reserved[8];
};
static_assert(sizeof(struct linux_sigcontext) == 256, "struct sigcontext of x86_64");
struct linux_ucontext {
    uint64_t flags;
    uint64_t link;
    struct linux_sigaltstack stack;
    struct linux_sigcontext context;
    uint64_t mask;
};
struct linux_signal_frame {
    uint64_t return_address;
    struct linux_ucontext ucontext;
    struct linux_siginfo info;
};
#define LINUX_VECTOR_STATE_SIZE 512U // FXSAVE area (Intel SDM volume 1, 10.5.1)
