// SPDX-License-Identifier: MIT OR Apache-2.0
// Where the CPU comes in on exceptions and interrupts. From user space it stores into the current thread's frame
// (rsp0 stands behind it), so what is left to do is the general registers; the way out is exit_kernel (entry.S).
// From the kernel only the idle loop's interrupts return; NMI, double fault, machine check and debug have stacks
// of their own, because they can hit entry code that has no stack or the user's GS base.
#include <asm_offsets.h>

#define VECTOR_DEBUG 1
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_MACHINE_CHECK 18
#define MSR_GS_BASE 0xc0000101
#define SAVED_CS 24             // behind vector, error code and rip

.macro push_registers              // the order of struct arch_frame
    push %r10
    push %r9
    push %r8
    push %rdx
    push %rsi
    push %rdi
    push %rax
    push %rbx
    push %rcx
    push %rbp
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro pop_registers_and_return
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
    iretq
.endm

// clac where the CPU has SMAP (trap_patch_smap): interrupts leave a user's AC flag as it is.
.macro clear_ac
1:  .byte 0x0f, 0x1f, 0x00      // nop of clac's length
    .pushsection .patch_smap, "a"
    .long 1b - .
    .popsection
.endm

    .text
    .balign 64
trap_entry:
    testb $3, SAVED_CS(%rsp)
    jz trap_from_kernel
    swapgs
    lfence                      // not speculatively with the user's GS
    clear_ac
    push_registers
    cld
    mov %rsp, %rdi
trap_call:
    mov %gs:CPU_KERNEL_STACK, %rsp
    xor %ebp, %ebp
    call trap_handle
    jmp exit_kernel

trap_from_kernel:
    push_registers
    cld
    mov %rsp, %rdi
    call trap_handle_kernel
    pop_registers_and_return

trap_special:
    testb $3, SAVED_CS(%rsp)
    jz trap_special_from_kernel
    swapgs
    lfence
    clear_ac
    push_registers
    cld
    mov %rsp, %rsi
    mov %gs:CPU_TSS_RSP0, %rdi
    sub $FRAME_SIZE, %rdi
    mov %rdi, %rax
    mov $(FRAME_SIZE / 8), %ecx
    rep movsq
    mov %rax, %rdi
    jmp trap_call

// GS may be anybody's: the core's own block is behind the frame, where cpu_init_core put it.
trap_special_from_kernel:
    push_registers
    cld
    mov $MSR_GS_BASE, %ecx
    rdmsr
    mov %eax, %r12d
    mov %edx, %r13d
    mov FRAME_SIZE(%rsp), %rax
    mov %rax, %rdx
    shr $32, %rdx
    wrmsr
    mov %rsp, %rdi
    call trap_handle_special
    mov $MSR_GS_BASE, %ecx
    mov %r12d, %eax
    mov %r13d, %edx
    wrmsr
    pop_registers_and_return

// One stub of 16 bytes for each vector (cpu_build_traps).
    .balign 64
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    endbr64
    .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
    push $0                     // where the CPU pushes no error code (Intel SDM vol. 3, table 6-1)
    .endif
    .byte 0x68                  // push of a 32-bit constant
    .long vector
    .if vector == VECTOR_DEBUG || vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK
    .byte 0xe9                  // jmp with a 32-bit distance, whatever it is
    .long trap_special - . - 4
    .else
    .byte 0xe9
    .long trap_entry - . - 4
    .endif
    .set vector, vector + 1
    .endr
    .size trap_stubs, . - trap_stubs
    .section .note.GNU-stack, "", @progbits
