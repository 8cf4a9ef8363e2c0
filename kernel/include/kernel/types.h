// SPDX-License-Identifier: MIT OR Apache-2.0
// Address types that cannot be mixed up, and the pages everything is made of.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t value;
} paddr_t; // physical address
typedef struct {
    uint64_t value;
} uaddr_t; // user virtual address: an allegation, never dereferenced

#define PAGE_SHIFT 12u
#define PAGE_SIZE  ((uint64_t)1 << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

static inline paddr_t paddr_make(uint64_t value)
{
    return (paddr_t){ value };
}

static inline uaddr_t uaddr_make(uint64_t value)
{
    return (uaddr_t){ value };
}

static inline bool is_page_aligned(uint64_t value)
{
    return (value & PAGE_MASK) == 0;
}
