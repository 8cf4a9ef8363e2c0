// SPDX-License-Identifier: MIT OR Apache-2.0
// Entering the guest and copying to and from it, on x86_64. A fault inside linux_guest_copy comes to the
// fault vector, which gives the copy up; it has no frame, so its return address is at the faulting rsp.
#include <abi/asm_constants.h>

#define AREA_RBX    8   // struct tes_fault_area: registers.rbx and so on
#define AREA_RBP    48
#define AREA_RSP    56
#define AREA_R12    96
#define AREA_R13    104
#define AREA_R14    112
#define AREA_R15    120
#define AREA_RIP    128
#define AREA_IN_USE 200
#define LINUX_EFAULT 14
#define WORD        8
#define CPUID_RDRAND 30 // leaf 1, ecx

    .text
// tes_status_t linux_guest_enter(void): guest_enter preserves nothing but the stack pointer.
    .globl linux_guest_enter
    .hidden linux_guest_enter
    .type linux_guest_enter, @function
linux_guest_enter:
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
    .size linux_guest_enter, . - linux_guest_enter

// int linux_guest_copy(void *destination, const void *source, size_t size)
    .globl linux_guest_copy
    .hidden linux_guest_copy
    .type linux_guest_copy, @function
linux_guest_copy:
    endbr64
copy_words:
    cmp $WORD, %rdx
    jb copy_bytes
    mov (%rsi), %rax
    mov %rax, (%rdi)
    add $WORD, %rsi
    add $WORD, %rdi
    sub $WORD, %rdx
    jmp copy_words
copy_bytes:
    test %rdx, %rdx
    jz copy_done
    mov (%rsi), %al
    mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rdx
    jmp copy_bytes
copy_done:
    xor %eax, %eax
    ret
copy_end:
    .size linux_guest_copy, . - linux_guest_copy

// uint64_t linux_cpu_random(void): 0 when the CPU has no source (Intel SDM vol. 2, RDRAND), or it is
// exhausted.
    .globl linux_cpu_random
    .hidden linux_cpu_random
    .type linux_cpu_random, @function
linux_cpu_random:
    endbr64
    push %rbx
    mov $1, %eax
    xor %ecx, %ecx
    cpuid
    xor %eax, %eax
    bt $CPUID_RDRAND, %ecx
    jnc 2f
    rdrand %rax
    jc 2f
    xor %eax, %eax
2:  pop %rbx
    ret
    .size linux_cpu_random, . - linux_cpu_random

// rdi: the fault area.
    .globl linux_guest_fault_vector
    .hidden linux_guest_fault_vector
    .type linux_guest_fault_vector, @function
linux_guest_fault_vector:
    endbr64
    mov AREA_RIP(%rdi), %rax
    lea linux_guest_copy(%rip), %rcx
    lea copy_end(%rip), %rdx
    cmp %rcx, %rax
    jb 1f
    cmp %rdx, %rax
    jae 1f
    mov AREA_RBX(%rdi), %rbx // the caller's: the vector begins with zeros
    mov AREA_RBP(%rdi), %rbp
    mov AREA_R12(%rdi), %r12
    mov AREA_R13(%rdi), %r13
    mov AREA_R14(%rdi), %r14
    mov AREA_R15(%rdi), %r15
    mov AREA_RSP(%rdi), %rsp
    movq $0, AREA_IN_USE(%rdi)
    mov $-LINUX_EFAULT, %eax
    ret
1:  ud2 // in_use is still set: the fault endpoint reports the crash
    .size linux_guest_fault_vector, . - linux_guest_fault_vector
