// SPDX-License-Identifier: MIT OR Apache-2.0
// Arithmetic on numbers that came from outside: false (and no result) instead of a wrap. And the
// clamp that keeps a processor from reading past a table while it guesses that a bounds check
// succeeds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *out_sum)
{
    uint64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out_sum = sum;
    return true;
}

static inline bool checked_subtract(uint64_t a, uint64_t b, uint64_t *out_difference)
{
    if (a < b) {
        return false;
    }
    *out_difference = a - b;
    return true;
}

static inline bool checked_multiply(uint64_t a, uint64_t b, uint64_t *out_product)
{
    uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out_product = product;
    return true;
}

// alignment is a power of two.
static inline bool checked_align_up(uint64_t value, uint64_t alignment, uint64_t *out_aligned)
{
    uint64_t raised = 0;
    if (!checked_add(value, alignment - 1, &raised)) {
        return false;
    }
    *out_aligned = raised & ~(alignment - 1);
    return true;
}

// Is [offset, offset + size) inside [0, limit)? An empty range may lie at the limit.
static inline bool range_is_inside(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

// Do [a, a + a_size) and [b, b + b_size) share a byte? Neither range may wrap.
static inline bool ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a_size != 0 && b_size != 0 && a < b + b_size && b < a + a_size;
}

// index if index < size, else 0, without a branch to guess wrongly. Both below 2^63. The empty
// assembly keeps the compiler from using what it knows from the bounds check before.
static inline uint64_t array_index_clamp(uint64_t index, uint64_t size)
{
    __asm__("" : "+r"(index));
    uint64_t is_below = (index - size) >> (sizeof(uint64_t) * 8 - 1);
    return index & (0 - is_below);
}
