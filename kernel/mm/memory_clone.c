// SPDX-License-Identifier: MIT OR Apache-2.0
// Copy-on-write clones: the child holds a share of each frame that the parent has in the range;
// entries of the parent's pages lose the right to write. What the child could come to own is
// charged before it starts (`reserve`), unless its Quota is overcommitted. Pinned and contiguous
// frames are copied at once. clone.c: stopping and going on.
#include "mm.h"

#define COPY_BATCH 8u // whole pages a step copies

static tes_status_t clone_begin(struct object *source, const struct clone_request *request,
                                struct object **out_clone)
{
    struct memory *clone = NULL;
    tes_status_t status = memory_create(request->quota, request->count, MEMORY_ANONYMOUS, &clone);
    if (status != TES_OK) {
        return status;
    }
    uint64_t present = memory_present((struct memory *)source);
    uint64_t pages = present < request->count ? present : request->count;
    if ((request->quota->flags & TES_QUOTA_CREATE_OVERCOMMIT) == 0 && pages != 0) {
        status = quota_charge_pages(request->quota, pages);
        clone->reserve = status == TES_OK ? pages : 0;
    }
    if (status != TES_OK) {
        object_destroy_later(&clone->object);
        return status;
    }
    *out_clone = &clone->object;
    return TES_OK;
}

static tes_status_t copy_some(const struct memory *memory, struct memory *clone, uint64_t end)
{
    struct page_payer payer = memory_payer(clone);
    tes_status_t status = TES_OK;
    for (uint32_t count = 0; count < COPY_BATCH && clone->cloning.next < end && status == TES_OK;
         count++) {
        uint64_t *slot = NULL;
        paddr_t frame = paddr_make(memory->base.value + (clone->cloning.next << PAGE_SHIFT));
        status = page_tree_fill(&clone->pages, &payer, clone->cloning.next - clone->cloning.first,
                                &frame, &slot);
        clone->cloning.next++;
    }
    return status;
}

// Entries lose the right to write before the lock goes.
static tes_status_t share_some(struct memory *memory, struct memory *clone, uint64_t end)
{
    struct page_payer payer = memory_payer(clone);
    uint64_t page = clone->cloning.next;
    const uint64_t *slot = page_tree_next(&memory->pages, &page, end);
    if (slot == NULL) {
        clone->cloning.next = end;
        return TES_OK;
    }
    uint64_t stop = page_leaf_end(page, end);
    tes_status_t status =
        page_tree_share(&clone->pages, &payer, page - clone->cloning.first, slot, stop - page);
    memory_clear_entries(memory, page, stop - page, true);
    clone->cloning.next = stop;
    return status;
}

static tes_status_t clone_step(struct object *source, struct object *object, bool *out_is_done)
{
    struct memory *memory = (struct memory *)source;
    struct memory *clone = (struct memory *)object;
    uint64_t end = clone->cloning.first + clone->cloning.count;
    tes_status_t status =
        memory_has_tree(memory) ? share_some(memory, clone, end) : copy_some(memory, clone, end);
    *out_is_done = clone->cloning.next >= end;
    return status;
}

tes_status_t memory_clone(struct memory *memory, struct quota *quota, uint64_t first,
                          uint64_t count, struct memory **out_clone)
{
    const struct clone_request request = { quota, first, count, clone_begin, clone_step };
    struct object *object = NULL;
    tes_status_t status = clone_make(&memory->object, &request, &object);
    if (status != TES_OK) {
        return status;
    }
    struct memory *clone = (struct memory *)object;
    if (clone->reserve != 0) {
        quota_return_pages(quota, clone->reserve);
        clone->reserve = 0;
    }
    *out_clone = clone;
    return TES_OK;
}
