// SPDX-License-Identifier: MIT OR Apache-2.0
// Time: nanoseconds since boot from the cycle counter, whose rate (and the local timer's) is
// measured against HPET or PIT at boot; from the HPET itself on a machine whose cycle counter
// cannot be relied on. And the date from the CMOS. Two measurements that agree end it: exact
// counters need 150 microseconds, noisy ones get longer windows.
#include "x86.h"

#include <abi/time_page.h>
#include <arch_boot/early.h>
#include <kernel/log.h>

#define HPET_CAPABILITIES  0x000u // IA-PC HPET 1.0a, 2.3
#define HPET_CONFIGURATION 0x010u
#define HPET_COUNTER       0x0f0u
#define HPET_IS_64_BIT     (1ull << 13)
#define HPET_PERIOD_MAX_FS 100000000ull
#define FS_PER_SECOND      1000000000000000ull
#define PIT_HZ             1193182ull
#define PIT_CHANNEL_2      0x42u
#define PIT_COMMAND        0x43u
#define PIT_FREE_RUNNING   0xb4u // channel 2, both bytes, mode 2
#define PIT_LATCH_2        0x80u
#define PIT_GATE           0x61u
#define WINDOW_FIRST_US    50u
#define MEASUREMENTS_MAX   8u
#define AGREE_SHIFT        9u // two measurements within 0.2 %
#define EDGE_ROUNDS        1000000u
#define US_PER_SECOND      1000000ull

paddr_t clock_hpet_base;
static uintptr_t hpet; // registers; 0: none
static uint64_t hpet_hz;
static bool uses_hpet;    // as the clock
static uint64_t ticks_hz; // of the clock in use
struct x86_clock x86_clock;

struct sample {
    uint64_t reference, ticks;
    uint32_t timer; // the local timer counts down
};

static uint64_t reference_hz(void)
{
    return hpet != 0 ? hpet_hz : PIT_HZ;
}

static uint64_t reference_read(void)
{
    if (hpet != 0) {
        return mmio_read32(hpet + HPET_COUNTER);
    }
    port_out8(PIT_COMMAND, PIT_LATCH_2);
    const uint32_t low = port_in8(PIT_CHANNEL_2);
    return 0xffffu - (low | (uint32_t)port_in8(PIT_CHANNEL_2) << 8);
}

static uint64_t reference_distance(uint64_t from, uint64_t to)
{
    return hpet != 0 ? (uint32_t)(to - from) : (uint16_t)(to - from);
}

// Right after the reference has advanced to or beyond `distance` from `from`.
static struct sample sample_after(uint64_t from, uint64_t distance)
{
    struct sample sample = { .reference = from };
    for (uint32_t i = 0; i < EDGE_ROUNDS; i++) {
        sample.reference = reference_read();
        sample.ticks = cpu_ticks();
        if (reference_distance(from, sample.reference) >= distance) {
            break;
        }
        cpu_relax();
    }
    sample.timer = apic_timer_count();
    return sample;
}

// Rates over one window. False: the reference stands still.
static bool measure(uint64_t window_us, uint64_t *out_tsc_hz, uint64_t *out_timer_hz)
{
    apic_timer_set(UINT32_MAX);
    const struct sample start = sample_after(reference_read(), 1);
    const struct sample end =
        sample_after(start.reference, reference_hz() * window_us / US_PER_SECOND);
    const uint64_t passed = reference_distance(start.reference, end.reference);
    apic_timer_set(0);
    if (passed == 0 || end.ticks <= start.ticks) {
        return false;
    }
    *out_tsc_hz = (end.ticks - start.ticks) * reference_hz() / passed;
    *out_timer_hz = (uint64_t)(start.timer - end.timer) * reference_hz() / passed;
    return true;
}

static bool agree(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= (a >> AGREE_SHIFT);
}

static void calibrate(uint64_t *out_tsc_hz, uint64_t *out_timer_hz)
{
    uint64_t tsc = 0;
    uint64_t timer = 0;
    uint64_t window_us = WINDOW_FIRST_US;
    for (uint32_t i = 0; i < MEASUREMENTS_MAX; i++) {
        uint64_t tsc_now = 0;
        uint64_t timer_now = 0;
        if (!measure(window_us, &tsc_now, &timer_now)) {
            continue;
        }
        const bool is_done = agree(tsc, tsc_now) && agree(timer, timer_now);
        tsc = tsc_now;
        timer = timer_now;
        if (is_done) {
            break;
        }
        window_us *= 2;
    }
    *out_tsc_hz = tsc;
    *out_timer_hz = timer;
}

static void start_hpet(paddr_t base)
{
    const uintptr_t registers =
        base.value != 0 ? (uintptr_t)mmu_kernel_map_device(base, PAGE_SIZE) : 0;
    if (registers == 0) {
        return;
    }
    const uint64_t capabilities = mmio_read64(registers + HPET_CAPABILITIES);
    const uint64_t period_fs = capabilities >> 32;
    if (period_fs == 0 || period_fs > HPET_PERIOD_MAX_FS || (capabilities & HPET_IS_64_BIT) == 0) {
        log_warn("HPET at %lx is not usable", base.value);
        return;
    }
    mmio_write32(registers + HPET_CONFIGURATION, mmio_read32(registers + HPET_CONFIGURATION) | 1);
    hpet = registers;
    hpet_hz = FS_PER_SECOND / period_fs;
    clock_hpet_base = base;
}

