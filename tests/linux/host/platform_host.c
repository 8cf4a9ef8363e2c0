// SPDX-License-Identifier: MIT OR Apache-2.0
// The personality's platform on a Linux host of the same architecture: the guest is a traced
// process whose system calls are intercepted (PTRACE_SYSEMU) and answered by the personality in the
// tracer. Mappings are made by injecting real calls at a stub page above the guest's addresses. For
// tests only: it shows the same program Linux's own behaviour and the personality's.

#define _GNU_SOURCE // NOLINT(readability-identifier-naming): the C library's name
#include <personality/platform.h>
#include <personality/task.h>

#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define STUB_ADDRESS     UINT64_C(0x7e0000010000)
#define SYSCALL_STOP     (SIGTRAP | 0x80)
#define VECTOR_DIVIDE    0U
#define VECTOR_TRAP      3U
#define VECTOR_INVALID   6U
#define VECTOR_GENERAL   13U
#define VECTOR_PAGE      14U
#define VECTOR_ALIGNMENT 17U
#define VECTOR_SIMD      19U

struct platform_guest {
    pid_t process;
    struct linux_registers registers;
    struct user_regs_struct template; // segments and what the personality does not know
    bool is_gone;
};

static volatile sig_atomic_t kicked_process; // the one that host_kick stops

void host_kick(void)
{
    if (kicked_process != 0) {
        (void)kill(kicked_process, SIGUSR1);
    }
}

void host_fail(const char *what)
{
    perror(what);
    exit(HOST_FAILURE);
}

static void wait_stop(struct platform_guest *guest, int *status)
{
    while (waitpid(guest->process, status, 0) < 0) {
        if (errno != EINTR) {
            host_fail("waitpid");
        }
    }
    guest->is_gone = WIFEXITED(*status) || WIFSIGNALED(*status);
}

// Runs one real call in the traced process.
static int64_t inject(struct platform_guest *guest, long number, const uint64_t arguments[6])
{
    struct user_regs_struct registers = guest->template;
    int status = 0;
    registers.rip = STUB_ADDRESS;
    registers.rax = (unsigned long long)number;
    registers.orig_rax = ~0ULL;
    registers.rdi = arguments[0];
    registers.rsi = arguments[1];
    registers.rdx = arguments[2];
    registers.r10 = arguments[3];
    registers.r8 = arguments[4];
    registers.r9 = arguments[5];
    if (guest->is_gone || ptrace(PTRACE_SETREGS, guest->process, NULL, &registers) != 0) {
        return -ESRCH;
    }
    do {
        if (ptrace(PTRACE_CONT, guest->process, NULL, NULL) != 0) {
            return -ESRCH;
        }
        wait_stop(guest, &status);
    } while (!guest->is_gone && WSTOPSIG(status) != SIGTRAP);
    if (guest->is_gone || ptrace(PTRACE_GETREGS, guest->process, NULL, &registers) != 0) {
        return -ESRCH;
    }
    return (int64_t)registers.rax;
}

