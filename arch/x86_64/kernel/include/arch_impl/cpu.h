// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the inline half of the CPU contract (arch/cpu.h, which includes this after struct cpu).
#pragma once

#include <arch/frame.h>
#include <stddef.h>

struct tes_time_page;

static inline struct cpu *cpu_local(void)
{
    struct cpu *cpu;
    __asm__("movq %%gs:0, %0"
            : "=r"(cpu)); // arch.self; constant for as long as kernel code runs on this core
    return cpu;
}

// The frame of the thread this core runs: the CPU's entry stack pointer stands just behind it.
static inline struct arch_frame *cpu_current_frame(void)
{
    struct arch_frame *end;
    __asm__ volatile("movq %%gs:%c1, %0"
                     : "=r"(end)
                     : "i"(offsetof(struct arch_cpu, tss) + offsetof(struct x86_tss, rsp0_low)));
    return end - 1;
}

static inline uint64_t cpu_ticks(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("lfence\n\trdtsc"
                     : "=a"(low), "=d"(high)
                     :
                     : "memory"); // not ahead of earlier loads
    return ((uint64_t)high << 32) | low;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

// Interrupts are taken between sti's shadow and cli, on this stack; a wake-up before hlt is not
// lost.
static inline void cpu_idle(void)
{
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

// index if it is below size, else 0, without a branch that could be predicted wrongly.
static inline size_t cpu_index_clamp(size_t index, size_t size)
{
    size_t mask;
    __asm__("cmpq %2, %1\n\tsbbq %0, %0" : "=r"(mask) : "r"(index), "r"(size) : "cc");
    return index & mask;
}

bool cpu_interrupt_pending(void);
_Noreturn void cpu_halt(void);
void cpu_send_ipi(uint32_t core);
void cpu_timer_arm(uint64_t deadline_ns);
void cpu_stop_others(void);
bool cpu_random(uint64_t *out);

// Makes the thread the one whose frame the CPU enters on, with its segment bases. The root is the
// caller's part.
void cpu_set_current(struct thread *thread);

// Vector state (x87, SSE, AVX). Kernel code never uses these registers.
uint32_t cpu_vector_size(void);            // bytes of a save area; areas are 64-byte aligned
void cpu_vector_init(void *area);          // what a fresh thread has
void cpu_vector_save(void *area);          // this core's registers, which must be enabled
void cpu_vector_restore(const void *area); // enables the registers and loads them
void cpu_vector_disable(void);             // use faults from now on
// Writes an initial state into thread->vector_state and, when it is the current thread, loads it.
void cpu_vector_enable(struct thread *thread);

// Everything a reader of the time page needs but realtime_ns and core_count.
void cpu_time_page_fill(struct tes_time_page *page);

// The clock's parameters, set once at boot (clock.c).
struct x86_clock {
    uint64_t base_ticks;
    uint64_t ns_per_tick; // shifted left by 32
    uint64_t has_counter; // 0: the cycle counter is not usable, cpu_time_slow_ns reads the HPET
};
extern struct x86_clock x86_clock;
uint64_t cpu_time_slow_ns(void);

static inline uint64_t cpu_time_ns(void)
{
    if (x86_clock.has_counter == 0) {
        return cpu_time_slow_ns();
    }
    unsigned __int128 product = cpu_ticks() - x86_clock.base_ticks;
    product *= x86_clock.ns_per_tick;
    return (uint64_t)(product >> 32);
}

// Makes a thread the core's current one if neither it nor the one before is in a guest. The thread
// pointer is a user address (thread_control checked it).
static inline void cpu_set_current_native(struct cpu *cpu, struct arch_frame *frame,
                                          uint64_t thread_pointer)
{
    const uint64_t end = (uint64_t)(uintptr_t)(frame + 1);
    cpu->arch.tss.rsp0_low = (uint32_t)end;
    cpu->arch.tss.rsp0_high = (uint32_t)(end >> 32);
    __asm__ volatile("wrfsbase %0" : : "r"(thread_pointer));
}
