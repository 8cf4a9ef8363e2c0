// SPDX-License-Identifier: MIT OR Apache-2.0
// A static Linux program that misbehaves in the way its first argument names. Each way must end it
// as Linux ends it (or do nothing), and must harm nothing else.

#include <stddef.h>
#include <stdint.h>

#define CALL_WRITE      1
#define CALL_MMAP       9
#define CALL_EXIT_GROUP 231
#define PAGE            4096L

static long raw(long number, long a, long b, long c, long d, long e)
{
    long result = number;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void wild_read(void)
{
    *(volatile char *)0xdead0000000;
}

static void wild_kernel_write(void)
{
    *(volatile char *)0xffff800000000000 = 1;
}

static void jump_null(void)
{
    __asm__ volatile("xor %eax, %eax; jmp *%rax");
}

static void jump_not_canonical(void)
{
    __asm__ volatile("movabs $0x8000000000000000, %rax; jmp *%rax");
}

static void stack_not_canonical(void)
{
    __asm__ volatile("movabs $0x8000000000000000, %rsp; push %rax");
}

static void call_with_wild_stack(void)
{
    __asm__ volatile("movabs $0x8000000000000000, %rsp; mov $231, %eax; mov $9, %edi; syscall");
}

static void jump_to_data(void)
{
    static char data[64] __attribute__((aligned(64)));
    __asm__ volatile("jmp *%0" : : "r"(data));
}

static void write_code(void)
{
    *(volatile char *)(uintptr_t)write_code = 0;
}

static void halt(void)
{
    __asm__ volatile("hlt");
}

static void disable_interrupts(void)
{
    __asm__ volatile("cli");
}

static void port_output(void)
{
    __asm__ volatile("outb %al, $0x80");
}

static void load_control_register(void)
{
    __asm__ volatile("mov %%rax, %%cr3" : : "a"(0L));
}

static void read_model_register(void)
{
    __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "eax", "edx");
}

static void load_descriptor_table(void)
{
    static const char descriptor[10];
    __asm__ volatile("lgdt %0" : : "m"(descriptor));
}

static void load_segment(void)
{
    __asm__ volatile("mov %0, %%ds" : : "r"((short)0x1234));
}

static void load_null_segments(void)
{
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"((short)0));
    (void)raw(CALL_WRITE, 1, (long)"alive\n", 6, 0, 0);
}

static void software_interrupt(void)
{
    __asm__ volatile("int $0x21");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void undefined_instruction(void)
{
    __asm__ volatile("ud2");
}

static void divide_by_zero(void)
{
    __asm__ volatile("xor %%edx, %%edx; div %0" : : "r"(0), "a"(1) : "edx");
}

static void direction_flag(void)
{
    __asm__ volatile("std");
    (void)raw(CALL_WRITE, 1, (long)"backwards\n", 10, 0, 0);
    __asm__ volatile("cld");
}

static void endless_stack(void)
{
    for (;;) {
        __asm__ volatile("sub $4096, %rsp; push %rax");
    }
}

static void self_modifying(void)
{
    static const uint8_t answer[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; // mov $42, %eax; ret
    uint8_t *code = (uint8_t *)raw(CALL_MMAP, 0, PAGE, 7, 0x22, -1);
    for (size_t index = 0; index < sizeof(answer); index++) {
        code[index] = answer[index];
    }
    int (*run)(void) = (int (*)(void))(uintptr_t)code;
    int first = run();
    code[1] = 17;
    (void)raw(CALL_EXIT_GROUP, run() == 17 && first == 42 ? 59 : 1, 0, 0, 0, 0);
}

static void (*const ways[])(void) = {
    wild_read,
    wild_kernel_write,
    jump_null,
    jump_not_canonical,
    stack_not_canonical,
    call_with_wild_stack,
    jump_to_data,
    write_code,
    halt,
    disable_interrupts,
    port_output,
    load_control_register,
    read_model_register,
    load_descriptor_table,
    load_segment,
    load_null_segments,
    software_interrupt,
    breakpoint,
    undefined_instruction,
    divide_by_zero,
    direction_flag,
    endless_stack,
    self_modifying,
};

__attribute__((noreturn, used)) void start_main(long count, char **arguments);

// The way's number is the first argument, in decimal.
__attribute__((noreturn, used)) void start_main(long count, char **arguments)
{
    size_t way = 0;
    for (const char *digit = count > 1 ? arguments[1] : "99"; *digit != '\0'; digit++) {
        way = way * 10 + (size_t)(*digit - '0');
    }
    if (way < sizeof(ways) / sizeof(ways[0])) {
        ways[way]();
    }
    for (;;) {
        (void)raw(CALL_EXIT_GROUP, 3, 0, 0, 0, 0);
    }
}

__asm__(
    ".globl _start\n_start: xor %ebp, %ebp; mov (%rsp), %rdi; lea 8(%rsp), %rsi; and $-16, %rsp;"
    " call start_main; hlt");
