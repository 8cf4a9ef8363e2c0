// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the cycle counter. The fence keeps earlier loads from being counted late.
#pragma once

#include <stdint.h>

#define TES_ARCH_HALF_BITS 32u

static inline uint64_t tes_arch_ticks(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return ((uint64_t)high << TES_ARCH_HALF_BITS) | low;
}

// In loops that wait for another core.
static inline void tes_arch_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}
