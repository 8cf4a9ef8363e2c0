// SPDX-License-Identifier: MIT OR Apache-2.0
// struct rt_sigframe of x86_64 (Linux arch/x86/kernel/signal_64.c): return address, ucontext,
// siginfo; the vector state in FXSAVE layout stands above it and is named by the context.

#include "signal_frame.h"

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "guest.h"

#define RED_ZONE          128U // System V ABI, 3.2.2
#define FRAME_ALIGN       16U
#define VECTOR_ALIGN      64U
#define SYSCALL_SIZE      2U // length of the syscall instruction
#define USER_CODE_SEGMENT 0x33U
#define USER_DATA_SEGMENT 0x2bU
// Flags a guest may set: CF PF AF ZF SF TF DF OF RF AC (Intel SDM volume 1, 3.4.3).
#define FLAGS_SETTABLE     UINT64_C(0x50dd5)
#define FLAGS_CLEARED      UINT64_C(0x10500) // TF DF RF
#define UC_FLAGS           6U                // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
#define MXCSR_OFFSET       24U
#define MXCSR_VALID        0xffffU
#define PAGE_FAULT_PRESENT 1U

// Exception vectors (Intel SDM volume 3, 6.3.1).
enum {
    VECTOR_DIVIDE = 0,
    VECTOR_DEBUG = 1,
    VECTOR_BREAKPOINT = 3,
    VECTOR_OVERFLOW = 4,
    VECTOR_BOUND = 5,
    VECTOR_INVALID = 6,
    VECTOR_SEGMENT = 11,
    VECTOR_STACK = 12,
    VECTOR_PROTECTION = 13,
    VECTOR_PAGE = 14,
    VECTOR_X87 = 16,
    VECTOR_ALIGNMENT = 17,
    VECTOR_SIMD = 19,
};

void linux_registers_restart(struct linux_registers *registers, uint64_t call_number)
{
    registers->rax = call_number;
    registers->rip -= SYSCALL_SIZE;
}

static void context_fill(struct linux_sigcontext *context, const struct linux_registers *registers)
{
    *context = (struct linux_sigcontext){
        .r8 = registers->r8,
        .r9 = registers->r9,
        .r10 = registers->r10,
        .r11 = registers->r11,
        .r12 = registers->r12,
        .r13 = registers->r13,
        .r14 = registers->r14,
        .r15 = registers->r15,
        .rdi = registers->rdi,
        .rsi = registers->rsi,
        .rbp = registers->rbp,
        .rbx = registers->rbx,
        .rdx = registers->rdx,
        .rax = registers->rax,
        .rcx = registers->rcx,
        .rsp = registers->rsp,
        .rip = registers->rip,
        .rflags = registers->rflags,
        .cs = USER_CODE_SEGMENT,
        .ss = USER_DATA_SEGMENT,
    };
}

static bool stack_is_alternate(const struct linux_task *task, uint64_t stack)
{
    const struct linux_sigaltstack *alternate = &task->alternate_stack;
    return stack > alternate->base && stack - alternate->base <= alternate->size;
}

static uint64_t frame_stack(const struct linux_task *task, const struct linux_sigaction *action)
{
    uint64_t stack = task->registers->rsp;
    bool wants_alternate = (action->flags & LINUX_SA_ONSTACK) != 0 &&
                           task->alternate_stack.size != 0 && !stack_is_alternate(task, stack);
    return wants_alternate ? task->alternate_stack.base + task->alternate_stack.size
                           : stack - RED_ZONE;
}

int linux_signal_frame_push(struct linux_task *task, const struct linux_sigaction *action,
                            const struct linux_siginfo *info, uint64_t mask)
{
    struct linux_registers *registers = task->registers;
    uint8_t vector_state[LINUX_VECTOR_STATE_SIZE];
    struct linux_signal_frame frame;
    if ((action->flags & LINUX_SA_RESTORER) == 0) {
        return -LINUX_EFAULT;
    }
    uint64_t vector_place =
        (frame_stack(task, action) - sizeof(vector_state)) & ~(uint64_t)(VECTOR_ALIGN - 1);
    // At the handler's first instruction the stack is as after a call: 8 below a multiple of 16.
    uint64_t place = ((vector_place - sizeof(frame)) & ~(uint64_t)(FRAME_ALIGN - 1)) - 8;
    memset(&frame, 0, sizeof(frame));
    frame.return_address = action->restorer;
    frame.ucontext.flags = UC_FLAGS;
    frame.ucontext.stack = task->alternate_stack;
    frame.ucontext.mask = mask;
    frame.info = *info;
    context_fill(&frame.ucontext.context, registers);
    frame.ucontext.context.vector_state = vector_place;
    frame.ucontext.context.old_mask = mask;
    frame.ucontext.context.cr2 = info->code > 0 ? info->fields[0] : 0;
    platform_guest_save_vector(linux_task_guest(task), vector_state);
    if (linux_guest_write(task, vector_place, vector_state, sizeof(vector_state)) != 0 ||
        linux_guest_write(task, place, &frame, sizeof(frame)) != 0) {
        return -LINUX_EFAULT;
    }
    registers->rsp = place;
    registers->rip = action->handler;
    registers->rdi = (uint64_t)info->number;
    registers->rsi = place + offsetof(struct linux_signal_frame, info);
    registers->rdx = place + offsetof(struct linux_signal_frame, ucontext);
    registers->rax = 0;
    registers->rflags &= ~FLAGS_CLEARED;
    return 0;
}

