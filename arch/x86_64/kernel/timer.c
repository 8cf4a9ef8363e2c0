// SPDX-License-Identifier: MIT OR Apache-2.0
// The one-shot timer of each core: TSC deadline where the CPU has it and the cycle counter is the
// clock, else the local controller's counter. A deadline further off than the counter reaches is
// approached in steps.
#include "x86.h"

#include <kernel/sched.h>

static uint64_t apic_per_ns; // << 32
static uint64_t tsc_per_ns;  // << 32; 0: no deadline mode

static uint64_t per_ns(uint64_t hz)
{
    return ((hz / NS_PER_SECOND) << 32) + ((hz % NS_PER_SECOND) << 32) / NS_PER_SECOND;
}

void timer_set_rates(uint64_t apic_hz, uint64_t tsc_hz)
{
    const bool has_deadline = (cpuid(1, 0).c >> 24 & 1) != 0;
    apic_per_ns = per_ns(apic_hz);
    tsc_per_ns = has_deadline ? per_ns(tsc_hz) : 0;
}

void timer_init_core(void)
{
    if (tsc_per_ns != 0) {
        apic_timer_deadline_init_core();
    } else {
        apic_timer_init_core();
    }
}

static void arm(uint64_t distance_ns)
{
    if (tsc_per_ns != 0) {
        msr_write(MSR_TSC_DEADLINE, cpu_ticks() + multiply_shift32(distance_ns, tsc_per_ns) + 1);
        return;
    }
    // Beyond 2^34 ns a 32-bit counter is full at any rate above 250 MHz; slower ones just wake in
    // between.
    const uint64_t near_ns = distance_ns < (1ull << 34) ? distance_ns : 1ull << 34;
    const uint64_t count = multiply_shift32(near_ns, apic_per_ns) + 1; // never early
    apic_timer_set(count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
}

void cpu_timer_arm(uint64_t deadline_ns)
{
    struct cpu *cpu = cpu_local();
    cpu->arch.timer_deadline = deadline_ns;
    if (deadline_ns == 0) {
        if (tsc_per_ns != 0) {
            msr_write(MSR_TSC_DEADLINE, 0);
        } else {
            apic_timer_set(0);
        }
        return;
    }
    const uint64_t now = cpu_time_ns();
    arm(deadline_ns > now ? deadline_ns - now : 0);
}

void timer_interrupt(void)
{
    struct cpu *cpu = cpu_local();
    const uint64_t deadline = cpu->arch.timer_deadline;
    apic_eoi();
    if (deadline == 0) {
        return; // disarmed while it was on its way
    }
    const uint64_t now = cpu_time_ns();
    if (now < deadline) {
        arm(deadline - now);
        return;
    }
    cpu->arch.timer_deadline = 0;
    sched_timer_interrupt();
}
