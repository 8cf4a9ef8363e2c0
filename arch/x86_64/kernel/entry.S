// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: system-call entry, the fast paths of call, reply_recv, signal and of guests, and the one way back to
// user space. Exceptions and interrupts enter in trap.S and leave through exit_kernel here.
// Interrupts are off throughout (SFMASK). The fast paths use no stack: rsp is a general register there once the
// user's is saved (NMI, double fault, machine check and debug have stacks of their own).
// A fast path checks everything before its first store to an object; on any doubt it undoes the lock, counts
// the reason and goes to the slow path, which starts from the saved registers.
#include "entry.inc"

    .text
    .balign 64
    .globl system_call_entry
    .type system_call_entry, @function
system_call_entry:
    swapgs
    cmp $TES_CALL_IPC_CALL, %rax
    jne not_call

// --- ipc_call: handle rdi, label rsi, words rdx r8 r9 r10 r12-r15 -------------------------------------
    mov CURRENT, %rax
    mov %rcx, T(THREAD_FRAME_RIP)(%rax)
    mov %r11, T(THREAD_FRAME_RFLAGS)(%rax)
    mov %rsp, T(THREAD_FRAME_RSP)(%rax)
    mov %gs:CPU_CORE_TAG, %ecx
    cmp %ecx, T(THREAD_SLOW_FLAGS)(%rax)
    jne call_state                      // also every guest: nothing of its registers is lost yet
    test %esi, %esi                     // kernel and reserved bits of the label
    jnz call_message
    mov T(THREAD_PROCESS)(%rax), %r11
    mov %edi, %ecx
    shr $12, %ecx
    cmp PROCESS_PAGE_COUNT(%r11), %ecx
    jae call_handle
    sbb %rbx, %rbx                      // all ones: below the count (speculation clamp)
    and %ebx, %ecx
    mov PROCESS_PAGES(%r11), %r11
    mov (%r11,%rcx,8), %rbx
    mov %edi, %ecx
    and $0xfc0, %ecx
    add %rcx, %rbx                      // rbx: slot
    mov SLOT_OBJECT(%rbx), %rcx         // rcx: the object
    mov SLOT_SESSION(%rbx), %rbp        // rbp: its Session
    mov SLOT_EPOCH(%rbx), %r11
    testb $TES_RIGHT_ENDPOINT_CALL, SLOT_RIGHTS(%rbx)
    jz call_handle
    mov %rdi, %rsp
    shr $32, %rsp
    cmp SLOT_GENERATION(%rbx), %esp     // last of the slot's reads: a slot being reused shows here
    jne call_handle
    cmp SESSION_EPOCH(%rbp), %r11       // live: until this core leaves the kernel the object is not freed
    jne call_handle
    lock btsl $0, (%rcx)
    jc call_other
    cmp SESSION_EPOCH(%rbp), %r11       // still live: whoever revokes takes the lock after the epoch
    jne call_handle_unlock
    mov ENDPOINT_RECEIVERS(%rcx), %r11  // r11: receiver
    test %r11, %r11
    jz call_no_receiver
    mov THREAD_SLOW_FLAGS(%r11), %esp
    cmp %gs:CPU_CORE_TAG, %esp
    jne call_peer
    mov T(THREAD_LENDING)(%rax), %rsp   // depth and priority in one word
    inc %rsp
    test $LENDING_DEPTH_MAX, %spl
    jnz call_other_unlock
    // Everything is checked: commit.
    mov %rsp, THREAD_LENDING(%r11)
    incl SESSION_CALLS(%rbp)
    mov THREAD_RECEIVER_NEXT(%r11), %rsp
    mov %rsp, ENDPOINT_RECEIVERS(%rcx)
    mov %rbp, T(THREAD_CALL_SESSION)(%rax)
    movl $STATE_WAIT_REPLY, T(THREAD_STATE)(%rax)
    mov %r11, T(THREAD_SERVER)(%rax)
    lea -FRAME_SIZE(%rax), %rsp
    mov %rsp, THREAD_CALLER(%r11)
    mov T(THREAD_CONTEXT)(%rax), %rsp
    mov %rsp, THREAD_CONTEXT(%r11)
    mov SESSION_BADGE(%rbp), %rdi       // a handle's badge is its Session's
    movl $0, (%rcx)                     // unlock
    count TES_COUNTER_CALLS_FAST
