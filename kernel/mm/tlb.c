// SPDX-License-Identifier: MIT OR Apache-2.0
// Shoot-downs: a core that took rights from entries makes every core flush that may hold
// translations of the Space, and waits. Each core has one request others read; `asked` of a core
// has a bit for each core whose request it has to do. A waiting core does the others' requests, and
// so does one that spins for a lock: the waiting one may hold it.
#include "mm.h"

#include <arch/cpu.h>
#include <kernel/log.h>

struct tlb_core {
    uint64_t asked;      // cores whose requests this one has to do
    uint64_t waiting;    // cores that have not done this one's request
    uint64_t start, end; // this one's request; end 0: everything
} __attribute__((aligned(64)));

static struct tlb_core cores[CORES_MAX];

static void flush_range(uint64_t start, uint64_t end)
{
    if (end == 0) {
        mmu_flush_all();
        return;
    }
    for (uint64_t address = start; address < end; address += PAGE_SIZE) {
        mmu_flush_page(address);
    }
}

void tlb_ipi(void)
{
    uint32_t own = cpu_local()->id;
    if (atomic_load_u64(&cores[own].asked, ATOMIC_RELAXED) == 0) {
        return;
    }
    // Pairs with the release in tlb_flush: the requests are complete, the entries changed.
    uint64_t asked = atomic_exchange_u64(&cores[own].asked, 0, ATOMIC_ACQ_REL);
    for (; asked != 0; asked &= asked - 1) {
        struct tlb_core *from = &cores[__builtin_ctzll(asked)];
        flush_range(from->start, from->end);
        atomic_and_u64(&from->waiting, ~(1ull << own),
                       ATOMIC_RELEASE); // pairs with the acquire in tlb_flush
    }
}

// A Space whose upper half is in its guests' roots too may be anywhere.
static bool may_hold(const struct cpu *cpu, const struct space *space)
{
    uint64_t root = atomic_load_u64(&cpu->arch.root, ATOMIC_RELAXED);
    return root == space->root || (space->is_guest && root == space->restricted_root) ||
           space->has_guests;
}

static void flush_others(uint64_t mask, uint64_t start, uint64_t end)
{
    uint32_t self = cpu_local()->id;
    struct tlb_core *own = &cores[self];
    own->start = start;
    own->end = end;
    atomic_store_u64(&own->waiting, mask, ATOMIC_RELEASE);
    counter_add(TES_COUNTER_SHOOTDOWNS, 1);
    for (uint64_t left = mask; left != 0; left &= left - 1) {
        uint32_t core = (uint32_t)__builtin_ctzll(left);
        atomic_or_u64(&cores[core].asked, 1ull << self,
                      ATOMIC_RELEASE); // pairs with the exchange in tlb_ipi
        cpu_send_ipi(core);
    }
    while (atomic_load_u64(&own->waiting, ATOMIC_ACQUIRE) !=
           0) { // pairs with the release in tlb_ipi
        tlb_ipi();
        cpu_relax();
    }
}

void tlb_flush(const struct space *space, uint64_t start, uint64_t end)
{
    if (end == 0) {
        return;
    }
    if (end - start > SHOOTDOWN_PAGES_MAX * PAGE_SIZE) {
        end = 0;
    }
    const struct cpu *self = cpu_local();
    if (may_hold(self, space)) {
        flush_range(start, end);
    }
    if (cpu_count == 1) {
        return;
    }
    uint64_t mask = 0;
    atomic_fence_seq_cst(); // pairs with the store of arch.root before a root is loaded: seen, or
                            // loaded after
    for (uint32_t core = 0; core < cpu_count; core++) {
        if (cpus[core] != self && cpus[core] != NULL && may_hold(cpus[core], space)) {
            mask |= 1ull << core;
        }
    }
    if (mask != 0) {
        flush_others(mask, start, end);
    }
}
