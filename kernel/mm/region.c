// SPDX-License-Identifier: MIT OR Apache-2.0
// Regions of a Space: a tree ordered by address, without overlaps. Here: finding, inserting,
// cutting and removing them. What a range shows goes in batches; a long unmap moves the region's
// start forward, so that it can be repeated. region_pages.c: entries and pages.
#include "mm.h"

#include <kernel/sched.h>

#define TABLE_SPAN (1ull << 21) // what a page table of the last level covers

static struct region *region_of(struct tree_node *node)
{
    return container_of(node, struct region, node);
}

static bool region_less(const struct tree_node *a, const struct tree_node *b)
{
    return container_of_const(a, struct region, node)->start <
           container_of_const(b, struct region, node)->start;
}

struct region *region_find(const struct space *space, uint64_t address)
{
    struct region *found = NULL;
    struct tree_node *node = space->regions.root;
    while (node != NULL) {
        struct region *region = region_of(node);
        if (address < region->end) {
            found = region;
            node = address >= region->start ? NULL : node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

struct region *region_before(const struct space *space, uint64_t address)
{
    struct region *found = NULL;
    struct tree_node *node = space->regions.root;
    while (node != NULL) {
        struct region *region = region_of(node);
        found = region->end <= address ? region : found;
        node = region->end <= address ? node->right : node->left;
    }
    return found;
}

struct region *region_next(const struct region *region)
{
    struct tree_node *node = tree_next(&region->node);
    return node == NULL ? NULL : region_of(node);
}

tes_status_t region_allocate(struct space *space, struct region **out_region)
{
    tes_status_t status = quota_charge_objects(space->object.quota, 1);
    if (status != TES_OK) {
        return status;
    }
    void *memory = NULL;
    status = slab_allocate(sizeof(struct region), &memory);
    if (status != TES_OK) {
        quota_return_objects(space->object.quota, 1);
        return status;
    }
    struct region *region = memory;
    region->space = space;
    list_init(&region->memory_link);
    *out_region = region;
    return TES_OK;
}

static void reserve_return(struct region *region, uint64_t pages)
{
    pages = pages < region->reserve ? pages : region->reserve;
    if (pages != 0) {
        region->reserve -= pages;
        quota_return_pages(region->space->object.quota, pages);
    }
}

void region_free(struct region *region)
{
    ASSERT(region->own == NULL);
    reserve_return(region, region->reserve);
    quota_return_objects(region->space->object.quota, 1);
    slab_free(region, sizeof(*region));
}

struct memory *region_memory_lock(struct region *region)
{
    for (;;) {
        // Pairs with region_detach_locked. The Memory stays allocated until this core leaves the
        // kernel.
        struct memory *memory = atomic_load_pointer(&region->memory, ATOMIC_ACQUIRE);
        if (memory == NULL) {
            return NULL;
        }
        spinlock_acquire(&memory->object.lock);
        if (region->memory == memory) {
            return memory;
        }
        spinlock_release(&memory->object.lock);
    }
}

tes_status_t region_reserve(struct region *region, const struct memory *memory)
{
    struct space *space = region->space;
    if (memory == NULL || memory->object.quota == space->object.quota ||
        (space->flags & TES_SPACE_CREATE_BUS_FAULTS) != 0) {
        return TES_OK;
    }
    uint64_t pages = page_tree_bound((region->end - region->start) >> PAGE_SHIFT);
    for (uint32_t shift = 21; shift <= 39; shift += 9) { // tables of each level
        pages += ((region->end - 1) >> shift) - (region->start >> shift) + 1;
    }
    tes_status_t status = quota_charge_pages(space->object.quota, pages);
    region->reserve = status == TES_OK ? pages : 0;
    return status;
}

void region_insert(struct region *region, struct memory *memory)
{
    if (memory != NULL) {
        spinlock_acquire(&memory->object.lock);
        if (object_is_live(&memory->object) && session_is_live(region->session, region->epoch)) {
            region->memory = memory;
            list_append(&memory->regions, &region->memory_link);
        } else {
            region->is_revoked = 1;
        }
        spinlock_release(&memory->object.lock);
    }
    region->space->region_count++;
    tree_insert(&region->space->regions, &region->node, region_less);
}

void region_copy_shape(struct region *region, const struct region *from, uint64_t start)
{
    region->start = start;
    region->end = from->end;
    region->offset = from->offset + (start - from->start);
    region->access = from->access;
    region->access_max = from->access_max;
    region->is_private = from->is_private;
    region->is_revoked = from->is_revoked;
    region->session = from->session;
    region->epoch = from->epoch;
}

void region_cut(struct region *region, uint64_t address, struct region *upper)
{
    ASSERT(address > region->start && address < region->end);
    struct memory *memory = region_memory_lock(region);
    uint64_t reserve = (region->end - address) >> PAGE_SHIFT;
    region_copy_shape(upper, region, address);
    upper->memory = memory;
    upper->own = region->own;
    upper->reserve = reserve < region->reserve ? reserve : region->reserve;
    region->end = address;
    region->reserve -= upper->reserve;
    if (region->own != NULL) {
        region->own->users++;
    }
    if (memory != NULL) {
        list_append(&memory->regions, &upper->memory_link);
    }
    memory_unlock(memory);
    region->space->region_count++;
    tree_insert(&region->space->regions, &upper->node, region_less);
}

// What is cut off at the front or at the back shows nothing any more.
static void region_trim(struct region *region, uint64_t start, uint64_t end)
{
    struct memory *memory = region_memory_lock(region);
    uint64_t size = (region->end - region->start) - (end - start);
    region->offset += start - region->start;
    region->start = start;
    region->end = end;
    memory_unlock(memory);
    reserve_return(region, size >> PAGE_SHIFT);
}

// The region shows nothing any more. RESTART: nodes of its tree are left.
static tes_status_t region_remove(struct region *region, bool may_stop)
{
    struct space *space = region->space;
    struct own_pages *own = region->own;
    while (own != NULL && own->users == 1 && !page_tree_release(&own->tree, space->object.quota)) {
        if (may_stop && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    if (own != NULL && --own->users == 0) {
        slab_free(own, sizeof(*own));
    }
    region->own = NULL;
    struct memory *memory = region_memory_lock(region);
    if (memory != NULL) {
        list_remove(&region->memory_link);
        region->memory = NULL;
        memory_unlock(memory);
    }
    if (region->start < space->map_hint) {
        space->map_hint = region->start > space->map_base ? region->start : space->map_base;
    }
    space->region_count--;
    tree_remove(&space->regions, &region->node);
    region_free(region);
    return TES_OK;
}

static tes_status_t clear_front(struct region *region, uint64_t end, bool may_stop)
{
    uint64_t at = region->start;
    while (at < end) {
        at = region_clear_some(region, at, end);
        if (at < end && may_stop && sched_should_preempt()) {
            region_trim(region, at, region->end);
            return TES_ERROR_RESTART;
        }
    }
    if (end == region->end) {
        return region_remove(region, may_stop);
    }
    region_trim(region, end, region->end);
    return TES_OK;
}

static tes_status_t clear_back(struct region *region, uint64_t start, bool may_stop)
{
    uint64_t at = start;
    while (at < region->end) {
        at = region_clear_some(region, at, region->end);
        if (at < region->end && may_stop && sched_should_preempt()) {
            return TES_ERROR_RESTART; // what was cleared is passed over then
        }
    }
    region_trim(region, region->start, start);
    return TES_OK;
}

tes_status_t space_clear_locked(struct space *space, uint64_t start, uint64_t end, bool may_stop)
{
    tes_status_t status = TES_OK;
    bool is_large = false;
    struct region *region = region_find(space, start);
    while (status == TES_OK && region != NULL && region->start < end) {
        uint64_t to = end < region->end ? end : region->end;
        uint64_t from = start > region->start ? start : region->start;
        is_large = is_large || (from ^ (to - 1)) >= TABLE_SPAN;
        if (from > region->start && to < region->end) {
            struct region *upper = NULL;
            status = region_allocate(space, &upper);
            if (status != TES_OK) {
                return status;
            }
            region_cut(region, to, upper);
        }
        status = from > region->start ? clear_back(region, from, may_stop)
                                      : clear_front(region, to, may_stop);
        region = region_find(space, to);
        if (status == TES_OK && region != NULL && region->start < end && may_stop &&
            sched_should_preempt()) {
            status = TES_ERROR_RESTART;
        }
    }
    if (is_large) {
        space_free_tables(space, start, end);
    }
    return status;
}