.macro switch_to_r11                    // r11: a thread that left the kernel's sight by a system call
    lea FRAME_SIZE(%r11), %rax
    mov %rax, CURRENT
    mov THREAD_ADDRESS_SPACE(%r11), %rax
    cmp %gs:CPU_ROOT, %rax
    je 1f
    mov %rax, %gs:CPU_ROOT
    mov %rax, %cr3
1:  mov THREAD_THREAD_POINTER(%r11), %rbx // stays there: the thread's own
    wrfsbase %rbx
    mov THREAD_FRAME_RIP(%r11), %rcx
    mov THREAD_FRAME_RSP(%r11), %rsp
    mov THREAD_FRAME_RFLAGS(%r11), %r11
    xor %eax, %eax
    xor %ebp, %ebp
    swapgs
    sysretq
.endm
    switch_to_r11

    .balign 64
not_call:
    cmp $TES_CALL_IPC_REPLY_RECV, %rax
    jne not_reply

// --- ipc_reply_recv: same registers; the reply's words stay where they are ---------------------------------
    mov CURRENT, %rax
    mov %rcx, T(THREAD_FRAME_RIP)(%rax)
    mov %r11, T(THREAD_FRAME_RFLAGS)(%rax)
    mov %rsp, T(THREAD_FRAME_RSP)(%rax)
    mov %gs:CPU_CORE_TAG, %ecx
    cmp %ecx, T(THREAD_SLOW_FLAGS)(%rax)
    jne reply_state
    test %esi, %esi
    jnz reply_message
    mov T(THREAD_PROCESS)(%rax), %r11
    mov %edi, %ecx
    shr $12, %ecx
    cmp PROCESS_PAGE_COUNT(%r11), %ecx
    jae reply_handle
    sbb %rbx, %rbx
    and %ebx, %ecx
    mov PROCESS_PAGES(%r11), %r11
    mov (%r11,%rcx,8), %rbx
    mov %edi, %ecx
    and $0xfc0, %ecx
    add %rcx, %rbx
    mov SLOT_OBJECT(%rbx), %rcx
    mov SLOT_SESSION(%rbx), %rbp
    mov SLOT_EPOCH(%rbx), %r11
    testb $TES_RIGHT_ENDPOINT_RECEIVE, SLOT_RIGHTS(%rbx)
    jz reply_handle
    mov %rdi, %rsp
    shr $32, %rsp
    cmp SLOT_GENERATION(%rbx), %esp
    jne reply_handle
    cmp SESSION_EPOCH(%rbp), %r11
    jne reply_handle
    lock btsl $0, (%rcx)
    jc reply_other
    cmp SESSION_EPOCH(%rbp), %r11
    jne reply_handle_unlock
    mov T(THREAD_CALLER)(%rax), %r11    // r11: who is answered
    test %r11, %r11
    jz reply_other_unlock
    cmp %rcx, T(THREAD_RECEIVE_ENDPOINT)(%rax) // its call came in over this very endpoint, whose lock we hold
    jne reply_other_unlock
    mov THREAD_SLOW_FLAGS(%r11), %esp   // a thread that waits for its fault's answer has a flag of its own
    cmp %gs:CPU_CORE_TAG, %esp
    jne reply_peer
    cmpl $0, ENDPOINT_PENDING(%rcx)
    jne reply_pending
    mov THREAD_CALL_SESSION(%r11), %rbp
    decl SESSION_CALLS(%rbp)
    jz reply_last                       // the last call of a closed Session: its notice is due
    // Everything is checked: commit.
    mov ENDPOINT_RECEIVERS(%rcx), %rsp
    mov %rsp, T(THREAD_RECEIVER_NEXT)(%rax)
    lea -FRAME_SIZE(%rax), %rsp
    mov %rsp, ENDPOINT_RECEIVERS(%rcx)
    movl $STATE_WAIT_RECEIVE, T(THREAD_STATE)(%rax)
    movl $0, (%rcx)
    count TES_COUNTER_REPLIES_FAST
    xor %edi, %edi
    switch_to_r11

