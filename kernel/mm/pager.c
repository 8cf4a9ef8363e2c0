// SPDX-License-Identifier: MIT OR Apache-2.0
// Pages of pager-backed Memories: a pager moves frames from a Memory of its own, or says that it
// cannot. A thread that needs an absent page waits in a PAGE message to the pager (kernel/ipc); the
// answer to it makes it try again.
#include "mm.h"

#include <kernel/sched.h>
#include <kernel_calls.h>
#include <rt/checked.h>

struct supply {
    struct memory *memory;
    struct memory *source;
    uint64_t page, source_page, count;
};

// Two Memories are locked in address order.
static void lock_both(struct supply *supply)
{
    bool is_ordered = (uintptr_t)supply->memory < (uintptr_t)supply->source;
    spinlock_acquire(&(is_ordered ? supply->memory : supply->source)->object.lock);
    spinlock_acquire(&(is_ordered ? supply->source : supply->memory)->object.lock);
}

static void unlock_both(struct supply *supply)
{
    spinlock_release(&supply->memory->object.lock);
    spinlock_release(&supply->source->object.lock);
}

// Moves one page; absent ones of the source become zeros, present ones of the target stay.
static tes_status_t supply_page_locked(struct supply *supply)
{
    struct page_payer payer = memory_payer(supply->memory);
    paddr_t frame;
    bool is_writable = false;
    uint64_t *slot = page_tree_find(&supply->memory->pages, supply->page);
    if (slot != NULL && *slot != 0 && (*slot & ENTRY_FAILED) == 0) {
        return TES_OK;
    }
    tes_status_t status =
        memory_page(supply->source, supply->source_page, true, &frame, &is_writable);
    if (status == TES_OK && frame_is_pinned(frame)) {
        status = TES_ERROR_INVALID; // a device or the kernel knows the frame as the source's
    }
    if (status == TES_OK) {
        status = page_tree_prepare(&supply->memory->pages, &payer, supply->page, 1, &slot);
    }
    if (status != TES_OK) {
        return status;
    }
    memory_clear_entries(supply->source, supply->source_page, 1, false);
    frame_get(frame);
    page_tree_drop_some(&supply->source->pages, supply->source->object.quota, supply->source_page,
                        supply->source_page + 1);
    *slot = frame.value;
    supply->memory->pages.present++;
    return TES_OK;
}

static tes_status_t supply_pages(struct supply *supply)
{
    for (uint32_t step = 1; supply->count > 0; step++) {
        lock_both(supply);
        bool is_live =
            object_is_live(&supply->memory->object) && object_is_live(&supply->source->object);
        tes_status_t status = is_live ? supply_page_locked(supply) : TES_ERROR_REVOKED;
        unlock_both(supply);
        if (status != TES_OK) {
            return status;
        }
        supply->page++;
        supply->source_page++;
        supply->count--;
        if (step % PREEMPT_BATCH == 0 && supply->count > 0 && sched_should_preempt()) {
            return TES_ERROR_RESTART; // pages that are there are passed over then
        }
    }
    return TES_OK;
}

static tes_status_t fail_pages(struct memory *memory, uint64_t page, uint64_t count)
{
    struct page_payer payer = memory_payer(memory);
    for (uint64_t end = page + count; page < end; page++) {
        uint64_t *slot = NULL;
        spinlock_acquire(&memory->object.lock);
        tes_status_t status = object_is_live(&memory->object)
                                  ? page_tree_prepare(&memory->pages, &payer, page, 0, &slot)
                                  : TES_ERROR_REVOKED;
        if (status == TES_OK && *slot == 0) {
            *slot = ENTRY_FAILED;
        }
        spinlock_release(&memory->object.lock);
        if (status != TES_OK) {
            return status;
        }
        if (page % MEMORY_BATCH == 0 && page + 1 < end && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    return TES_OK;
}

static bool is_page_range(uint64_t offset, uint64_t size)
{
    return is_page_aligned(offset) && is_page_aligned(size) && size != 0;
}

tes_status_t sys_memory_supply(const struct handle_view *memory, uint64_t offset,
                               const struct handle_view *source, uint64_t source_offset,
                               uint64_t size, uint64_t flags)
{
    struct supply supply = {
        .memory = (struct memory *)memory->object,
        .source = (struct memory *)source->object,
        .page = offset >> PAGE_SHIFT,
        .source_page = source_offset >> PAGE_SHIFT,
        .count = size >> PAGE_SHIFT,
    };
    bool is_fail = (flags & TES_MEMORY_SUPPLY_FAIL) != 0;
    if (supply.memory->kind != MEMORY_PAGER || !is_page_range(offset, size) ||
        is_fail != (supply.source == NULL)) {
        return TES_ERROR_INVALID;
    }
    if (!range_is_inside(supply.page, supply.count, supply.memory->size_pages)) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    if (is_fail) {
        return fail_pages(supply.memory, supply.page, supply.count);
    }
    if (!is_page_aligned(source_offset) || supply.source->kind != MEMORY_ANONYMOUS ||
        supply.source == supply.memory || supply.source->is_sealed) {
        return TES_ERROR_INVALID;
    }
    if (!range_is_inside(supply.source_page, supply.count, supply.source->size_pages)) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    return supply_pages(&supply);
}
