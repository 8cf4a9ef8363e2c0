// SPDX-License-Identifier: MIT OR Apache-2.0
// guest_call: the guest program, and the personality's loop. guest_enter keeps the stack pointer only, so the loop's
// counter and the state page's address stand on the stack.
#include <abi/asm_constants.h>

#define STATE_RAX    0
#define STATE_REASON 160 // struct tes_guest_state
#define GUEST_NUMBER 39  // what the guest asks for, and
#define GUEST_ANSWER 77  // is told; it stops (with another number) if that is wrong

    .text
    .globl guest_program
    .hidden guest_program
guest_program:
1:  mov $GUEST_NUMBER, %eax
    syscall
    cmp $GUEST_ANSWER, %eax
    je 1b
    mov $-1, %eax
    syscall
    jmp 1b
    .globl guest_program_end
    .hidden guest_program_end
guest_program_end:

// uint64_t guest_rounds(struct tes_guest_state *state, uint64_t rounds): rounds left undone.
    .balign 64
    .globl guest_rounds
    .hidden guest_rounds
    .type guest_rounds, @function
guest_rounds:
    endbr64
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rsi
    push %rdi
1:  mov $TES_CALL_GUEST_ENTER, %eax
    syscall
    test %eax, %eax
    jnz 2f
    mov (%rsp), %rcx
    cmpl $0, STATE_REASON(%rcx)         // a system call
    jne 2f
    cmpq $GUEST_NUMBER, STATE_RAX(%rcx)
    jne 2f
    movq $GUEST_ANSWER, STATE_RAX(%rcx)
    decq 8(%rsp)
    jnz 1b
2:  pop %rdi
    pop %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size guest_rounds, . - guest_rounds

    .section .note.GNU-stack, "", @progbits
