// SPDX-License-Identifier: MIT OR Apache-2.0
// Where a component and its threads begin: rdi and rsi are the two arguments of thread_start. The
// stack is aligned as the System V ABI wants it and the chain of frames ends here.

    .section .text.entry, "ax", @progbits
    .globl _start
    .hidden _start
    .type _start, @function
_start:
    endbr64
    xorl %ebp, %ebp
    andq $-16, %rsp
    call tes_start
    ud2
    .size _start, . - _start

    .globl tes_arch_thread_entry
    .hidden tes_arch_thread_entry
    .type tes_arch_thread_entry, @function
tes_arch_thread_entry:
    endbr64
    xorl %ebp, %ebp
    andq $-16, %rsp
    call tes_thread_begin
    ud2
    .size tes_arch_thread_entry, . - tes_arch_thread_entry

    .section .note.GNU-stack, "", @progbits
