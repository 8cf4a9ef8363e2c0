// SPDX-License-Identifier: MIT OR Apache-2.0
// The memory_* kernel calls but supply (pager.c): arguments, then the work of memory*.c, then the
// handle.
#include "mm.h"

#include <arch/machine.h>
#include <kernel/irq.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel_calls.h>
#include <rt/checked.h>

#define CONTIGUOUS_ORDER_MAX 10u

static tes_status_t check_pages(uint64_t offset, uint64_t size, uint64_t limit_pages)
{
    if (size == 0 || !is_page_aligned(offset) || !is_page_aligned(size)) {
        return TES_ERROR_INVALID;
    }
    return range_is_inside(offset, size, limit_pages << PAGE_SHIFT) ? TES_OK
                                                                    : TES_ERROR_OUT_OF_RANGE;
}

// The Memory is new: its handle, or it goes again.
static tes_status_t install(struct memory *memory, uint64_t *out_handle)
{
    tes_status_t status = handle_install_new(current_process(), &memory->object, out_handle);
    if (status != TES_OK) {
        object_destroy_later(&memory->object);
    }
    return status;
}

// Zeroed here: at most 4 MiB.
static tes_status_t contiguous_fill(struct memory *memory)
{
    uint32_t order = 0;
    while (order <= CONTIGUOUS_ORDER_MAX && 1ull << order < memory->size_pages) {
        order++;
    }
    tes_status_t status = quota_charge_pages(memory->object.quota, memory->size_pages);
    if (status != TES_OK) {
        return status;
    }
    paddr_t base;
    status = frame_allocate_order(order, &base);
    if (status != TES_OK) {
        quota_return_pages(memory->object.quota, memory->size_pages);
        return status;
    }
    for (uint64_t page = 0; page < 1ull << order; page++) {
        paddr_t frame = paddr_make(base.value + (page << PAGE_SHIFT));
        if (page < memory->size_pages) {
            page_zero(frame_address(frame));
        } else {
            frame_free(frame);
        }
    }
    memory->base = base;
    return TES_OK;
}

static void set_pager(struct memory *memory, const struct handle_view *pager, uint64_t badge)
{
    memory->pager = (struct endpoint *)pager->object;
    memory->pager_session = pager->session;
    memory->pager_epoch = pager->epoch;
    memory->pager_badge = badge;
}

static void reserve_return(struct memory *memory)
{
    spinlock_acquire(&memory->object.lock);
    uint64_t left = memory->reserve;
    memory->reserve = 0;
    spinlock_release(&memory->object.lock);
    quota_return_pages(memory->object.quota, left);
}

// Charged at once with all the nodes it could need; filled now until an interrupt waits, the rest
// when touched, from what was charged. A Quota that has less left than that pays page by page,
// without a stop: there is little to fill.
static tes_status_t commit_all(struct memory *memory)
{
    uint64_t pages = page_tree_bound(memory->size_pages);
    tes_status_t status = quota_charge_pages(memory->object.quota, pages);
    bool is_ahead = status == TES_OK;
    memory->reserve = is_ahead ? pages : 0;
    do {
        status = memory_commit(memory, 0, memory->size_pages);
    } while (status == TES_ERROR_RESTART && !is_ahead);
    if (status == TES_ERROR_RESTART) {
        return TES_OK;
    }
    reserve_return(memory);
    return status;
}

