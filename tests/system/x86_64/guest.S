// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs of guests, in one page that is copied to where a guest runs it, and guest_run for the personality: the call
// guest_enter preserves the stack pointer only.
#include <abi/asm_constants.h>

    .macro label name
    .globl \name
    .hidden \name
\name:
    .endm

    .text
    .balign 16
    label guest_page
    label guest_call
    syscall
    label guest_call_end
    label guest_count               // one more in every register
    add $1, %rax
    add $1, %rbx
    add $1, %rdx
    add $1, %rsi
    add $1, %rdi
    add $1, %rbp
    add $1, %rsp
    add $1, %r8
    add $1, %r9
    add $1, %r10
    add $1, %r12
    add $1, %r13
    add $1, %r14
    add $1, %r15
    syscall
    label guest_undefined
    ud2
    label guest_halt
    hlt
    label guest_breakpoint
    int3
    label guest_divide
    xor %edx, %edx
    xor %ecx, %ecx
    mov $1, %eax
    div %ecx
    label guest_read
    mov (%rdi), %rax
    syscall
    label guest_write
    mov %rsi, (%rdi)
    syscall
    label guest_flags
    pushfq
    pop %rax
    syscall
    label guest_spin
    lock incq (%rdi)
    jmp guest_spin
    label guest_page_end

// tes_status_t guest_run(void)
    .globl guest_run
    .hidden guest_run
    .type guest_run, @function
guest_run:
    endbr64
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov $TES_CALL_GUEST_ENTER, %eax
    syscall
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size guest_run, . - guest_run

    .section .note.GNU-stack, "", @progbits
