// SPDX-License-Identifier: MIT OR Apache-2.0
// Mapping and protecting ranges of a Space. Everything is checked and paid before the first change.
// The kernel's choice of an address is the first gap above the Space's random base, so that
// mappings share page tables.
#include "mm.h"

#include <kernel/sched.h>

#define PROTECT_IN_PLACE_MAX                                                                       \
    (512 * PAGE_SIZE) // more than that loses its entries, so that it can stop and go on

static bool gap_search(const struct space *space, uint64_t from, uint64_t limit, uint64_t size,
                       uint64_t *out_address)
{
    for (const struct region *region = region_find(space, from); region != NULL;
         region = region_next(region)) {
        if (region->start > from && region->start - from >= size) {
            break;
        }
        from = region->end > from ? region->end : from;
    }
    if (from >= limit || limit - from < size) {
        return false;
    }
    *out_address = from;
    return true;
}

static tes_status_t address_choose(struct space *space, uint64_t size, uint64_t *out_address)
{
    if (gap_search(space, space->map_hint, space_limit(space), size, out_address)) {
        if (*out_address == space->map_hint) {
            space->map_hint += size;
        }
        return TES_OK;
    }
    uint64_t lowest = space->is_guest ? TES_USER_BASE : TES_PERSONALITY_BASE;
    return gap_search(space, lowest, space_limit(space), size, out_address) ? TES_OK
                                                                            : TES_ERROR_NO_MEMORY;
}

// Best effort: what an interrupt leaves undone is entered when touched. NO_MEMORY is the mapping's
// failure.
static tes_status_t populate(struct region *region)
{
    uint32_t access = (region->access & REGION_WRITE) != 0 ? REGION_WRITE
                                                           : region->access & (0u - region->access);
    uint32_t count = 0;
    tes_status_t status = TES_OK;
    for (uint64_t address = region->start; address < region->end && status == TES_OK;
         address += PAGE_SIZE) {
        status = region_enter(region, address, access, NULL);
        if (++count % PREEMPT_BATCH == 0 && sched_should_preempt()) {
            break;
        }
    }
    return status == TES_ERROR_NO_MEMORY ? status : TES_OK;
}

static void region_fill(struct region *region, const struct space_mapping *mapping,
                        uint64_t address)
{
    region->start = address;
    region->end = address + mapping->size;
    region->offset = mapping->offset;
    region->access = mapping->flags & (REGION_READ | REGION_WRITE | REGION_EXECUTE);
    region->access_max = (uint8_t)mapping->access_max;
    region->is_private = (mapping->flags & TES_SPACE_MAP_PRIVATE) != 0;
    region->session = mapping->session;
    region->epoch = mapping->epoch;
}

// Pays for a region of the mapping at an address that is free, or will be once it was replaced. Not
// inserted yet.
static tes_status_t region_prepare(struct space *space, const struct space_mapping *mapping,
                                   struct region **out_region)
{
    uint64_t address = mapping->address;
    struct region *region = NULL;
    tes_status_t status = region_allocate(space, &region);
    if (status != TES_OK) {
        return status;
    }
    if (address == 0) {
        status = address_choose(space, mapping->size, &address);
    }
    if (status == TES_OK) {
        region_fill(region, mapping, address);
        status = region_reserve(region, mapping->memory);
    }
    if (status != TES_OK) {
        region_free(region);
        return status;
    }
    *out_region = region;
    return TES_OK;
}

static bool is_in_use(const struct space *space, uint64_t address, uint64_t size)
{
    const struct region *next = address == 0 ? NULL : region_find(space, address);
    return next != NULL && next->start < address + size;
}

static tes_status_t populate_or_remove(struct region *region)
{
    tes_status_t status = populate(region);
    if (status == TES_OK) {
        return TES_OK;
    }
    // Removing a whole region cannot fail.
    tes_status_t undone = space_clear_locked(region->space, region->start, region->end, false);
    ASSERT(undone == TES_OK);
    return status;
}

