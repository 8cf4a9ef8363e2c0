// SPDX-License-Identifier: MIT OR Apache-2.0
// fork: a new guest Space with the regions of another. Regions that show a Memory show the same
// one; pages of regions' own (private mappings) are shared copy-on-write, and the source's entries
// for them lose the right to write before its lock is released. Works through the addresses
// upwards: other threads may change what is below or above meanwhile. clone.c: stopping and going
// on.
#include "mm.h"

#include <kernel/process.h>

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
    memory_unlock(memory); // it stays allocated; region_insert looks whether it is alive
    region_copy_shape(copy, region, region->start);
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

// Shares the pages of one leaf from clone->cloning.next on, and moves that on.
static tes_status_t share_some(struct region *region, struct region *copy, uint64_t *next)
{
    struct own_pages *own = region->own;
    struct page_payer payer = region_payer(copy);
    uint64_t page = (*next - own->base) >> PAGE_SHIFT;
    uint64_t end = (region->end - own->base) >> PAGE_SHIFT;
    const uint64_t *slot = page_tree_next(&own->tree, &page, end);
    if (slot == NULL) {
        *next = region->end;
        return TES_OK;
    }
    uint64_t stop = page_leaf_end(page, end);
    tes_status_t status = page_tree_share(&copy->own->tree, &payer, page, slot, stop - page);
    *next = own->base + (stop << PAGE_SHIFT);
    if ((region->access & REGION_WRITE) != 0) {
        struct memory *memory = region_memory_lock(region);
        region_entries_lower(region, own->base + (page << PAGE_SHIFT), *next, true);
        memory_unlock(memory);
    }
    return status;
}

// One region, or a leaf of its pages, at or above clone->cloning.next.
static tes_status_t clone_step(struct object *source, struct object *object, bool *out_is_done)
{
    struct space *clone = (struct space *)object;
    uint64_t *next = &clone->cloning.next;
    struct region *region = region_find((struct space *)source, *next);
    *out_is_done = region == NULL;
    if (region == NULL) {
        return TES_OK;
    }
    *next = region->start > *next ? region->start : *next;
    struct region *copy = region_find(clone, *next);
    tes_status_t status = TES_OK;
    if (copy == NULL) { // the clone is filled upwards: nothing of it is above
        status = region_copy(region, clone, &copy);
    } else if (copy->start != region->start || copy->own == NULL || region->own == NULL ||
               copy->own->base != region->own->base || copy->end < region->end) {
        *next = copy->end; // the source was changed under a half-copied region: its upper part is
                           // zeros
        return TES_OK;
    }
    if (status == TES_OK && region->own != NULL) {
        return share_some(region, copy, next);
    }
    *next = region->end;
    return status;
}

static tes_status_t clone_begin(struct object *source, const struct clone_request *request,
                                struct object **out_clone)
{
    const struct space *space = (struct space *)source;
    struct space *clone = NULL;
    tes_status_t status = space_create_root(space->process, request->quota, true, &clone);
    if (status == TES_OK) {
        clone->flags = space->flags;
        clone->map_base = space->map_base;
        clone->map_hint = space->map_hint;
        *out_clone = &clone->object;
    }
    return status;
}

tes_status_t space_clone(struct space *space, struct quota *quota, struct space **out_clone)
{
    const struct clone_request request = { quota, 0, 0, clone_begin, clone_step };
    struct object *clone = NULL;
    tes_status_t status = clone_make(&space->object, &request, &clone);
    *out_clone = (struct space *)clone;
    return status;
}
