// SPDX-License-Identifier: MIT OR Apache-2.0
// Where another core starts: copied to one page below 1 MiB (smp.c), entered in real mode with cs = page << 8. It goes
// to long mode at once on the kernel's root, which maps low memory while cores are started, and to start_core.
#include <asm_offsets.h>

#define CR4_PAE (1 << 5)
#define CR0_BOOT 0x80010033 // PG WP NE ET MP PE
#define MSR_EFER 0xc0000080
#define EFER_BOOT 0x901     // NXE LME SCE
#define MSR_GS_BASE 0xc0000101
#define AT(label) (label - trampoline_start)

    .section .rodata.trampoline, "a"
    .balign 16
    .globl trampoline_start
trampoline_start:
    .code16
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    movzwl %ax, %ebx
    shl $4, %ebx                // ebx: the page
    lea AT(trampoline_gdt)(%ebx), %eax
    mov %eax, AT(trampoline_gdt_base)
    lea AT(trampoline_long)(%ebx), %eax
    mov %eax, AT(trampoline_entry)
    lgdtl AT(trampoline_gdt_pointer)
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov AT(trampoline_data), %eax // root
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    mov $EFER_BOOT, %eax
    xor %edx, %edx
    wrmsr
    mov $CR0_BOOT, %eax
    mov %eax, %cr0
    ljmpl *AT(trampoline_entry)

    .code64
trampoline_long:
    mov $0x10, %eax
    mov %eax, %ss
    mov %eax, %ds
    mov %eax, %es
    mov trampoline_data+8(%rip), %rdi // struct cpu
    mov $MSR_GS_BASE, %ecx
    mov %edi, %eax
    mov %rdi, %rdx
    shr $32, %rdx
    wrmsr
    mov CPU_KERNEL_STACK(%rdi), %rsp
    xor %ebp, %ebp
    mov trampoline_data+16(%rip), %rax
    call *%rax                  // start_core

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    // 64-bit code
    .quad 0x00cf93000000ffff    // data
trampoline_gdt_pointer:
    .word 23
trampoline_gdt_base:
    .long 0
    .balign 8
trampoline_entry:
    .long 0
    .word 0x08
    .balign 8
trampoline_data:                // root, struct cpu, start_core: the last three words (smp.c)
    .quad 0, 0, 0
    .globl trampoline_end
trampoline_end:
    .section .note.GNU-stack, "", @progbits