static void child_run(void)
{
    static const uint8_t stub[] = { 0x0f, 0x05, 0xcc }; // syscall; int3
    void *page = mmap((void *)STUB_ADDRESS, LINUX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (page == MAP_FAILED) {
        _exit(1);
    }
    memcpy(page, stub, sizeof(stub));
    if (mprotect(page, LINUX_PAGE_SIZE, PROT_READ | PROT_EXEC) != 0 ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(1);
    }
    (void)raise(SIGSTOP);
    _exit(1);
}

struct platform_guest *platform_guest_create(void)
{
    struct platform_guest *guest = calloc(1, sizeof(*guest));
    int status = 0;
    if (guest == NULL) {
        return NULL;
    }
    guest->process = fork();
    if (guest->process < 0) {
        host_fail("fork");
    }
    if (guest->process == 0) {
        child_run();
    }
    wait_stop(guest, &status);
    if (guest->is_gone ||
        ptrace(PTRACE_SETOPTIONS, guest->process, NULL,
               PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0 ||
        ptrace(PTRACE_GETREGS, guest->process, NULL, &guest->template) != 0) {
        host_fail("ptrace");
    }
    // The guest starts with nothing below its top; no restartable sequence area, no robust list.
    const uint64_t all[6] = { 0, LINUX_ADDRESS_TOP };
    if (inject(guest, SYS_munmap, all) != 0) {
        host_fail("munmap in the guest");
    }
    guest->template.fs_base = 0;
    guest->template.gs_base = 0;
    return guest;
}

void platform_guest_destroy(struct platform_guest *guest)
{
    int status = 0;
    if (!guest->is_gone) {
        (void)kill(guest->process, SIGKILL);
        (void)waitpid(guest->process, &status, 0);
    }
    if (kicked_process == guest->process) {
        kicked_process = 0;
    }
    free(guest);
}

struct linux_registers *platform_guest_registers(struct platform_guest *guest)
{
    return &guest->registers;
}

void platform_guest_restore_all(struct platform_guest *guest)
{
    (void)guest; // ptrace always loads every register
}

void platform_guest_load_vector(struct platform_guest *guest, const void *state)
{
    struct user_fpregs_struct registers;
    memcpy(&registers, state, sizeof(registers));
    (void)ptrace(PTRACE_SETFPREGS, guest->process, NULL, &registers);
}

void platform_guest_save_vector(struct platform_guest *guest, void *state)
{
    struct user_fpregs_struct registers;
    memset(&registers, 0, sizeof(registers));
    (void)ptrace(PTRACE_GETFPREGS, guest->process, NULL, &registers);
    memcpy(state, &registers, sizeof(registers));
}

static void registers_load(struct platform_guest *guest)
{
    struct user_regs_struct registers = guest->template;
    const struct linux_registers *from = &guest->registers;
    registers.rax = from->rax;
    registers.rbx = from->rbx;
    registers.rcx = from->rcx;
    registers.rdx = from->rdx;
    registers.rsi = from->rsi;
    registers.rdi = from->rdi;
    registers.rbp = from->rbp;
    registers.rsp = from->rsp;
    registers.r8 = from->r8;
    registers.r9 = from->r9;
    registers.r10 = from->r10;
    registers.r11 = from->r11;
    registers.r12 = from->r12;
    registers.r13 = from->r13;
    registers.r14 = from->r14;
    registers.r15 = from->r15;
    registers.rip = from->rip;
    registers.eflags = from->rflags;
    registers.fs_base = from->fs_base;
    registers.gs_base = from->gs_base;
    registers.orig_rax = ~0ULL;
    (void)ptrace(PTRACE_SETREGS, guest->process, NULL, &registers);
}

static void registers_save(struct platform_guest *guest, bool is_call)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, guest->process, NULL, &registers) != 0) {
        return;
    }
    guest->registers = (struct linux_registers){
        .rax = is_call ? registers.orig_rax : registers.rax,
        .rbx = registers.rbx,
        .rcx = registers.rcx,
        .rdx = registers.rdx,
        .rsi = registers.rsi,
        .rdi = registers.rdi,
        .rbp = registers.rbp,
        .rsp = registers.rsp,
        .r8 = registers.r8,
        .r9 = registers.r9,
        .r10 = registers.r10,
        .r11 = registers.r11,
        .r12 = registers.r12,
        .r13 = registers.r13,
        .r14 = registers.r14,
        .r15 = registers.r15,
        .rip = registers.rip,
        .rflags = registers.eflags,
        .fs_base = registers.fs_base,
        .gs_base = registers.gs_base,
    };
}

static enum linux_event_kind fault_event(const struct platform_guest *guest, int signal_number,
                                         struct linux_event *event)
{
    siginfo_t info;
    memset(event, 0, sizeof(*event));
    (void)ptrace(PTRACE_GETSIGINFO, guest->process, NULL, &info);
    switch (signal_number) {
    case SIGSEGV:
        event->vector = info.si_code == SI_KERNEL ? VECTOR_GENERAL : VECTOR_PAGE;
        event->address = (uint64_t)info.si_addr;
        break;
    case SIGBUS:
        event->vector = VECTOR_ALIGNMENT;
        break;
    case SIGFPE:
        event->vector = info.si_code == FPE_INTDIV ? VECTOR_DIVIDE : VECTOR_SIMD;
        break;
    case SIGILL:
        event->vector = VECTOR_INVALID;
        break;
    default:
        event->vector = VECTOR_TRAP;
        break;
    }
    return LINUX_EVENT_FAULT;
}