static void start_pit(void)
{
    port_out8(PIT_GATE, (uint8_t)((port_in8(PIT_GATE) & 0xfc) | 1)); // gate on, speaker off
    port_out8(PIT_COMMAND, PIT_FREE_RUNNING);
    port_out8(PIT_CHANNEL_2, 0xff);
    port_out8(PIT_CHANNEL_2, 0xff);
}

// Invariant by its own word, or run by a hypervisor, which gives all cores one counter of constant
// rate.
static bool tsc_is_usable(void)
{
    const bool is_invariant =
        cpuid(0x80000000u, 0).a >= 0x80000007u && (cpuid(0x80000007u, 0).d >> 8 & 1) != 0;
    return is_invariant || (cpuid(1, 0).c >> 31 & 1) != 0;
}

void clock_init(paddr_t hpet_base)
{
    uint64_t tsc_hz;
    uint64_t timer_hz;
    start_hpet(hpet_base);
    if (hpet == 0) {
        start_pit();
    }
    calibrate(&tsc_hz, &timer_hz);
    uses_hpet = hpet != 0 && (tsc_hz == 0 || !tsc_is_usable());
    if (tsc_hz == 0 && !uses_hpet) {
        log_error("no clock: neither HPET nor PIT advances; taking the cycle counter for 1 GHz");
        tsc_hz = NS_PER_SECOND;
        timer_hz = NS_PER_SECOND;
    }
    ticks_hz = uses_hpet ? hpet_hz : tsc_hz;
    x86_clock.base_ticks = uses_hpet ? mmio_read64(hpet + HPET_COUNTER) : boot_info.start_ticks;
    x86_clock.ns_per_tick = (NS_PER_SECOND << 32) / ticks_hz;
    x86_clock.has_counter = !uses_hpet;
    timer_set_rates(timer_hz, tsc_hz);
    log_info("clock: %s %lu kHz, cycle counter %lu kHz, timer %lu kHz",
             uses_hpet ? "HPET" : "cycle counter", ticks_hz / 1000, tsc_hz / 1000, timer_hz / 1000);
}

uint64_t cpu_time_slow_ns(void)
{
    if (hpet == 0 || x86_clock.ns_per_tick == 0) {
        return 0; // before clock_init
    }
    return multiply_shift32(mmio_read64(hpet + HPET_COUNTER) - x86_clock.base_ticks,
                            x86_clock.ns_per_tick);
}

void clock_wait_us(uint32_t us)
{
    const uint64_t end = cpu_time_ns() + us * 1000ull;
    while (cpu_time_ns() < end) {
        cpu_relax();
    }
}

void cpu_time_page_fill(struct tes_time_page *page)
{
    page->shift = 32;
    page->multiplier = x86_clock.ns_per_tick;
    page->base_ticks = x86_clock.base_ticks;
    page->base_ns = 0;
    page->ticks_per_second = ticks_hz;
    page->has_counter = uses_hpet ? 0 : 1;
}

// The date (MC146818A registers).

#define CMOS_INDEX       0x70u
#define CMOS_DATA        0x71u
#define CMOS_STATUS_A    0x0au
#define CMOS_STATUS_B    0x0bu
#define CMOS_UPDATING    0x80u
#define CMOS_IS_24_HOURS 0x02u
#define CMOS_IS_BINARY   0x04u
#define CMOS_ROUNDS      10000u
#define SECONDS_PER_DAY  86400ull

static uint32_t cmos(uint8_t reg)
{
    port_out8(CMOS_INDEX, reg);
    return port_in8(CMOS_DATA);
}

static uint32_t from_bcd(uint32_t value)
{
    return (value & 0xf) + (value >> 4) * 10;
}

// Days since 1970-01-01 of a date of the Gregorian calendar (years from March, so that leap days
// come last).
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    const uint64_t y = month > 2 ? year : year - 1;
    const uint64_t m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

uint64_t clock_realtime_ns(void)
{
    static const uint8_t registers[6] = {
        0, 2, 4, 7, 8, 9
    }; // second, minute, hour, day, month, year
    uint32_t v[6];
    uint32_t i = 0;
    while (i < CMOS_ROUNDS && (cmos(CMOS_STATUS_A) & CMOS_UPDATING) != 0) {
        cpu_relax();
        i++;
    }
    const uint32_t format = cmos(CMOS_STATUS_B);
    for (uint32_t n = 0; n < 6; n++) {
        const uint32_t value = cmos(registers[n]);
        v[n] = (format & CMOS_IS_BINARY) != 0 ? value : from_bcd(value);
    }
    const bool is_sane = i < CMOS_ROUNDS && (format & CMOS_IS_24_HOURS) != 0 && v[0] < 60 &&
                         v[1] < 60 && v[2] < 24 && v[3] >= 1 && v[3] <= 31 && v[4] >= 1 &&
                         v[4] <= 12 && v[5] < 100;
    if (!is_sane) {
        return 0;
    }
    const uint64_t seconds = days_since_1970(2000 + v[5], v[4], v[3]) * SECONDS_PER_DAY +
                             v[2] * 3600ull + v[1] * 60ull + v[0];
    return seconds * NS_PER_SECOND - cpu_time_ns();
}