// --- why a fast path was left: count, unlock, take the slow path ---------------------------------------------
.macro leave_fast name, number, counter, unlock
\name:
    .if \unlock
    movl $0, (%rcx)
    .endif
    count \counter
    mov $\number, %eax
    jmp fast_to_slow
.endm
    leave_fast call_message, TES_CALL_IPC_CALL, TES_COUNTER_FALL_MESSAGE, 0
    leave_fast call_handle, TES_CALL_IPC_CALL, TES_COUNTER_FALL_HANDLE, 0
    leave_fast call_handle_unlock, TES_CALL_IPC_CALL, TES_COUNTER_FALL_HANDLE, 1
    leave_fast call_other, TES_CALL_IPC_CALL, TES_COUNTER_FALL_OTHER, 0
    leave_fast call_other_unlock, TES_CALL_IPC_CALL, TES_COUNTER_FALL_OTHER, 1
    leave_fast call_no_receiver, TES_CALL_IPC_CALL, TES_COUNTER_FALL_NO_RECEIVER, 1
    leave_fast call_peer_state, TES_CALL_IPC_CALL, TES_COUNTER_FALL_THREAD_STATE, 1
    leave_fast call_peer_core, TES_CALL_IPC_CALL, TES_COUNTER_FALL_OTHER_CORE, 1
    leave_fast reply_message, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_MESSAGE, 0
    leave_fast reply_handle, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_HANDLE, 0
    leave_fast reply_handle_unlock, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_HANDLE, 1
    leave_fast reply_other, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_OTHER, 0
    leave_fast reply_other_unlock, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_OTHER, 1
    leave_fast reply_pending, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_PENDING, 1
    leave_fast reply_peer_state, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_THREAD_STATE, 1
    leave_fast reply_peer_core, TES_CALL_IPC_REPLY_RECV, TES_COUNTER_FALL_OTHER_CORE, 1
reply_last:
    incl SESSION_CALLS(%rbp)
    jmp reply_other_unlock
call_peer:                              // esp: the peer's flags
    test $0xffffff00, %esp
    jnz call_peer_state
    jmp call_peer_core
reply_peer:
    test $0xffffff00, %esp
    jnz reply_peer_state
    jmp reply_peer_core
call_state:
    mov $TES_CALL_IPC_CALL, %eax
    jmp state_to_slow
reply_state:
    mov $TES_CALL_IPC_REPLY_RECV, %eax
state_to_slow:                          // registers but rcx (saved) are the user's; r11 still is rflags
    cmpl $0, %gs:CPU_IN_GUEST
    jne guest_saved
    count TES_COUNTER_FALL_THREAD_STATE
    jmp fast_to_slow

    .balign 64
not_reply:
    cmpl $0, %gs:CPU_IN_GUEST
    jne guest_system_call
    cmp $TES_CALL_NOTIFICATION_SIGNAL, %rax
    je signal_fast
simple_path:
// --- simple calls: C with a struct call on the core's stack; rbx rbp r12-r15 keep the user's values -----------
    mov %rsp, %gs:CPU_USER_STACK
    movabs $TES_CALL_MASK_SIMPLE, %rsp
    bt %rax, %rsp                       // looks at six bits only: the bound comes below
    jnc not_simple_class
    mov %gs:CPU_KERNEL_STACK, %rsp
    push %gs:CPU_USER_STACK
    push %rcx
    push %r11
    cmp $TES_CALL_COUNT, %rax
    jae not_simple
    sbb %rcx, %rcx                      // all ones: below the count (speculation clamp)
    and %rax, %rcx
    lea call_decoders(%rip), %r11
    push %r10                           // struct call
    push %r9
    push %r8
    push %rdx
    push %rsi
    push %rdi
    push %rax
    mov %rsp, %rdi
    call *(%r11,%rcx,8)
    cltq
    cmpl $0, %gs:CPU_NEED_RESCHEDULE
    jne simple_reschedule
    add $24, %rsp
    pop %rdx
    pop %r8
    add $16, %rsp
    pop %r11
    pop %rcx
    pop %rsp
    xor %edi, %edi
    xor %esi, %esi
    xor %r9d, %r9d
    xor %r10d, %r10d
    swapgs
    sysretq

