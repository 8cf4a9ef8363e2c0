// SPDX-License-Identifier: MIT OR Apache-2.0
// The heap's pages come from the component's Quota. Its lock is held for a few dozen instructions,
// so who finds it taken yields until it is free.
#include <rt/atomic.h>
#include <tes/memory.h>

#include "heap_pages.h"

static uint32_t heap_is_locked;

bool heap_pages_get(uint64_t size, struct tes_pages *out_pages)
{
    return tes_pages_create(size, out_pages) == TES_OK;
}

void heap_pages_put(struct tes_pages *pages)
{
    tes_pages_destroy(pages);
}

void heap_lock(void)
{
    // Pairs with the release in heap_unlock.
    while (atomic_exchange_u32(&heap_is_locked, 1, ATOMIC_ACQUIRE) != 0) {
        (void)!tes_yield(); // cannot fail
    }
}

void heap_unlock(void)
{
    atomic_store_u32(&heap_is_locked, 0, ATOMIC_RELEASE);
}
