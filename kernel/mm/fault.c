// SPDX-License-Identifier: MIT OR Apache-2.0
// User page faults: the region says what the access may do, region_pages.c finds or makes the page.
// The time page is entered when first read. What cannot be resolved goes to the pager or back to
// the caller for delivery.
#include "mm.h"

#include <arch/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/log.h>
#include <kernel/process.h>

static uint32_t access_needed(uint32_t fault_access)
{
    if ((fault_access & TES_FAULT_ACCESS_EXECUTE) != 0) {
        return REGION_EXECUTE;
    }
    return (fault_access & TES_FAULT_ACCESS_WRITE) != 0 ? REGION_WRITE : REGION_READ;
}

// Readable if the page has any access: the hardware does not tell write-only or execute-only pages
// from others.
static uint32_t access_for(const struct region *region, uint32_t access)
{
    return access == REGION_READ && (region->access & REGION_READ) == 0
               ? region->access & (0u - region->access)
               : access;
}

static struct region *region_at(const struct space *space, uint64_t address)
{
    struct region *region = object_is_live(&space->object) ? region_find(space, address) : NULL;
    return region != NULL && region->start <= address ? region : NULL;
}

tes_status_t space_hold_page(struct space *space, uint64_t address, uint32_t access,
                             struct page_hold *out_hold)
{
    tes_status_t status = TES_ERROR_BAD_ADDRESS;
    spinlock_acquire(&space->object.lock);
    struct region *region = region_at(space, address);
    if (region != NULL) {
        status = region_enter(region, address & ~PAGE_MASK, access_for(region, access), out_hold);
    }
    spinlock_release(&space->object.lock);
    return status;
}

void page_hold_end(const struct page_hold *hold)
{
    if (hold->is_pinned) {
        frame_unpin(hold->frame);
    }
}

tes_status_t memory_pin_user(struct space *space, uint64_t address, bool is_writable,
                             struct memory **out_memory, void **out_address)
{
    struct page_hold hold;
    tes_status_t status = TES_ERROR_BAD_ADDRESS;
    spinlock_acquire(&space->object.lock);
    struct region *region = region_at(space, address);
    struct memory *memory = region == NULL ? NULL : region->memory;
    if (memory != NULL) {
        status = region_enter(region, address & ~PAGE_MASK,
                              is_writable ? REGION_WRITE : REGION_READ, &hold);
    }
    spinlock_release(&space->object.lock);
    if (status == TES_OK && !hold.is_pinned) {
        status = TES_ERROR_BAD_ADDRESS; // the boot image
    }
    if (status == TES_OK) {
        *out_memory = memory;
        *out_address = frame_address(hold.frame);
        return TES_OK;
    }
    return status == TES_ERROR_NO_MEMORY ? status : TES_ERROR_BAD_ADDRESS;
}

void memory_unpin(struct memory *memory, void *address)
{
    (void)memory; // may be gone
    frame_unpin(frame_of_address(address));
}

static tes_status_t enter_time_page(struct space *space)
{
    struct page_payer payer = { .quota = space->object.quota };
    const struct mmu_entry entry = { TES_TIME_PAGE_ADDRESS, frame_of_address(time_page_kernel()),
                                     MMU_READ | MMU_USER };
    spinlock_acquire(&space->object.lock);
    tes_status_t status = space_enter(space, &payer, &entry);
    spinlock_release(&space->object.lock);
    return status;
}

struct fault_place { // for the pager
    struct memory *memory;
    uint64_t page;
};

static tes_status_t resolve(struct space *space, uint64_t address, uint32_t access,
                            struct fault_place *out_place)
{
    tes_status_t status = TES_ERROR_BAD_ADDRESS;
    spinlock_acquire(&space->object.lock);
    struct region *region = region_at(space, address);
    if (region != NULL) {
        status = region_enter(region, address, access_for(region, access), NULL);
        if (status == TES_ERROR_WOULD_BLOCK) {
            out_place->memory = region->memory; // stays allocated until this core leaves the kernel
            out_place->page = (region->offset + (address - region->start)) >> PAGE_SHIFT;
        }
    }
    spinlock_release(&space->object.lock);
    return status;
}

static void count_present(uint64_t before)
{
    const uint64_t *counters = cpu_local()->counters;
    if (counters[TES_COUNTER_FAULTS_ANONYMOUS] + counters[TES_COUNTER_FAULTS_COPY] == before) {
        counter_add(TES_COUNTER_FAULTS_PRESENT, 1);
    }
}

tes_status_t space_fault(struct thread *thread, uint64_t address, uint32_t access,
                         struct tes_fault *out_fault)
{
    const struct cpu *cpu = cpu_local();
    struct space *space = thread_space(thread, address);
    uint64_t page = address & ~PAGE_MASK;
    struct fault_place place = { 0 };
    uint64_t made =
        cpu->counters[TES_COUNTER_FAULTS_ANONYMOUS] + cpu->counters[TES_COUNTER_FAULTS_COPY];
    tes_status_t status = TES_ERROR_BAD_ADDRESS;
    if (cpu->arch.in_guest == 0 && page == TES_TIME_PAGE_ADDRESS &&
        access_needed(access) == REGION_READ) {
        status = enter_time_page(space);
    } else if (cpu->arch.in_guest == 0 ||
               space->is_guest) { // a guest's address above its half is nobody's
        status = resolve(space, page, access_needed(access), &place);
    }
    if (status == TES_OK) {
        count_present(made);
        return TES_OK;
    }
    if (status == TES_ERROR_WOULD_BLOCK && place.memory != NULL) {
        status = ipc_page_request(place.memory, thread, place.page, 1, access);
        if (status == TES_ERROR_BLOCKED) {
            return status;
        }
        status = TES_ERROR_DEAD;
    }
    out_fault->cause = status == TES_ERROR_NO_MEMORY ? TES_FAULT_NO_MEMORY
                       : status == TES_ERROR_DEAD    ? TES_FAULT_BUS
                                                     : TES_FAULT_PAGE;
    out_fault->address = address;
    out_fault->access = access;
    return TES_ERROR_FAULT;
}
