// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the guests' fast paths: a system call of foreign code comes back to the personality that runs it, and guest_enter
// continues the foreign code from its state page. entry.S jumps here; the state page's layout is in abi_arch/registers.h.
#include "entry.inc"

    .text
// --- guests: a system call of foreign code comes back to the personality --------------------------------------------
    .balign 64
    .globl guest_system_call
guest_system_call:
    mov %rsp, %gs:CPU_USER_STACK
    mov CURRENT, %rsp
    mov T(THREAD_GUEST_STATE)(%rsp), %rsp
    mov %rcx, GUEST_RIP(%rsp)
guest_store:                            // rsp: state page; the guest's rsp is in the core's scratch word
    mov %rax, GUEST_RAX(%rsp)
    mov %rbx, GUEST_RBX(%rsp)
    mov %rdx, GUEST_RDX(%rsp)
    mov %rsi, GUEST_RSI(%rsp)
    mov %rdi, GUEST_RDI(%rsp)
    mov %rbp, GUEST_RBP(%rsp)
    mov %r8, GUEST_R8(%rsp)
    mov %r9, GUEST_R9(%rsp)
    mov %r10, GUEST_R10(%rsp)
    mov %r11, GUEST_RFLAGS(%rsp)
    mov %r12, GUEST_R12(%rsp)
    mov %r13, GUEST_R13(%rsp)
    mov %r14, GUEST_R14(%rsp)
    mov %r15, GUEST_R15(%rsp)
    mov %gs:CPU_USER_STACK, %rax
    mov %rax, GUEST_RSP(%rsp)
    rdfsbase %rax
    mov %rax, GUEST_FS_BASE(%rsp)
    swapgs
    rdgsbase %rax
    xor %ebx, %ebx
    wrgsbase %rbx                       // native code finds none of the guest's
    swapgs
    mov %rax, GUEST_GS_BASE(%rsp)
    movl $0, GUEST_EXIT_REASON(%rsp)
    mov CURRENT, %rbx
    movl $0, %gs:CPU_IN_GUEST
    movl $0, T(THREAD_IN_GUEST)(%rbx)
    mov T(THREAD_GUEST_FULL_ROOT)(%rbx), %rax
    mov %rax, T(THREAD_ADDRESS_SPACE)(%rbx)
    mov %rax, %gs:CPU_ROOT
    mov %rax, %cr3
    mov T(THREAD_THREAD_POINTER)(%rbx), %rax
    wrfsbase %rax
    count TES_COUNTER_GUEST_SYSTEM_CALLS
    mov T(THREAD_GUEST_RESUME_IP)(%rbx), %rcx
    mov T(THREAD_GUEST_RESUME_FLAGS)(%rbx), %r11
    mov T(THREAD_GUEST_RESUME_SP)(%rbx), %rsp
    xor %eax, %eax
    swapgs
    sysretq
    .globl guest_saved
guest_saved:                            // came through a message path's number: eax is right again, rest untouched
    mov %rsp, %gs:CPU_USER_STACK
    mov CURRENT, %rsp
    mov T(THREAD_FRAME_RIP)(%rsp), %rcx
    mov T(THREAD_GUEST_STATE)(%rsp), %rsp
    mov %rcx, GUEST_RIP(%rsp)
    jmp guest_store

// --- guest_enter --------------------------------------------------------------------------------------------------
    .balign 64
    .globl guest_enter
guest_enter:                            // rsp: the current thread; the personality's is in the core's scratch word
    mov %rsp, %rax
    mov T(THREAD_GUEST_STATE)(%rax), %rbx
    test %rbx, %rbx
    jz guest_enter_slow
    cmpl $0, GUEST_FULL_RESTORE(%rbx)
    jne guest_enter_slow
    cmpl $0, T(THREAD_KICK_PENDING)(%rax)
    jne guest_enter_slow
    mov GUEST_FS_BASE(%rbx), %rdx       // each is read once, then checked
    mov GUEST_GS_BASE(%rbx), %rdi
    mov GUEST_RIP(%rbx), %rsi
    mov %rdx, %r8
    or %rdi, %r8
    or %rsi, %r8
    shr $47, %r8                        // all of them user addresses
    jnz guest_enter_slow
    mov %rcx, T(THREAD_GUEST_RESUME_IP)(%rax)
    mov %r11, T(THREAD_GUEST_RESUME_FLAGS)(%rax)
    mov %rsi, %rcx
    mov %gs:CPU_USER_STACK, %rsi
    mov %rsi, T(THREAD_GUEST_RESUME_SP)(%rax)
    mov GUEST_RFLAGS(%rbx), %r11
    and $USER_FLAGS_MASK, %r11d
    or $USER_FLAGS_SET, %r11d
    movl $1, %gs:CPU_IN_GUEST
    movl $1, T(THREAD_IN_GUEST)(%rax)
    mov T(THREAD_GUEST_RESTRICTED_ROOT)(%rax), %rsi
    mov %rsi, T(THREAD_ADDRESS_SPACE)(%rax)
    mov %rsi, %gs:CPU_ROOT
    mov %rsi, %cr3
    wrfsbase %rdx
    count TES_COUNTER_GUEST_ENTERS
    swapgs
    wrgsbase %rdi
    mov GUEST_RAX(%rbx), %rax
    mov GUEST_RDX(%rbx), %rdx
    mov GUEST_RSI(%rbx), %rsi
    mov GUEST_RDI(%rbx), %rdi
    mov GUEST_RBP(%rbx), %rbp
    mov GUEST_R8(%rbx), %r8
    mov GUEST_R9(%rbx), %r9
    mov GUEST_R10(%rbx), %r10
    mov GUEST_R12(%rbx), %r12
    mov GUEST_R13(%rbx), %r13
    mov GUEST_R14(%rbx), %r14
    mov GUEST_R15(%rbx), %r15
    mov GUEST_RSP(%rbx), %rsp
    mov GUEST_RBX(%rbx), %rbx
    sysretq
guest_enter_slow:
    mov $TES_CALL_GUEST_ENTER, %eax
    jmp full_path
