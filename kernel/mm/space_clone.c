// SPDX-License-Identifier: MIT OR Apache-2.0
// fork: a new guest Space with the regions of another. Regions that show a Memory show the same
// one; pages of regions' own (private mappings) are shared copy-on-write, and the source's entries
// for them lose the right to write before its lock is released. Works through the addresses
// upwards: other threads may change what is below or above meanwhile. A preempted clone stays with
// its source (`clone`) until the same thread goes on with it.
#include "mm.h"

#include <kernel/process.h>
#include <kernel/sched.h>

// A copy of the region, without its pages.
static tes_status_t region_copy(struct region *region, struct space *clone,
                                struct region **out_copy)
{
    struct region *copy = NULL;
    tes_status_t status = region_allocate(clone, &copy);
    if (status != TES_OK) {
        return status;
    }
    struct memory *memory = region_memory_lock(region);
    if (memory != NULL) {
        spinlock_release(
            &memory->object.lock); // it stays allocated; region_insert looks whether it is alive
    }
    copy->start = region->start;
    copy->end = region->end;
    copy->offset = region->offset;
    copy->access = region->access;
    copy->access_max = region->access_max;
    copy->is_private = region->is_private;
    copy->is_revoked = region->is_revoked;
    copy->session = region->session;
    copy->epoch = region->epoch;
    status = region_reserve(copy, memory);
    if (status == TES_OK && region->own != NULL) {
        status = region_own_pages(copy, region->own->base, region->own->tree.size_pages);
    }
    if (status != TES_OK) {
        region_free(copy);
        return status;
    }
    region_insert(copy, memory);
    *out_copy = copy;
    return TES_OK;
}

// Shares a batch of own pages from `from` on; *out_next: where it stopped.
static tes_status_t share_some(struct region *region, struct region *copy, uint64_t from,
                               uint64_t *out_next)
{
    struct own_pages *own = region->own;
    struct page_payer payer = region_payer(copy);
    struct tlb_batch batch = { .space = region->space };
    uint64_t page = (from - own->base) >> PAGE_SHIFT;
    uint64_t end = (region->end - own->base) >> PAGE_SHIFT;
    uint32_t flags = region_entry_flags(region, NULL, false);
    tes_status_t status = TES_OK;
    uint32_t count = 0;
    struct memory *memory = region_memory_lock(region);
    for (; count < MEMORY_BATCH && status == TES_OK && page_tree_next(&own->tree, page, end, &page);
         count++, page++) {
        status = page_tree_share(&copy->own->tree, &payer, page, *page_tree_find(&own->tree, page),
                                 false);
        uint64_t address = own->base + (page << PAGE_SHIFT);
        if ((region->access & REGION_WRITE) != 0 &&
            mmu_protect(region->space->root, address, flags)) {
            tlb_batch_add(&batch, address);
        }
    }
    tlb_flush(&batch);
    if (memory != NULL) {
        spinlock_release(&memory->object.lock);
    }
    *out_next = count == MEMORY_BATCH ? own->base + (page << PAGE_SHIFT) : region->end;
    return status;
}

// One region, or a batch of its pages, at or above clone->clone_next. *out_done: there was none.
static tes_status_t clone_step_locked(struct space *space, struct space *clone, bool *out_done)
{
    struct region *region = region_find(space, clone->clone_next);
    *out_done = region == NULL;
    if (region == NULL) {
        return TES_OK;
    }
    uint64_t from = region->start > clone->clone_next ? region->start : clone->clone_next;
    struct region *copy = region_find(clone, from);
    tes_status_t status = TES_OK;
    if (copy == NULL) { // the clone is filled upwards: nothing of it is above
        status = region_copy(region, clone, &copy);
    } else if (copy->start != region->start || copy->own == NULL || region->own == NULL ||
               copy->own->base != region->own->base || copy->end < region->end) {
        clone->clone_next =
            copy->end; // the source was changed under a half-copied region: its upper part is zeros
        return TES_OK;
    }
    if (status != TES_OK) {
        return status;
    }
    uint64_t next = region->end;
    if (region->own != NULL) {
        status = share_some(region, copy, from, &next);
    }
    clone->clone_next = next;
    return status;
}

static tes_status_t clone_step(struct space *space, struct space *clone, bool *out_done)
{
    spinlock_acquire(&space->object.lock);
    spinlock_acquire(&clone->object.lock); // source before clone
    tes_status_t status = TES_ERROR_REVOKED;
    if (object_is_live(&space->object) && object_is_live(&clone->object)) {
        status = clone_step_locked(space, clone, out_done);
    }
    spinlock_release(&clone->object.lock);
    spinlock_release(&space->object.lock);
    return status;
}

static tes_status_t clone_resume(struct space *space, struct quota *quota, struct space **out_clone)
{
    spinlock_acquire(&space->object.lock);
    struct space *clone = space->clone;
    bool is_mine =
        clone != NULL && clone->cloner == current_thread() && clone->object.quota == quota;
    if (is_mine) {
        space->clone = NULL;
        clone->clone_of = NULL;
    }
    spinlock_release(&space->object.lock);
    if (is_mine) {
        *out_clone = clone;
        return TES_OK;
    }
    tes_status_t status = space_create_root(space->process, quota, true, &clone);
    if (status == TES_OK) {
        clone->flags = space->flags;
        clone->map_base = space->map_base;
        clone->map_hint = space->map_hint;
        clone->cloner = current_thread();
        *out_clone = clone;
    }
    return status;
}

// False: another thread's clone is kept there; this one goes on without stopping.
static bool clone_keep(struct space *space, struct space *clone)
{
    spinlock_acquire(&space->object.lock);
    bool is_kept =
        space->clone == NULL && object_is_live(&space->object) && object_is_live(&clone->object);
    if (is_kept) {
        space->clone = clone;
        clone->clone_of = space;
    }
    spinlock_release(&space->object.lock);
    return is_kept;
}

tes_status_t space_clone(struct space *space, struct quota *quota, struct space **out_clone)
{
    struct space *clone = NULL;
    tes_status_t status = clone_resume(space, quota, &clone);
    bool is_done = false;
    while (status == TES_OK && !is_done) {
        status = clone_step(space, clone, &is_done);
        if (status == TES_OK && !is_done && sched_should_preempt() && clone_keep(space, clone)) {
            return TES_ERROR_RESTART;
        }
    }
    if (status == TES_OK) {
        clone->cloner = NULL;
        *out_clone = clone;
    } else if (clone != NULL) {
        object_destroy_later(&clone->object);
    }
    return status;
}