tes_status_t sys_memory_create(const struct handle_view *quota, uint64_t size, uint64_t flags,
                               const struct handle_view *pager, uint64_t pager_badge,
                               uint64_t *out_memory)
{
    bool is_contiguous = (flags & TES_MEMORY_CREATE_CONTIGUOUS) != 0;
    bool has_pager = (flags & TES_MEMORY_CREATE_PAGER) != 0;
    bool is_commit = (flags & TES_MEMORY_CREATE_COMMIT) != 0;
    if (size == 0 || !is_page_aligned(size) || size > MEMORY_SIZE_MAX ||
        has_pager != (pager->object != NULL) || (has_pager && (is_contiguous || is_commit))) {
        return TES_ERROR_INVALID;
    }
    enum memory_kind kind = is_contiguous ? MEMORY_CONTIGUOUS
                            : has_pager   ? MEMORY_PAGER
                                          : MEMORY_ANONYMOUS;
    struct memory *memory = NULL;
    tes_status_t status =
        memory_create((struct quota *)quota->object, size >> PAGE_SHIFT, kind, &memory);
    if (status != TES_OK) {
        return status;
    }
    if (has_pager) {
        set_pager(memory, pager, pager_badge);
    } else if (is_contiguous) {
        status = contiguous_fill(memory);
    } else if (is_commit) {
        status = commit_all(memory);
    }
    if (status != TES_OK) {
        object_destroy_later(&memory->object);
        return status;
    }
    return install(memory, out_memory);
}

tes_status_t sys_memory_device(const struct handle_view *resource, const struct handle_view *quota,
                               uint64_t base, uint64_t size, uint64_t flags, uint64_t *out_memory)
{
    const struct resource *range = (const struct resource *)resource->object;
    if (size == 0 || !is_page_aligned(base) || !is_page_aligned(size)) {
        return TES_ERROR_INVALID;
    }
    if (range->kind != TES_RESOURCE_IO_MEMORY || base < range->base ||
        !range_is_inside(base - range->base, size, range->size) || size > MEMORY_SIZE_MAX ||
        !machine_is_io_range(base, size)) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    struct memory *memory = NULL;
    tes_status_t status =
        memory_create((struct quota *)quota->object, size >> PAGE_SHIFT, MEMORY_DEVICE, &memory);
    if (status != TES_OK) {
        return status;
    }
    memory->base = paddr_make(base);
    memory->is_cached = (flags & TES_MEMORY_DEVICE_CACHED) != 0;
    return install(memory, out_memory);
}

tes_status_t sys_memory_clone(const struct handle_view *memory, const struct handle_view *quota,
                              uint64_t offset, uint64_t size, uint64_t *out_clone)
{
    struct memory *parent = (struct memory *)memory->object;
    tes_status_t status = check_pages(offset, size, parent->size_pages);
    if (status == TES_OK && parent->kind == MEMORY_DEVICE) {
        status = TES_ERROR_INVALID;
    }
    if (status != TES_OK) {
        return status;
    }
    struct memory *clone = NULL;
    status = memory_clone(parent, (struct quota *)quota->object, offset >> PAGE_SHIFT,
                          size >> PAGE_SHIFT, &clone);
    return status == TES_OK ? install(clone, out_clone) : status;
}

tes_status_t sys_memory_control(const struct handle_view *view, uint64_t operation, uint64_t offset,
                                uint64_t size)
{
    struct memory *memory = (struct memory *)view->object;
    tes_status_t status = check_pages(offset, size, memory->size_pages);
    if (status != TES_OK) {
        return status;
    }
    if (operation == TES_MEMORY_CONTROL_SEAL) {
        bool is_whole = offset == 0 && size == memory->size_pages << PAGE_SHIFT;
        return is_whole && memory->kind != MEMORY_DEVICE ? memory_seal(memory) : TES_ERROR_INVALID;
    }
    if (operation != TES_MEMORY_CONTROL_COMMIT && operation != TES_MEMORY_CONTROL_DISCARD) {
        return TES_ERROR_INVALID;
    }
    bool is_commit = operation == TES_MEMORY_CONTROL_COMMIT;
    if (!memory_has_tree(memory) || (is_commit && memory->kind != MEMORY_ANONYMOUS)) {
        return TES_ERROR_INVALID;
    }
    if (memory->is_sealed) {
        return TES_ERROR_SEALED;
    }
    return is_commit ? memory_commit(memory, offset >> PAGE_SHIFT, size >> PAGE_SHIFT)
                     : memory_discard(memory, offset >> PAGE_SHIFT, size >> PAGE_SHIFT);
}
