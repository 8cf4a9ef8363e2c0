// SPDX-License-Identifier: MIT OR Apache-2.0
// One function for each exception that user code can cause, and the entry of fault vectors.
    .macro function name
    .text
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    endbr64
    .endm

    function cause_read_null
    mov 0x10, %rax
    ret
    function cause_write_text
    lea cause_write_text(%rip), %rax
    movb $0, (%rax)
    ret
    function cause_jump_unmapped
    mov $0x123456000, %rax
    jmp *%rax
    function cause_undefined
    ud2
    function cause_privileged
    hlt
    ret
    function cause_port
    mov $0x80, %dx
    in %dx, %al
    ret
    function cause_divide
    xor %edx, %edx
    mov $1, %eax
    xor %ecx, %ecx
    div %ecx
    ret
    function cause_breakpoint
    int3
    ret
    function cause_step
    pushfq
    orl $0x100, (%rsp)
    popfq
    nop
    pushfq
    andl $~0x100, (%rsp)
    popfq
    ret
    function cause_noncanonical
    mov $0x8000000000000000, %rax
    mov (%rax), %rax
    ret
    function cause_interrupt_gate
    int $0x20
    ret
    function cause_kernel_read
    mov $0xffffffff80200000, %rax
    mov (%rax), %rax
    ret
    function cause_bad_segment
    mov $0x1234, %eax
    mov %eax, %ds
    ret

// rdi: struct tes_fault_area. Records cause, address and access behind it, then ends the thread.
    function fault_vector_entry
    and $-16, %rsp
    call fault_vector_main
    ud2

    .section .note.GNU-stack, "", @progbits