tes_status_t space_map_locked(struct space *space, const struct space_mapping *mapping,
                              uint64_t *out_address)
{
    bool is_used = is_in_use(space, mapping->address, mapping->size);
    if (is_used && (mapping->flags & TES_SPACE_MAP_REPLACE) == 0) {
        return TES_ERROR_OVERLAP;
    }
    struct region *region = NULL;
    tes_status_t status = region_prepare(space, mapping, &region);
    if (status == TES_OK && is_used) {
        status = space_clear_locked(space, region->start, region->end, true);
        if (status != TES_OK) {
            region_free(region);
        }
    }
    if (status != TES_OK) {
        return status;
    }
    uint64_t address = region->start;
    region_insert(region, mapping->memory);
    if ((mapping->flags & TES_SPACE_MAP_POPULATE) != 0) {
        status = populate_or_remove(region);
        if (status != TES_OK) {
            return status;
        }
    }
    *out_address = address;
    return TES_OK;
}

// Protect:

static tes_status_t protect_check_region(struct region *region, uint32_t access)
{
    const struct space *space = region->space;
    if ((access & ~(uint32_t)region->access_max) != 0) {
        return TES_ERROR_NO_RIGHT;
    }
    struct memory *memory = region_memory_lock(region);
    bool is_sealed = memory != NULL && memory->is_sealed;
    memory_unlock(memory);
    if ((access & REGION_WRITE) != 0 && is_sealed && !region->is_private) {
        return TES_ERROR_SEALED;
    }
    bool is_new_code = (access & ~(uint32_t)region->access & REGION_EXECUTE) != 0;
    return is_new_code && !space->is_guest && !is_sealed ? TES_ERROR_NO_RIGHT : TES_OK;
}

static tes_status_t protect_check(const struct space *space, uint64_t start, uint64_t end,
                                  uint32_t access)
{
    uint64_t at = start;
    for (struct region *region = region_find(space, start); at < end;
         region = region_next(region)) {
        if (region == NULL || region->start > at) {
            return TES_ERROR_NOT_FOUND;
        }
        tes_status_t status = protect_check_region(region, access);
        if (status != TES_OK) {
            return status;
        }
        at = region->end;
    }
    return TES_OK;
}

// Gives the whole region the access. RESTART: some entries with more are left, and the old access.
static tes_status_t region_protect(struct region *region, uint32_t access)
{
    uint8_t old = region->access;
    bool is_lower = (old & ~access) != 0;
    bool is_kept = access != 0 && (old & ~access) == REGION_WRITE &&
                   region->end - region->start <= PROTECT_IN_PLACE_MAX;
    bool is_stopped = false;
    uint64_t at = region->start;
    struct memory *memory = region_memory_lock(region);
    region->access = (uint8_t)access;
    while (is_lower && at < region->end && !is_stopped) {
        at = region_entries_lower(region, at, region->end, is_kept);
        is_stopped = at < region->end && !is_kept && sched_should_preempt();
    }
    region->access = is_stopped ? old : (uint8_t)access;
    memory_unlock(memory);
    return is_stopped ? TES_ERROR_RESTART : TES_OK;
}

// Cuts so that regions begin and end at start and end; pays for both cuts first.
static tes_status_t protect_cut(struct space *space, uint64_t start, uint64_t end)
{
    struct region *first = region_find(space, start);
    struct region *last = region_find(space, end - 1);
    struct region *upper_first = NULL;
    struct region *upper_last = NULL;
    tes_status_t status = first->start < start ? region_allocate(space, &upper_first) : TES_OK;
    if (status == TES_OK && last->end > end) {
        status = region_allocate(space, &upper_last);
    }
    if (status != TES_OK) {
        if (upper_first != NULL) {
            region_free(upper_first);
        }
        return status;
    }
    if (upper_last != NULL) {
        region_cut(last, end, upper_last);
    }
    if (upper_first != NULL) {
        region_cut(first, start, upper_first);
    }
    return TES_OK;
}

tes_status_t space_protect_locked(struct space *space, uint64_t start, uint64_t end,
                                  uint32_t access)
{
    tes_status_t status = protect_check(space, start, end, access);
    if (status == TES_OK) {
        status = protect_cut(space, start, end);
    }
    if (status != TES_OK) {
        return status;
    }
    struct region *region = region_find(space, start);
    while (status == TES_OK && region != NULL && region->start < end) {
        status = region_protect(region, access);
        region = region_next(region);
    }
    return status;
}
