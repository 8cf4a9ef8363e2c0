// SPDX-License-Identifier: MIT OR Apache-2.0
// The two sides of call_reply_64. The stack pointer walks a table of pairs (handle, expected hash); a message that
// does not hash to what is expected ends the loop, so the check's jump is the loop's. The last pair of a table is
// wrong on purpose; C looks at where the loop ended and at the hash. The hash is position-dependent:
// status, label, word 0 … word 7, each added to twice the sum before.
// struct call64_state, to which FS points: stack, end, hash, status or badge, label, words, step.
#include <abi/asm_constants.h>

#define STATE_STACK 0
#define STATE_END   8
#define STATE_HASH  16
#define STATE_BADGE 24
#define STATE_LABEL 32
#define STATE_WORDS 40
#define STATE_STEP  104 // what the server adds to the label

.macro enter
    endbr64
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %fs:STATE_STACK
    mov %rdi, %rsp
    mov %fs:STATE_LABEL, %rsi
    mov %fs:STATE_WORDS, %rdx
    mov %fs:STATE_WORDS+8, %r8
    mov %fs:STATE_WORDS+16, %r9
    mov %fs:STATE_WORDS+24, %r10
    mov %fs:STATE_WORDS+32, %r12
    mov %fs:STATE_WORDS+40, %r13
    mov %fs:STATE_WORDS+48, %r14
    mov %fs:STATE_WORDS+56, %r15
.endm

.macro leave_loop
    mov %rax, %fs:STATE_HASH
    mov %rsp, %fs:STATE_END
    mov %rdi, %fs:STATE_BADGE
    mov %rsi, %fs:STATE_LABEL
    mov %rdx, %fs:STATE_WORDS
    mov %r8, %fs:STATE_WORDS+8
    mov %r9, %fs:STATE_WORDS+16
    mov %r10, %fs:STATE_WORDS+24
    mov %r12, %fs:STATE_WORDS+32
    mov %r13, %fs:STATE_WORDS+40
    mov %r14, %fs:STATE_WORDS+48
    mov %r15, %fs:STATE_WORDS+56
    mov %fs:STATE_STACK, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
.endm

.macro hash_message
    lea (%rsi,%rax,2), %rax
    lea (%rdx,%rax,2), %rax
    lea (%r8,%rax,2), %rax
    lea (%r9,%rax,2), %rax
    lea (%r10,%rax,2), %rax
    lea (%r12,%rax,2), %rax
    lea (%r13,%rax,2), %rax
    lea (%r14,%rax,2), %rax
    lea (%r15,%rax,2), %rax
.endm

    .text
    .balign 64
    .globl call64_client
    .hidden call64_client
    .type call64_client, @function
call64_client:                          // 15 instructions a round
    enter
1:  pop %rdi
    mov $TES_CALL_IPC_CALL, %eax
    syscall
    hash_message
    pop %rcx
    cmp %rcx, %rax
    je 1b
    leave_loop
    .size call64_client, . - call64_client

    .balign 64
    .globl call64_server
    .hidden call64_server
    .type call64_server, @function
call64_server:                          // 24 instructions a round
    enter
1:  pop %rdi
    mov $TES_CALL_IPC_REPLY_RECV, %eax
    syscall
    hash_message
    pop %rcx
    add %fs:STATE_STEP, %rsi
    inc %rdx
    inc %r8
    inc %r9
    inc %r10
    inc %r12
    inc %r13
    inc %r14
    inc %r15
    cmp %rcx, %rax
    je 1b
    leave_loop
    .size call64_server, . - call64_server

    .section .note.GNU-stack, "", @progbits
