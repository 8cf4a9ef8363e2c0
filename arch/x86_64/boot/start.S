// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel's first instructions: PVH entry (32-bit protected mode, paging off, ebx = struct hvm_start_info; Xen
// docs/misc/pvh.pandoc), an identity map of 4 GiB, long mode, then boot_early (early.c), which relocates the
// image and builds the kernel's tables, and the jump to start_main (kernel/start.c) in the upper half.
#include <asm_offsets.h>

#define CR0_BOOT 0x80010033 // PG WP NE ET MP PE (Intel SDM vol. 3, 2.5)
#define CR4_PAE (1 << 5)
#define MSR_EFER 0xc0000080
#define EFER_BOOT 0x901 // NXE LME SCE
#define MSR_GS_BASE 0xc0000101
#define CPUID_FEATURES 0x80000001
#define CPUID_LONG_MODE_AND_NX (1 << 29 | 1 << 20)
#define TABLE_ENTRY 0x3     // present, writable
#define LARGE_ENTRY 0x83    // present, writable, 2 MiB
#define BOOT_CODE_SELECTOR 0x08
#define BOOT_DATA_SELECTOR 0x10
#define SERIAL_DATA 0x3f8

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18              // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad boot_start_physical

    .section .text.boot, "ax"
    .code32
    .globl boot_start
    .type boot_start, @function
boot_start:
    rdtsc
    cli
    cld
    mov $boot_anchor_physical, %ebp
    .globl boot_anchor
boot_anchor:                    // all addresses are taken relative to here
    mov %eax, (boot_start_ticks - boot_anchor)(%ebp)
    mov %edx, (boot_start_ticks + 4 - boot_anchor)(%ebp)
    mov %ebx, %esi
    lea (boot_stack_end - boot_anchor)(%ebp), %esp
    mov $CPUID_FEATURES, %eax
    cpuid
    not %edx
    test $CPUID_LONG_MODE_AND_NX, %edx
    jnz no_long_mode

    lea (boot_identity_pd - boot_anchor)(%ebp), %edi
    mov $LARGE_ENTRY, %eax
    xor %ecx, %ecx
1:  mov %eax, (%edi,%ecx,8)
    add $0x200000, %eax
    inc %ecx
    cmp $(4 * 512), %ecx
    jne 1b
    lea (boot_identity_pdpt - boot_anchor)(%ebp), %edx
    lea TABLE_ENTRY(%edi), %eax
    xor %ecx, %ecx
2:  mov %eax, (%edx,%ecx,8)
    add $4096, %eax
    inc %ecx
    cmp $4, %ecx
    jne 2b
    lea (mmu_kernel_root_table - boot_anchor)(%ebp), %edi
    lea TABLE_ENTRY(%edx), %eax
    mov %eax, (%edi)

    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov %edi, %cr3
    mov $MSR_EFER, %ecx
    mov $EFER_BOOT, %eax
    xor %edx, %edx
    wrmsr
    mov $CR0_BOOT, %eax
    mov %eax, %cr0
    lea (boot_gdt - boot_anchor)(%ebp), %eax
    push %eax
    pushw $(boot_gdt_end - boot_gdt - 1)
    lgdt (%esp)
    pushl $BOOT_CODE_SELECTOR
    lea (boot_long - boot_anchor)(%ebp), %eax
    push %eax
    lret

no_long_mode:
    mov $SERIAL_DATA, %edx
    mov $'6', %al
    out %al, %dx
3:  hlt
    jmp 3b

    .code64
boot_long:
    mov $BOOT_DATA_SELECTOR, %eax
    mov %eax, %ss
    mov %eax, %ds
    mov %eax, %es
    lea boot_stack_end(%rip), %rsp
    mov $MSR_GS_BASE, %ecx
    lea boot_cpu(%rip), %rax
    xor %edx, %edx
    wrmsr
    mov %esi, %edi
    call boot_early             // rax: distance from here to the kernel's own addresses
    lea mmu_kernel_root_table(%rip), %rcx
    mov %rcx, %cr3
    lea boot_high(%rip), %rcx
    add %rax, %rcx
    jmp *%rcx
boot_high:
    mov $(MMU_STACK_WINDOW_HIGH), %eax
    shl $32, %rax
    add $(BOOT_STACK_TOP), %rax // of the boot core's own stack
    mov %rax, %rsp
    xor %ebp, %ebp
    call start_main
    ud2

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    // 64-bit code
    .quad 0x00cf93000000ffff    // data
boot_gdt_end:

    .section .bss.page, "aw", @nobits
    .balign 4096
boot_identity_pd:
    .skip 4 * 4096
    .globl boot_identity_pdpt
boot_identity_pdpt:
    .skip 4096
    .globl mmu_kernel_root_table
mmu_kernel_root_table:
    .skip 4096
boot_stack:                     // until the kernel's tables stand
    .skip 2 * 4096
boot_stack_end:
