// SPDX-License-Identifier: MIT OR Apache-2.0
// The only place for atomics: explicit order at every use; say in a comment what it pairs with.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ATOMIC_RELAXED __ATOMIC_RELAXED
#define ATOMIC_ACQUIRE __ATOMIC_ACQUIRE
#define ATOMIC_RELEASE __ATOMIC_RELEASE
#define ATOMIC_ACQ_REL __ATOMIC_ACQ_REL
#define ATOMIC_SEQ_CST __ATOMIC_SEQ_CST

#define atomic_load_u32(pointer, order) __atomic_load_n((const uint32_t *)(pointer), order)
#define atomic_load_u64(pointer, order) __atomic_load_n((const uint64_t *)(pointer), order)
#define atomic_store_u32(pointer, value, order)                                                    \
    __atomic_store_n((uint32_t *)(pointer), (uint32_t)(value), order)
#define atomic_store_u64(pointer, value, order)                                                    \
    __atomic_store_n((uint64_t *)(pointer), (uint64_t)(value), order)
#define atomic_exchange_u32(pointer, value, order)                                                 \
    __atomic_exchange_n((uint32_t *)(pointer), (uint32_t)(value), order)
#define atomic_exchange_u64(pointer, value, order)                                                 \
    __atomic_exchange_n((uint64_t *)(pointer), (uint64_t)(value), order)
#define atomic_add_u32(pointer, value, order)                                                      \
    __atomic_fetch_add((uint32_t *)(pointer), (uint32_t)(value), order)
#define atomic_add_u64(pointer, value, order)                                                      \
    __atomic_fetch_add((uint64_t *)(pointer), (uint64_t)(value), order)
#define atomic_sub_u32(pointer, value, order)                                                      \
    __atomic_fetch_sub((uint32_t *)(pointer), (uint32_t)(value), order)
#define atomic_sub_u64(pointer, value, order)                                                      \
    __atomic_fetch_sub((uint64_t *)(pointer), (uint64_t)(value), order)
#define atomic_or_u32(pointer, value, order)                                                       \
    __atomic_fetch_or((uint32_t *)(pointer), (uint32_t)(value), order)
#define atomic_or_u64(pointer, value, order)                                                       \
    __atomic_fetch_or((uint64_t *)(pointer), (uint64_t)(value), order)
#define atomic_and_u32(pointer, value, order)                                                      \
    __atomic_fetch_and((uint32_t *)(pointer), (uint32_t)(value), order)
#define atomic_and_u64(pointer, value, order)                                                      \
    __atomic_fetch_and((uint64_t *)(pointer), (uint64_t)(value), order)
#define atomic_load_pointer(pointer, order)         __atomic_load_n((pointer), order)
#define atomic_store_pointer(pointer, value, order) __atomic_store_n((pointer), (value), order)
#define atomic_exchange_pointer(pointer, value, order)                                             \
    __atomic_exchange_n((pointer), (value), order)

// NOLINTNEXTLINE(readability-non-const-parameter): the builtin writes through both pointers.
static inline bool atomic_compare_exchange_u64(uint64_t *pointer, uint64_t *expected,
                                               uint64_t desired, int success)
{
    return success == ATOMIC_SEQ_CST
               ? __atomic_compare_exchange_n(pointer, expected, desired, false, __ATOMIC_SEQ_CST,
                                             __ATOMIC_RELAXED)
               : __atomic_compare_exchange_n(pointer, expected, desired, false, __ATOMIC_ACQ_REL,
                                             __ATOMIC_RELAXED);
}

static inline void atomic_fence_seq_cst(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void atomic_fence_acquire(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void atomic_fence_release(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}
