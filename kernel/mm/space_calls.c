// SPDX-License-Identifier: MIT OR Apache-2.0
// The space_* kernel calls: rights and ranges, then the work of space_map.c, region.c and
// space_clone.c under the Space's lock. Native Spaces never have a page that is writable and
// executable, and execute sealed Memories only.
#include "mm.h"

#include <abi/info.h>
#include <kernel/process.h>
#include <kernel_calls.h>
#include <rt/checked.h>

#define ACCESS_ALL (REGION_READ | REGION_WRITE | REGION_EXECUTE)
// Flags of the calls are used as enum region_access.
static_assert(TES_SPACE_MAP_READ == REGION_READ, "access flags");
static_assert(TES_SPACE_MAP_WRITE == REGION_WRITE, "access flags");
static_assert(TES_SPACE_MAP_EXECUTE == REGION_EXECUTE, "access flags");
static_assert(TES_SPACE_PROTECT_EXECUTE == REGION_EXECUTE, "access flags");

static tes_status_t check_range(const struct space *space, uint64_t address, uint64_t size)
{
    if (size == 0 || !is_page_aligned(address) || !is_page_aligned(size)) {
        return TES_ERROR_INVALID;
    }
    return address >= space_lowest(space) && range_is_inside(address, size, space_limit(space))
               ? TES_OK
               : TES_ERROR_OUT_OF_RANGE;
}

static bool is_write_execute(const struct space *space, uint64_t access)
{
    const uint64_t both = REGION_WRITE | REGION_EXECUTE;
    bool is_allowed = space->is_guest && (space->flags & TES_SPACE_CREATE_ALLOW_WX) != 0;
    return (access & both) == both && !is_allowed;
}

static tes_status_t check_arguments(const struct space *space, const struct space_mapping *mapping)
{
    bool is_reserve = (mapping->flags & TES_SPACE_MAP_RESERVE) != 0;
    bool is_private = (mapping->flags & TES_SPACE_MAP_PRIVATE) != 0;
    bool has_access = (mapping->flags & ACCESS_ALL) != 0;
    if (is_reserve ? mapping->memory != NULL || has_access || is_private
                   : mapping->memory == NULL && !is_private) {
        return TES_ERROR_INVALID;
    }
    if ((!is_reserve && !has_access) || is_write_execute(space, mapping->flags) ||
        !is_page_aligned(mapping->offset) || mapping->size == 0 ||
        !is_page_aligned(mapping->size) || !is_page_aligned(mapping->address)) {
        return TES_ERROR_INVALID;
    }
    if (mapping->address == 0) {
        bool is_replace = (mapping->flags & TES_SPACE_MAP_REPLACE) != 0;
        return is_replace                         ? TES_ERROR_INVALID
               : mapping->size <= MEMORY_SIZE_MAX ? TES_OK
                                                  : TES_ERROR_OUT_OF_RANGE;
    }
    return check_range(space, mapping->address, mapping->size);
}

// What the handle's rights, sealing and the Space's kind let the mapping have.
static tes_status_t check_rights(const struct space *space, struct space_mapping *mapping,
                                 uint32_t rights)
{
    const struct memory *memory = mapping->memory;
    bool is_private = (mapping->flags & TES_SPACE_MAP_PRIVATE) != 0;
    uint32_t access = mapping->flags & ACCESS_ALL;
    if (memory == NULL) {
        mapping->access_max = !is_private       ? 0
                              : space->is_guest ? ACCESS_ALL
                                                : REGION_READ | REGION_WRITE;
        return (access & ~mapping->access_max) != 0 ? TES_ERROR_NO_RIGHT : TES_OK;
    }
    if (!range_is_inside(mapping->offset, mapping->size, memory->size_pages << PAGE_SHIFT)) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    mapping->access_max = REGION_READ;
    mapping->access_max |= is_private || (rights & TES_RIGHT_MEMORY_WRITE) != 0 ? REGION_WRITE : 0;
    mapping->access_max |= (rights & TES_RIGHT_MEMORY_EXECUTE) != 0 ? REGION_EXECUTE : 0;
    if (is_private && !space->is_guest) { // written once, such a page must never be code
        mapping->access_max &=
            (access & REGION_EXECUTE) != 0 ? ~(uint32_t)REGION_WRITE : ~(uint32_t)REGION_EXECUTE;
    }
    if ((access & ~mapping->access_max) != 0 ||
        ((access & REGION_EXECUTE) != 0 && !space->is_guest && !memory->is_sealed)) {
        return TES_ERROR_NO_RIGHT;
    }
    return (access & REGION_WRITE) != 0 && memory->is_sealed && !is_private ? TES_ERROR_SEALED
                                                                            : TES_OK;
}