static void context_load(struct linux_registers *registers, const struct linux_sigcontext *context)
{
    registers->r8 = context->r8;
    registers->r9 = context->r9;
    registers->r10 = context->r10;
    registers->r11 = context->r11;
    registers->r12 = context->r12;
    registers->r13 = context->r13;
    registers->r14 = context->r14;
    registers->r15 = context->r15;
    registers->rdi = context->rdi;
    registers->rsi = context->rsi;
    registers->rbp = context->rbp;
    registers->rbx = context->rbx;
    registers->rdx = context->rdx;
    registers->rax = context->rax;
    registers->rcx = context->rcx;
    registers->rsp = context->rsp;
    registers->rip = context->rip;
    registers->rflags = (registers->rflags & ~FLAGS_SETTABLE) | (context->rflags & FLAGS_SETTABLE);
}

static int vector_load(struct linux_task *task, uint64_t place)
{
    uint8_t vector_state[LINUX_VECTOR_STATE_SIZE];
    if (place == 0) {
        return 0;
    }
    if (linux_guest_read(task, vector_state, place, sizeof(vector_state)) != 0) {
        return -LINUX_EFAULT;
    }
    // Reserved MXCSR bits would fault in the kernel's FXRSTOR.
    uint32_t mxcsr = 0;
    memcpy(&mxcsr, vector_state + MXCSR_OFFSET, sizeof(mxcsr));
    mxcsr &= MXCSR_VALID;
    memcpy(vector_state + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    platform_guest_load_vector(linux_task_guest(task), vector_state);
    return 0;
}

int64_t linux_signal_return(struct linux_task *task)
{
    struct linux_signal_frame frame;
    // The handler's return has taken the return address off the stack.
    uint64_t place = task->registers->rsp - sizeof(frame.return_address);
    if (linux_guest_read(task, &frame, place, sizeof(frame)) != 0 ||
        vector_load(task, frame.ucontext.context.vector_state) != 0) {
        linux_signal_force(task, LINUX_SIGSEGV, LINUX_SI_KERNEL, 0);
        return -LINUX_EFAULT;
    }
    task->blocked =
        frame.ucontext.mask & ~(linux_signal_bit(LINUX_SIGKILL) | linux_signal_bit(LINUX_SIGSTOP));
    context_load(task->registers, &frame.ucontext.context);
    task->attention |= LINUX_ATTENTION_REPLACED;
    linux_signal_attention(task);
    return (int64_t)task->registers->rax;
}

void linux_fault_signal(const struct linux_task *task, const struct linux_event *event,
                        struct linux_siginfo *out_info)
{
    // Codes of uapi/asm-generic/siginfo.h: FPE_INTDIV 1, TRAP_TRACE 2, SI_KERNEL, ILL_ILLOPN 2,
    // BUS_ADRALN 1, SEGV_MAPERR 1, SEGV_ACCERR 2.
    static const struct {
        int32_t number;
        int32_t code;
    } signals[] = {
        [VECTOR_DIVIDE] = { LINUX_SIGFPE, 1 },
        [VECTOR_DEBUG] = { LINUX_SIGTRAP, 2 },
        [VECTOR_BREAKPOINT] = { LINUX_SIGTRAP, LINUX_SI_KERNEL },
        [VECTOR_OVERFLOW] = { LINUX_SIGSEGV, LINUX_SI_KERNEL },
        [VECTOR_BOUND] = { LINUX_SIGSEGV, LINUX_SI_KERNEL },
        [VECTOR_INVALID] = { LINUX_SIGILL, 2 },
        [VECTOR_SEGMENT] = { LINUX_SIGBUS, LINUX_SI_KERNEL },
        [VECTOR_STACK] = { LINUX_SIGBUS, LINUX_SI_KERNEL },
        [VECTOR_PROTECTION] = { LINUX_SIGSEGV, LINUX_SI_KERNEL },
        [VECTOR_PAGE] = { LINUX_SIGSEGV, 1 },
        [VECTOR_X87] = { LINUX_SIGFPE, 3 },
        [VECTOR_ALIGNMENT] = { LINUX_SIGBUS, 1 },
        [VECTOR_SIMD] = { LINUX_SIGFPE, 3 },
    };
    memset(out_info, 0, sizeof(*out_info));
    bool is_known =
        event->vector < sizeof(signals) / sizeof(signals[0]) && signals[event->vector].number != 0;
    out_info->number = is_known ? signals[event->vector].number : LINUX_SIGSEGV;
    out_info->code = is_known ? signals[event->vector].code : LINUX_SI_KERNEL;
    if (event->vector == VECTOR_PAGE) {
        out_info->fields[0] = event->address;
        out_info->code = (event->error & PAGE_FAULT_PRESENT) != 0 ? 2 : 1;
    } else if (out_info->code != LINUX_SI_KERNEL) {
        out_info->fields[0] = task->registers->rip;
    }
}