enum linux_event_kind platform_guest_run(struct platform_guest *guest, struct linux_event *event)
{
    int status = 0;
    if (guest->is_gone) {
        return LINUX_EVENT_KILL;
    }
    registers_load(guest);
    kicked_process = guest->process;
    if (ptrace(PTRACE_SYSEMU, guest->process, NULL, NULL) != 0) {
        return LINUX_EVENT_KILL;
    }
    wait_stop(guest, &status);
    if (guest->is_gone) {
        return LINUX_EVENT_KILL;
    }
    int signal_number = WSTOPSIG(status);
    registers_save(guest, signal_number == SYSCALL_STOP);
    switch (signal_number) {
    case SYSCALL_STOP:
        return LINUX_EVENT_SYSCALL;
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
        return fault_event(guest, signal_number, event);
    default:
        return LINUX_EVENT_KICK;
    }
}

static int host_protection(uint32_t protection)
{
    return ((protection & PLATFORM_READ) != 0 ? PROT_READ : 0) |
           ((protection & PLATFORM_WRITE) != 0 ? PROT_WRITE : 0) |
           ((protection & PLATFORM_EXECUTE) != 0 ? PROT_EXEC : 0);
}

static int inject_map(struct platform_guest *guest, const uint64_t arguments[6])
{
    int64_t result = inject(guest, SYS_mmap, arguments);
    return result == (int64_t)arguments[0] ? 0 : (int)result;
}

int platform_guest_map(struct platform_guest *guest, uint64_t address, uint64_t size,
                       uint32_t protection)
{
    const uint64_t arguments[6] = { address,
                                    size,
                                    (uint64_t)host_protection(protection),
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                                    UINT64_MAX,
                                    0 };
    return inject_map(guest, arguments);
}

int platform_guest_map_blob(struct platform_guest *guest, uint64_t address, uint64_t size,
                            uint32_t protection, const struct platform_blob *blob, uint64_t offset)
{
    const uint64_t arguments[6] = {
        address,  size,  (uint64_t)host_protection(protection), MAP_PRIVATE | MAP_FIXED,
        blob->id, offset
    };
    return inject_map(guest, arguments);
}

int platform_guest_unmap(struct platform_guest *guest, uint64_t address, uint64_t size)
{
    const uint64_t arguments[6] = { address, size };
    return (int)inject(guest, SYS_munmap, arguments);
}

int platform_guest_protect(struct platform_guest *guest, uint64_t address, uint64_t size,
                           uint32_t protection)
{
    const uint64_t arguments[6] = { address, size, (uint64_t)host_protection(protection) };
    return (int)inject(guest, SYS_mprotect, arguments);
}

int platform_guest_discard(struct platform_guest *guest, uint64_t address, uint64_t size)
{
    const uint64_t arguments[6] = { address, size, MADV_DONTNEED };
    return (int)inject(guest, SYS_madvise, arguments);
}

int platform_copy_from_guest(struct platform_guest *guest, void *destination, uint64_t address,
                             size_t size)
{
    struct iovec local = { destination, size };
    struct iovec remote = { (void *)address, size };
    ssize_t count = size == 0 ? 0 : process_vm_readv(guest->process, &local, 1, &remote, 1, 0);
    return count == (ssize_t)size ? 0 : -EFAULT;
}

int platform_copy_to_guest(struct platform_guest *guest, uint64_t address, const void *source,
                           size_t size)
{
    struct iovec local = { (void *)(uintptr_t)source, size };
    struct iovec remote = { (void *)address, size };
    ssize_t count = size == 0 ? 0 : process_vm_writev(guest->process, &local, 1, &remote, 1, 0);
    return count == (ssize_t)size ? 0 : -EFAULT;
}
