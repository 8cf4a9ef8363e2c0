// SPDX-License-Identifier: MIT OR Apache-2.0
// Copy-on-write clones: the child holds a share of each frame that the parent has in the range;
// entries of the parent's pages lose the right to write. What the child could come to own is
// charged before it starts (`reserve`), unless its Quota is overcommitted. A preempted clone stays
// with its parent (`clone`) until the same thread goes on with it. Pinned and contiguous frames are
// copied at once.
#include "mm.h"

#include <kernel/sched.h>

static tes_status_t clone_begin(struct memory *memory, const struct memory_clone_request *request,
                                struct memory **out_clone)
{
    struct memory *clone = NULL;
    tes_status_t status = memory_create(request->quota, request->count, MEMORY_ANONYMOUS, &clone);
    if (status != TES_OK) {
        return status;
    }
    uint64_t present = memory_present(memory);
    uint64_t pages = present < request->count ? present : request->count;
    if ((request->quota->flags & TES_QUOTA_CREATE_OVERCOMMIT) == 0 && pages != 0) {
        status = quota_charge_pages(request->quota, pages);
        clone->reserve = status == TES_OK ? pages : 0;
    }
    if (status != TES_OK) {
        object_destroy_later(&clone->object);
        return status;
    }
    clone->clone_next = request->first;
    clone->clone_first = request->first;
    clone->cloner = current_thread();
    *out_clone = clone;
    return TES_OK;
}

static tes_status_t share_page(struct memory *memory, struct memory *clone, uint64_t page)
{
    struct page_payer payer = { .quota = clone->object.quota, .reserve = &clone->reserve };
    if (!memory_has_tree(memory)) {
        uint64_t frame = memory->base.value + (page << PAGE_SHIFT);
        return page_tree_share(&clone->pages, &payer, page - clone->clone_first, frame, true);
    }
    uint64_t entry = *page_tree_find(&memory->pages, page);
    if ((entry & ENTRY_FAILED) != 0) {
        return TES_OK;
    }
    return page_tree_share(&clone->pages, &payer, page - clone->clone_first, entry, false);
}

// One batch; both locks are held. Entries lose the right to write before the lock goes.
static tes_status_t clone_step_locked(struct memory *memory, struct memory *clone, uint64_t end)
{
    tes_status_t status = TES_OK;
    uint64_t page = clone->clone_next;
    if (memory_has_tree(memory) && !page_tree_next(&memory->pages, page, end, &page)) {
        page = end;
    }
    uint64_t first = page;
    uint64_t stop = page + MEMORY_BATCH < end ? page + MEMORY_BATCH : end;
    while (page < stop && status == TES_OK) {
        status = share_page(memory, clone, page);
        page++;
        if (memory_has_tree(memory) && !page_tree_next(&memory->pages, page, stop, &page)) {
            page = stop;
        }
    }
    if (memory_has_tree(memory) && stop != first) {
        memory_clear_entries(memory, first, stop - first, true);
    }
    clone->clone_next = stop;
    return status;
}

static tes_status_t clone_step(struct memory *memory, struct memory *clone, uint64_t end)
{
    spinlock_acquire(&memory->object.lock);
    spinlock_acquire(&clone->object.lock); // parent before child
    tes_status_t status = TES_ERROR_REVOKED;
    if (object_is_live(&memory->object) && object_is_live(&clone->object)) {
        status = clone_step_locked(memory, clone, end);
    }
    spinlock_release(&clone->object.lock);
    spinlock_release(&memory->object.lock);
    return status;
}

// Takes up what this thread began with the same arguments, or begins. *out_is_kept: its parent can
// keep it.
static tes_status_t clone_resume(struct memory *memory, const struct memory_clone_request *request,
                                 struct memory **out_clone)
{
    spinlock_acquire(&memory->object.lock);
    struct memory *clone = memory->clone;
    bool is_mine = clone != NULL && clone->cloner == current_thread() &&
                   clone->clone_first == request->first && clone->size_pages == request->count &&
                   clone->object.quota == request->quota;
    if (is_mine) {
        memory->clone = NULL;
        clone->clone_of = NULL;
    }
    spinlock_release(&memory->object.lock);
    if (is_mine) {
        *out_clone = clone;
        return TES_OK;
    }
    return clone_begin(memory, request, out_clone);
}

// False: another thread's clone is kept there; this one goes on without stopping.
static bool clone_keep(struct memory *memory, struct memory *clone)
{
    struct memory *stale = NULL;
    spinlock_acquire(&memory->object.lock);
    bool is_kept = object_is_live(&memory->object) && object_is_live(&clone->object);
    if (is_kept && memory->clone != NULL && memory->clone->cloner == clone->cloner) {
        stale = memory->clone; // begun with other arguments and given up
        stale->clone_of = NULL;
        memory->clone = NULL;
    }
    is_kept = is_kept && memory->clone == NULL;
    if (is_kept) {
        memory->clone = clone;
        clone->clone_of = memory;
    }
    spinlock_release(&memory->object.lock);
    if (stale != NULL) {
        object_destroy_later(&stale->object);
    }
    return is_kept;
}

tes_status_t memory_clone(struct memory *memory, const struct memory_clone_request *request,
                          struct memory **out_clone)
{
    struct memory *clone = NULL;
    uint64_t end = request->first + request->count;
    tes_status_t status = clone_resume(memory, request, &clone);
    if (status != TES_OK) {
        return status;
    }
    while (status == TES_OK && clone->clone_next < end) {
        status = clone_step(memory, clone, end);
        if (status == TES_OK && clone->clone_next < end && sched_should_preempt() &&
            clone_keep(memory, clone)) {
            return TES_ERROR_RESTART;
        }
    }
    if (status != TES_OK) {
        object_destroy_later(&clone->object);
        return status;
    }
    uint64_t left = clone->reserve;
    clone->reserve = 0;
    clone->cloner = NULL;
    if (left != 0) {
        quota_return_pages(request->quota, left);
    }
    *out_clone = clone;
    return TES_OK;
}