simple_reschedule:                      // save what the user expects back, then leave through the scheduler
    add $24, %rsp
    pop %rdx
    pop %r8
    add $16, %rsp
    mov CURRENT, %rdi
    pop T(THREAD_FRAME_RFLAGS)(%rdi)
    pop T(THREAD_FRAME_RIP)(%rdi)
    pop T(THREAD_FRAME_RSP)(%rdi)
    mov %rax, T(THREAD_FRAME_RAX)(%rdi)
    mov %rdx, T(THREAD_FRAME_RDX)(%rdi)
    mov %r8, T(THREAD_FRAME_R8)(%rdi)
    mov %rbx, T(THREAD_FRAME_RBX)(%rdi)
    mov %rbp, T(THREAD_FRAME_RBP)(%rdi)
    mov %r12, T(THREAD_FRAME_R12)(%rdi)
    mov %r13, T(THREAD_FRAME_R13)(%rdi)
    mov %r14, T(THREAD_FRAME_R14)(%rdi)
    mov %r15, T(THREAD_FRAME_R15)(%rdi)
    xor %eax, %eax
    mov %rax, T(THREAD_FRAME_RDI)(%rdi)
    mov %rax, T(THREAD_FRAME_RSI)(%rdi)
    mov %rax, T(THREAD_FRAME_R9)(%rdi)
    mov %rax, T(THREAD_FRAME_R10)(%rdi)
    jmp exit_kernel

// --- yield: nothing to decode; saves what it preserves and asks the scheduler -----------------------------------
yield:                                  // rsp: the current thread; the user's is in the core's scratch word
    mov %rsp, %rdi
    mov %rcx, T(THREAD_FRAME_RIP)(%rdi)
    mov %r11, T(THREAD_FRAME_RFLAGS)(%rdi)
    mov %gs:CPU_USER_STACK, %rax
    mov %rax, T(THREAD_FRAME_RSP)(%rdi)
    movq $TES_OK, T(THREAD_FRAME_RAX)(%rdi)
    mov %rbx, T(THREAD_FRAME_RBX)(%rdi)
    mov %rbp, T(THREAD_FRAME_RBP)(%rdi)
    mov %r12, T(THREAD_FRAME_R12)(%rdi)
    mov %r13, T(THREAD_FRAME_R13)(%rdi)
    mov %r14, T(THREAD_FRAME_R14)(%rdi)
    mov %r15, T(THREAD_FRAME_R15)(%rdi)
    orl $SCHED_YIELD, %gs:CPU_NEED_RESCHEDULE
    jmp exit_kernel

// --- everything else: all registers into the frame, then C ------------------------------------------------------
not_simple:
    pop %r11
    pop %rcx
    pop %rsp
    mov %rsp, %gs:CPU_USER_STACK
    jmp full_path
not_simple_class:
    mov CURRENT, %rsp
    cmp $TES_CALL_YIELD, %rax
    je yield
    cmp $TES_CALL_GUEST_ENTER, %rax
    je guest_enter
    .globl full_path
full_path:                              // the user's rsp is in the core's scratch word
    mov CURRENT, %rsp
    mov %rcx, T(THREAD_FRAME_RIP)(%rsp)
    mov %r11, T(THREAD_FRAME_RFLAGS)(%rsp)
    mov %gs:CPU_USER_STACK, %rcx
    mov %rcx, T(THREAD_FRAME_RSP)(%rsp)
    mov %rsp, %rcx
    jmp full_save
fast_to_slow:                           // eax: the number; rip, rflags and rsp are in the frame
    mov CURRENT, %rcx
full_save:                              // rcx: the current thread's rsp0
    mov %rax, T(THREAD_FRAME_RAX)(%rcx)
    mov %rbx, T(THREAD_FRAME_RBX)(%rcx)
    mov %rdx, T(THREAD_FRAME_RDX)(%rcx)
    mov %rsi, T(THREAD_FRAME_RSI)(%rcx)
    mov %rdi, T(THREAD_FRAME_RDI)(%rcx)
    mov %rbp, T(THREAD_FRAME_RBP)(%rcx)
    mov %r8, T(THREAD_FRAME_R8)(%rcx)
    mov %r9, T(THREAD_FRAME_R9)(%rcx)
    mov %r10, T(THREAD_FRAME_R10)(%rcx)
    mov %r12, T(THREAD_FRAME_R12)(%rcx)
    mov %r13, T(THREAD_FRAME_R13)(%rcx)
    mov %r14, T(THREAD_FRAME_R14)(%rcx)
    mov %r15, T(THREAD_FRAME_R15)(%rcx)
    lea -FRAME_SIZE(%rcx), %rdi
    mov %gs:CPU_KERNEL_STACK, %rsp
    xor %ebp, %ebp
    call kernel_call

