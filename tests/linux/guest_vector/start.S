// SPDX-License-Identifier: MIT OR Apache-2.0
// Loading, holding and storing the vector registers, on x86_64.

    .text
    .globl _start
_start:
    xor %ebp, %ebp
    mov (%rsp), %rdi
    lea 8(%rsp), %rsi
    and $-16, %rsp
    call start_main
    hlt

// void vector_load(const void *sixteen_registers)
    .globl vector_load
vector_load:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups 16*\n(%rdi), %xmm\n
    .endr
    ret

// void vector_store(void *sixteen_registers)
    .globl vector_store
vector_store:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups %xmm\n, 16*\n(%rdi)
    .endr
    ret

// long raw(long number, long a, long b, long c): no vector register is used.
    .globl raw
raw:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    syscall
    ret

// void spin(long count)
    .globl spin
spin:
    dec %rdi
    jnz spin
    ret

    .section .note.GNU-stack, "", @progbits
