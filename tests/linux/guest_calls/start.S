// SPDX-License-Identifier: MIT OR Apache-2.0
// Entry, raw system call, signal return and a write that faults, for x86_64 Linux programs without a
// C library. fault_write's store is three bytes long: the handler steps over it.

    .text
    .globl _start
_start:
    xor %ebp, %ebp
    mov (%rsp), %rdi
    lea 8(%rsp), %rsi
    and $-16, %rsp
    call start_main
    hlt

    .globl raw
raw:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    syscall
    ret

    .globl signal_restore
signal_restore:
    mov $15, %eax
    syscall

    .globl fault_write
fault_write:
    mov %rdi, %rax
    movb $1, (%rax)
    ret

    .section .note.GNU-stack, "", @progbits
