// SPDX-License-Identifier: MIT OR Apache-2.0
// Pages of a Memory: getting one for reading or writing, clearing its entries in every Space,
// filling, discarding, sealing. All under the Memory's lock; ranges in batches, restartable because
// what is done can be seen in the tree.
#include "mm.h"

#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/sched.h>

void memory_clear_entries(struct memory *memory, uint64_t first, uint64_t count,
                          bool is_protect_only)
{
    uint64_t from = first << PAGE_SHIFT;
    uint64_t to = (first + count) << PAGE_SHIFT;
    list_for_each (node, &memory->regions) {
        const struct region *region = container_of(node, struct region, memory_link);
        uint64_t offset = region->offset;
        uint64_t last = offset + (region->end - region->start);
        if (from >= last || to <= offset ||
            (is_protect_only && (region->is_private || (region->access & REGION_WRITE) == 0))) {
            continue;
        }
        uint64_t at = region->start + (from > offset ? from - offset : 0);
        uint64_t stop = region->start + ((to < last ? to : last) - offset);
        while (at < stop) {
            at = region_entries_lower(region, at, stop, is_protect_only);
        }
    }
}

// The slot holds a frame: makes it the Memory's alone, for writing.
static tes_status_t page_own(struct memory *memory, uint64_t page, uint64_t *slot)
{
    struct page_payer payer = memory_payer(memory);
    paddr_t old = entry_frame(*slot);
    bool is_new = false;
    tes_status_t status = page_tree_own(&payer, slot, &is_new);
    if (status == TES_OK && is_new) {
        memory_clear_entries(memory, page, 1, false);
        frame_put(old);
        counter_add(TES_COUNTER_FAULTS_COPY, 1);
    }
    return status;
}

static tes_status_t page_fill(struct memory *memory, uint64_t page, uint64_t **slot)
{
    struct page_payer payer = memory_payer(memory);
    tes_status_t status = page_tree_fill(&memory->pages, &payer, page, NULL, slot);
    if (status == TES_OK) {
        counter_add(TES_COUNTER_FAULTS_ANONYMOUS, 1);
    }
    return status;
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
    } else if (is_write && ((*slot & ENTRY_UNPAID) != 0 || frame_shares(entry_frame(*slot)) != 1)) {
        status = page_own(memory, page, slot);
    }
    if (status != TES_OK) {
        return status;
    }
    *out_frame = entry_frame(*slot);
    *out_is_writable = is_write || (!memory->is_sealed && (*slot & ENTRY_UNPAID) == 0 &&
                                    frame_shares(*out_frame) == 1);
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

// The pages of one leaf from *page on, under one lock.
static tes_status_t commit_some(struct memory *memory, uint64_t *page, uint64_t end)
{
    tes_status_t status = TES_OK;
    spinlock_acquire(&memory->object.lock);
    if (!object_is_live(&memory->object)) {
        status = TES_ERROR_REVOKED;
    }
    uint64_t *slot = page_tree_find(&memory->pages, *page);
    for (uint64_t stop = page_leaf_end(*page, end); *page < stop && status == TES_OK; ++*page) {
        if (slot == NULL || *slot == 0) {
            status = page_fill(memory, *page, &slot);
        } else if ((*slot & ENTRY_UNPAID) != 0) {
            status = page_own(memory, *page, slot);
        }
        slot = slot == NULL ? NULL : slot + 1;
    }
    spinlock_release(&memory->object.lock);
    return status;
}

tes_status_t memory_commit(struct memory *memory, uint64_t first, uint64_t count)
{
    uint64_t page = first;
    for (;;) {
        tes_status_t status = commit_some(memory, &page, first + count);
        if (status != TES_OK || page == first + count) {
            return status;
        }
        if (sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
}

tes_status_t memory_discard(struct memory *memory, uint64_t first, uint64_t count)
{
    uint64_t page = first;
    for (uint64_t end = first + count;;) {
        spinlock_acquire(&memory->object.lock);
        if (page_tree_next(&memory->pages, &page, end) != NULL) {
            memory_clear_entries(memory, page, page_leaf_end(page, end) - page, false);
            page = page_tree_drop_some(&memory->pages, memory->object.quota, page, end);
        }
        spinlock_release(&memory->object.lock);
        if (page >= end) {
            return TES_OK;
        }
        if (sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
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
                            ? page_tree_next(&memory->pages, &page, memory->size_pages) != NULL
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
