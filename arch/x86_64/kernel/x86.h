// SPDX-License-Identifier: MIT OR Apache-2.0
// Instructions that C has no word for, model-specific registers, and what the files of this folder
// share.
#pragma once

#include <abi/errors.h>
#include <arch/cpu.h>
#include <arch/machine.h>
#include <arch/mmu.h>
#include <kernel/types.h>

bool console_has_port(uint16_t port); // of the UART the kernel logs to

// Model-specific registers (Intel SDM vol. 4, table 2-2).
#define MSR_APIC_BASE    0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC       0x800u
#define MSR_EFER         0xc0000080u
#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_SFMASK       0xc0000084u
#define MSR_FS_BASE      0xc0000100u
#define MSR_GS_BASE      0xc0000101u
#define MSR_KERNEL_GS    0xc0000102u

// Interrupt vectors. The highest priority goes to what other cores wait for.
#define VECTOR_EXCEPTIONS 32u
#define VECTOR_IRQ_FIRST  0x40u
#define VECTOR_IRQ_LAST   0xdfu
#define VECTOR_TIMER      0xe0u
#define VECTOR_IPI        0xe1u
#define VECTOR_SPURIOUS   0xffu

#define NS_PER_SECOND 1000000000ull

struct cpuid {
    uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r = { .a = leaf, .c = subleaf };
    __asm__ volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
    return r;
}

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return ((uint64_t)high << 32) | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint8_t port_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void port_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void port_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint32_t mmio_read32(uintptr_t address)
{
    uint32_t value;
    __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

static inline uint64_t mmio_read64(uintptr_t address)
{
    uint64_t value;
    __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

// a * b >> 32 without losing the upper bits.
static inline uint64_t multiply_shift32(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 32);
}

// In cpu.c:
void cpu_init_core(struct cpu *cpu, uint32_t id, uint32_t apic_id); // fills it; any core
void cpu_load_core(struct cpu *cpu);   // makes it this core's own: tables, registers, MSRs
void cpu_build_traps(void);            // once: the interrupt table
const char *cpu_missing_feature(void); // null: this CPU can run the kernel
// In apic.c, ioapic.c:
void apic_init(paddr_t base);
void apic_init_core(void);
uint32_t apic_id(void);
void apic_eoi(void);
void apic_start_core(uint32_t apic_id_to, uint32_t page,
                     uint32_t attempt); // attempt 0: INIT, 1 and 2: SIPI
void apic_timer_init_core(void);
void apic_timer_deadline_init_core(void);
uint32_t apic_timer_count(void);
void apic_timer_set(uint32_t count);
void ioapic_init(void);
bool ioapic_owns(uint64_t base, uint64_t end);
void apic_interrupt_irq(uint32_t vector);
extern paddr_t apic_base;
// In clock.c, timer.c:
void clock_init(paddr_t hpet_base); // value 0: there is none
void clock_wait_us(uint32_t us);
uint64_t clock_realtime_ns(void); // 0: unknown
extern paddr_t clock_hpet_base;
void timer_init_core(void);
void timer_interrupt(void);
void timer_set_rates(uint64_t apic_hz, uint64_t tsc_hz);
// In trap.S, trampoline.S, entry.S:
extern const uint8_t trap_stubs[];
void system_call_entry(void);
extern const uint8_t trampoline_start[], trampoline_end[];
void trap_handle(struct arch_frame *frame);
void trap_handle_kernel(struct arch_frame *frame);
void trap_handle_special(struct arch_frame *frame);
_Noreturn void start_core(struct cpu *cpu);
// In vector.c:
void vector_init_core(void);
