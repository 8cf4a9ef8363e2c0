// SPDX-License-Identifier: MIT OR Apache-2.0
// Pages of a Memory: getting one for reading or writing, clearing its entries in every Space,
// filling, discarding, sealing. All under the Memory's lock; ranges in batches, restartable because
// what is done can be seen in the tree.
#include "mm.h"

#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/sched.h>

// Entries of one region for the Memory's pages [first, end).
static void clear_region(const struct memory *memory, const struct region *region, uint64_t first,
                         uint64_t end, bool is_protect_only)
{
    uint64_t offset = region->offset >> PAGE_SHIFT;
    uint64_t last = offset + ((region->end - region->start) >> PAGE_SHIFT);
    first = first > offset ? first : offset;
    end = end < last ? end : last;
    if (first >= end) {
        return;
    }
    uint64_t root = region->space->root;
    uint64_t address = region->start + ((first - offset) << PAGE_SHIFT);
    uint64_t stop = region->start + ((end - offset) << PAGE_SHIFT);
    uint32_t flags = region_entry_flags(region, memory, false);
    struct tlb_batch batch = { .space = region->space };
    for (; mmu_next_present(root, address, stop, &address); address += PAGE_SIZE) {
        paddr_t frame;
        if (is_protect_only) {
            mmu_protect(root, address, flags);
        } else {
            mmu_unmap(root, address, &frame);
        }
        tlb_batch_add(&batch, address);
    }
    tlb_flush(&batch);
}

void memory_clear_entries(struct memory *memory, uint64_t first, uint64_t count,
                          bool is_protect_only)
{
    list_for_each (node, &memory->regions) {
        const struct region *region = container_of(node, struct region, memory_link);
        if (!is_protect_only || (!region->is_private && (region->access & REGION_WRITE) != 0)) {
            clear_region(memory, region, first, first + count, is_protect_only);
        }
    }
}

// The slot holds a frame: makes it the Memory's alone, for writing.
static tes_status_t page_own(struct memory *memory, uint64_t page, uint64_t *slot)
{
    struct page_payer payer = memory_payer(memory);
    paddr_t old = entry_frame(*slot);
    bool is_new = false;
    tes_status_t status = page_tree_own(&memory->pages, &payer, slot, &is_new);
    if (status == TES_OK && is_new) {
        memory_clear_entries(memory, page, 1, false);
        frame_put(old);
        counter_add(TES_COUNTER_FAULTS_COPY, 1);
    }
    return status;
}

static tes_status_t page_fill(struct memory *memory, uint64_t page, uint64_t **out_slot)
{
    struct page_payer payer = memory_payer(memory);
    paddr_t frame;
    tes_status_t status = frame_allocate_zeroed(&frame);
    if (status != TES_OK) {
        return status;
    }
    status = page_tree_prepare(&memory->pages, &payer, page, 1, out_slot);
    if (status != TES_OK) {
        frame_free(frame);
        return status;
    }
    **out_slot = frame.value;
    memory->pages.present++;
    counter_add(TES_COUNTER_FAULTS_ANONYMOUS, 1);
    return TES_OK;
}

tes_status_t memory_page(struct memory *memory, uint64_t page, bool is_write, paddr_t *out_frame,
                         bool *out_is_writable)
{
    if (is_write && memory->is_sealed) {
        return TES_ERROR_BAD_ADDRESS;
    }
    if (!memory_has_tree(memory)) {
        *out_frame = paddr_make(memory->base.value + (page << PAGE_SHIFT));
        *out_is_writable = !memory->is_sealed;
        return TES_OK;
    }
    tes_status_t status = TES_OK;
    uint64_t *slot = page_tree_find(&memory->pages, page);
    if (slot == NULL || *slot == 0) {
        status =
            memory->kind == MEMORY_PAGER ? TES_ERROR_WOULD_BLOCK : page_fill(memory, page, &slot);
    } else if ((*slot & ENTRY_FAILED) != 0) {
        status = TES_ERROR_DEAD;
    } else if (is_write) {
        status = page_own(memory, page, slot);
    }
    if (status != TES_OK) {
        return status;
    }
    *out_frame = entry_frame(*slot);
    *out_is_writable =
        !memory->is_sealed && (*slot & ENTRY_UNPAID) == 0 && frame_shares(*out_frame) == 1;
    return TES_OK;
}

tes_status_t memory_pin_page(struct memory *memory, uint64_t page, bool is_write,
                             paddr_t *out_frame)
{
    if (page >= memory->size_pages) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    spinlock_acquire(&memory->object.lock);
    bool is_writable = false;
    tes_status_t status = object_is_live(&memory->object)
                              ? memory_page(memory, page, is_write, out_frame, &is_writable)
                              : TES_ERROR_BAD_ADDRESS;
    if (status == TES_OK && (memory->kind == MEMORY_DEVICE || memory->is_image)) {
        status = TES_ERROR_BAD_ADDRESS;
    }
    if (status == TES_OK) {
        frame_pin(*out_frame);
    }
    spinlock_release(&memory->object.lock);
    return status == TES_ERROR_NO_MEMORY || status == TES_OK ? status : TES_ERROR_BAD_ADDRESS;
}

tes_status_t memory_commit(struct memory *memory, uint64_t first, uint64_t count)
{
    for (uint64_t page = first; page < first + count;) {
        uint64_t end = page + MEMORY_BATCH < first + count ? page + MEMORY_BATCH : first + count;
        tes_status_t status = TES_OK;
        spinlock_acquire(&memory->object.lock);
        for (; page < end && status == TES_OK; page++) {
            uint64_t *slot = page_tree_find(&memory->pages, page);
            if (slot == NULL || *slot == 0) {
                status = object_is_live(&memory->object) ? page_fill(memory, page, &slot)
                                                         : TES_ERROR_REVOKED;
            } else if ((*slot & ENTRY_UNPAID) != 0) {
                status = page_own(memory, page, slot);
            }
        }
        spinlock_release(&memory->object.lock);
        if (status != TES_OK) {
            return status;
        }
        if (page < first + count && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    return TES_OK;
}

tes_status_t memory_discard(struct memory *memory, uint64_t first, uint64_t count)
{
    uint64_t end = first + count;
    for (uint64_t page = first; page < end;) {
        spinlock_acquire(&memory->object.lock);
        if (page_tree_next(&memory->pages, page, end, &page)) {
            uint64_t stop = page + MEMORY_BATCH < end ? page + MEMORY_BATCH : end;
            memory_clear_entries(memory, page, stop - page, false);
            page = page_tree_drop_range(&memory->pages, memory->object.quota, page, stop,
                                        MEMORY_BATCH);
        } else {
            page = end;
        }
        spinlock_release(&memory->object.lock);
        if (page < end && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    return TES_OK;
}

// No new entry allows writing from the first step on; `cursor` says how far the present ones are
// done.
tes_status_t memory_seal(struct memory *memory)
{
    bool is_done = false;
    while (!is_done) {
        spinlock_acquire(&memory->object.lock);
        memory->is_sealed = 1;
        uint64_t page = memory->cursor;
        bool has_more = memory_has_tree(memory)
                            ? page_tree_next(&memory->pages, page, memory->size_pages, &page)
                            : page < memory->size_pages;
        if (has_more) {
            memory_clear_entries(memory, page, MEMORY_BATCH, true);
        }
        memory->cursor = has_more ? page + MEMORY_BATCH : memory->size_pages;
        is_done = memory->cursor >= memory->size_pages;
        if (is_done) {
            memory->cursor = 0; // for the release
        }
        spinlock_release(&memory->object.lock);
        if (!is_done && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    return TES_OK;
}
