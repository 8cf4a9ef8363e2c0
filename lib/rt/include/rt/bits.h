// SPDX-License-Identifier: MIT OR Apache-2.0
// Bit scans and alignment. Alignments are powers of two.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BITS_PER_U64 64u

// Index of the lowest or highest bit that is set; value must not be 0.
static inline unsigned bits_lowest(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

static inline unsigned bits_highest(uint64_t value)
{
    return BITS_PER_U64 - 1 - (unsigned)__builtin_clzll(value);
}

static inline unsigned bits_count(uint64_t value)
{
    unsigned count = 0;
    for (; value != 0; value &= value - 1) {
        count++;
    }
    return count;
}

static inline bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

// Wraps to 0 if the result does not fit: check untrusted values with checked_align_up.
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
