// SPDX-License-Identifier: MIT OR Apache-2.0
// One-word spinlocks. Interrupts are off whenever the kernel runs, so a holder is never preempted.
// Lock order (a later one may be taken while an earlier one is held): endpoint, notification,
// process (handle table), session tree, space, memory, quota, thread, run queue, timers, slab,
// frames, log. Two of the same kind only parent before child, or (space, memory) in address order
// where noted.
#pragma once

#include <kernel/assert.h>
#include <rt/atomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    uint32_t word; // bit 0: taken. The fast path takes it with one locked bit-set.
};

// It keeps all registers where the compiler can say so: functions that take a lock need save none.
#ifdef __clang__
#define LOCK_KEEPS_REGISTERS __attribute__((preserve_most))
#else
#define LOCK_KEEPS_REGISTERS
#endif
void spinlock_acquire_slow(struct spinlock *lock) LOCK_KEEPS_REGISTERS;

static inline bool spinlock_try(struct spinlock *lock)
{
    // Pairs with the release store in spinlock_release.
    return (atomic_exchange_u32(&lock->word, 1, ATOMIC_ACQUIRE) & 1) == 0;
}

static inline void spinlock_acquire(struct spinlock *lock)
{
    if (!spinlock_try(lock)) {
        spinlock_acquire_slow(lock);
    }
}

static inline void spinlock_release(struct spinlock *lock)
{
    atomic_store_u32(&lock->word, 0, ATOMIC_RELEASE); // pairs with the acquire in spinlock_try
}

static inline bool spinlock_is_held(const struct spinlock *lock)
{
    return atomic_load_u32(&lock->word, ATOMIC_RELAXED) != 0;
}