// --- the way out: the scheduler says who runs; its frame is restored -----------------------------------------------
    .globl exit_kernel
exit_kernel:
    mov %gs:CPU_KERNEL_STACK, %rsp
    xor %ebp, %ebp
    call sched_leave_kernel
    .globl return_to_user
return_to_user:                         // rax: struct thread, set up as the core's current
    mov %rax, %rsp
    cmpl $FRAME_VECTOR_CALL, THREAD_FRAME_VECTOR(%rsp)
    jne return_by_interrupt
    mov THREAD_FRAME_RAX(%rsp), %rax
    mov THREAD_FRAME_RBX(%rsp), %rbx
    mov THREAD_FRAME_RDX(%rsp), %rdx
    mov THREAD_FRAME_RSI(%rsp), %rsi
    mov THREAD_FRAME_RDI(%rsp), %rdi
    mov THREAD_FRAME_RBP(%rsp), %rbp
    mov THREAD_FRAME_R8(%rsp), %r8
    mov THREAD_FRAME_R9(%rsp), %r9
    mov THREAD_FRAME_R10(%rsp), %r10
    mov THREAD_FRAME_R12(%rsp), %r12
    mov THREAD_FRAME_R13(%rsp), %r13
    mov THREAD_FRAME_R14(%rsp), %r14
    mov THREAD_FRAME_R15(%rsp), %r15
    mov THREAD_FRAME_RIP(%rsp), %rcx
    mov THREAD_FRAME_RFLAGS(%rsp), %r11
    mov THREAD_FRAME_RSP(%rsp), %rsp
    swapgs
    sysretq
return_by_interrupt:                    // while it runs, a thread's frame says "call" again
    movl $FRAME_VECTOR_CALL, THREAD_FRAME_VECTOR(%rsp)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %rbp
    pop %rcx
    pop %rbx
    pop %rax
    pop %rdi
    pop %rsi
    pop %rdx
    pop %r8
    pop %r9
    pop %r10
    add $16, %rsp
    swapgs
    iretq

// --- notification_signal: handle rdi, bits rsi; rcx, r11 and rsp stay untouched ----------------------------------
    .balign 64
signal_fast:
    mov CURRENT, %rax
    mov T(THREAD_PROCESS)(%rax), %r8
    mov %edi, %edx
    shr $12, %edx
    cmp PROCESS_PAGE_COUNT(%r8), %edx
    jae signal_slow
    sbb %r9, %r9
    and %r9d, %edx
    mov PROCESS_PAGES(%r8), %r8
    mov (%r8,%rdx,8), %r8
    mov %edi, %edx
    and $0xfc0, %edx
    add %rdx, %r8                       // r8: slot
    mov SLOT_OBJECT(%r8), %r9
    mov SLOT_SESSION(%r8), %rdx
    mov SLOT_EPOCH(%r8), %r10
    testb $(TES_RIGHT_NOTIFICATION_SIGNAL >> 8), (SLOT_RIGHTS + 1)(%r8)
    jz signal_slow
    mov %rdi, %rax
    shr $32, %rax
    cmp SLOT_GENERATION(%r8), %eax
    jne signal_slow
    cmp SESSION_EPOCH(%rdx), %r10
    jne signal_slow
    lock btsl $0, (%r9)
    jc signal_slow
    cmp SESSION_EPOCH(%rdx), %r10
    jne signal_slow_unlock
    mov NOTIFICATION_WAITER(%r9), %rdx
    or NOTIFICATION_BOUND(%r9), %rdx
    jnz signal_slow_unlock
    or %rsi, NOTIFICATION_BITS(%r9)
    movl $0, (%r9)
    xor %eax, %eax
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d                    // rdx is 0 already
    swapgs
    sysretq
signal_slow_unlock:
    movl $0, (%r9)
signal_slow:
    mov $TES_CALL_NOTIFICATION_SIGNAL, %eax
    jmp simple_path