tes_status_t sys_space_map(const struct space_map_arguments *arguments, uint64_t *out_mapped)
{
    struct space *space = (struct space *)arguments->space->object;
    const struct handle_view *memory = arguments->memory;
    struct space_mapping mapping = {
        .memory = (struct memory *)memory->object,
        .session = memory->session,
        .epoch = memory->epoch,
        .offset = arguments->offset,
        .address = arguments->address,
        .size = arguments->size,
        .flags = (uint32_t)arguments->flags,
    };
    tes_status_t status = check_arguments(space, &mapping);
    if (status == TES_OK) {
        status = check_rights(space, &mapping, memory->rights);
    }
    if (status != TES_OK) {
        return status;
    }
    spinlock_acquire(&space->object.lock);
    status = object_is_live(&space->object) ? space_map_locked(space, &mapping, out_mapped)
                                            : TES_ERROR_REVOKED;
    spinlock_release(&space->object.lock);
    return status;
}

tes_status_t space_map_memory(struct space *space, struct memory *memory, uint64_t offset,
                              uint64_t address, uint64_t size, uint32_t access)
{
    struct space_mapping mapping = {
        .memory = memory,
        .session = memory->object.root,
        .epoch = memory->object.root->epoch,
        .offset = offset,
        .address = address,
        .size = size,
        .flags = access,
    };
    tes_status_t status = check_arguments(space, &mapping);
    if (status == TES_OK) {
        status = check_rights(space, &mapping, TES_RIGHT_MEMORY_WRITE | TES_RIGHT_MEMORY_EXECUTE);
    }
    if (status == TES_OK) {
        spinlock_acquire(&space->object.lock);
        status = space_map_locked(space, &mapping, &address);
        spinlock_release(&space->object.lock);
    }
    return status;
}

tes_status_t sys_space_unmap(const struct handle_view *view, uint64_t address, uint64_t size)
{
    struct space *space = (struct space *)view->object;
    tes_status_t status = check_range(space, address, size);
    if (status == TES_OK) {
        spinlock_acquire(&space->object.lock);
        status = space_clear_locked(space, address, address + size, true);
        spinlock_release(&space->object.lock);
    }
    return status;
}

tes_status_t sys_space_protect(const struct handle_view *view, uint64_t address, uint64_t size,
                               uint64_t flags)
{
    struct space *space = (struct space *)view->object;
    tes_status_t status =
        is_write_execute(space, flags) ? TES_ERROR_INVALID : check_range(space, address, size);
    if (status == TES_OK) {
        spinlock_acquire(&space->object.lock);
        status = space_protect_locked(space, address, address + size, (uint32_t)flags & ACCESS_ALL);
        spinlock_release(&space->object.lock);
    }
    return status;
}

static bool may_lift_wx(struct process *process)
{
    struct handle_slot slot;
    uint64_t value = 0;
    for (uint64_t n = 0; n < HANDLES_PER_PAGE && handle_table_at(process, n, &slot, &value); n++) {
        if (slot.object == &process->space->object &&
            (slot.rights & TES_RIGHT_SPACE_LIFT_WX) != 0 &&
            session_is_live(slot.session, slot.epoch)) {
            return true;
        }
    }
    return false;
}

static tes_status_t install(struct space *space, uint64_t *out_handle)
{
    tes_status_t status = handle_install_new(current_process(), &space->object, out_handle);
    if (status != TES_OK) {
        object_destroy_later(&space->object);
    }
    return status;
}

tes_status_t sys_space_create(const struct handle_view *quota, uint64_t flags, uint64_t *out_space)
{
    if ((flags & TES_SPACE_CREATE_ALLOW_WX) != 0 && !may_lift_wx(current_process())) {
        return TES_ERROR_NO_RIGHT;
    }
    struct space *space = NULL;
    tes_status_t status =
        space_create_root(current_process(), (struct quota *)quota->object, true, &space);
    if (status != TES_OK) {
        return status;
    }
    space->flags = (uint32_t)flags;
    return install(space, out_space);
}

tes_status_t sys_space_clone(const struct handle_view *view, const struct handle_view *quota,
                             uint64_t *out_clone)
{
    struct space *space = (struct space *)view->object;
    if (!space->is_guest || space->process != current_process()) {
        return TES_ERROR_INVALID;
    }
    struct space *clone = NULL;
    tes_status_t status = space_clone(space, (struct quota *)quota->object, &clone);
    return status == TES_OK ? install(clone, out_clone) : status;
}

bool space_region_at(struct space *space, uint64_t n, struct tes_info_region *out_region)
{
    spinlock_acquire(&space->object.lock);
    struct region *region = n < space->region_count ? region_find(space, 0) : NULL;
    for (; region != NULL && n > 0; n--) {
        region = region_next(region);
    }
    if (region != NULL) {
        struct memory *memory = region_memory_lock(region);
        *out_region = (struct tes_info_region){
            .address = region->start,
            .size = region->end - region->start,
            .memory_id = memory == NULL ? 0 : memory->object.id,
            .offset = region->offset,
            .access = region->access,
        };
        memory_unlock(memory);
    }
    spinlock_release(&space->object.lock);
    return region != NULL;
}
