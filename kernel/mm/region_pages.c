// SPDX-License-Identifier: MIT OR Apache-2.0
// What a region shows, page by page: its own pages first (private copies, and zeros where its
// Memory was taken away), else its Memory's. Entries in its range change with its Memory's lock
// held. A private region reads its Memory's frames and copies on the first write; what its Memory
// lacks becomes a page of its own at once.
#include "mm.h"

#include <arch/cpu.h>
#include <kernel/log.h>

struct page_payer region_payer(struct region *region)
{
    return (struct page_payer){ .quota = region->space->object.quota, .reserve = &region->reserve };
}

static uint32_t entry_flags(const struct region *region, const struct memory *memory,
                            bool is_writable)
{
    uint32_t flags = MMU_READ | MMU_USER;
    flags |= is_writable && (region->access & REGION_WRITE) != 0 ? MMU_WRITE : 0;
    flags |= (region->access & REGION_EXECUTE) != 0 && !region->is_revoked ? MMU_EXECUTE : 0;
    flags |= memory != NULL && memory->kind == MEMORY_DEVICE && !memory->is_cached ? MMU_DEVICE : 0;
    return flags;
}

tes_status_t region_own_pages(struct region *region, uint64_t base, uint64_t size_pages)
{
    void *memory = NULL;
    tes_status_t status = slab_allocate(sizeof(struct own_pages), &memory);
    if (status == TES_OK) {
        region->own = memory;
        region->own->base = base;
        region->own->users = 1;
        page_tree_init(&region->own->tree, size_pages);
    }
    return status;
}

uint64_t region_entries_lower(const struct region *region, uint64_t start, uint64_t end,
                              bool is_protect_only)
{
    struct mmu_range range = {
        .root = region->space->root, .at = start, .end = end, .is_kept = is_protect_only
    };
    mmu_lower(&range, MEMORY_BATCH);
    tlb_flush(region->space, range.lowered_start, range.lowered_end);
    return range.at;
}

uint64_t region_clear_some(struct region *region, uint64_t start, uint64_t end)
{
    struct own_pages *own = region->own;
    struct memory *memory = region_memory_lock(region);
    end = region_entries_lower(region, start, end, false);
    memory_unlock(memory);
    if (own != NULL) {
        uint64_t page =
            page_tree_drop_some(&own->tree, region->space->object.quota,
                                (start - own->base) >> PAGE_SHIFT, (end - own->base) >> PAGE_SHIFT);
        end = own->base + (page << PAGE_SHIFT);
    }
    return end;
}

struct page_request { // one page of a region, and what was found
    struct region *region;
    struct memory *memory; // locked; null: none
    uint64_t address;
    bool is_write;
    bool is_writable;
    bool is_own;
    paddr_t frame;
};

// The page is among the region's own.
static tes_status_t own_page(struct page_request *request, uint64_t *slot)
{
    request->is_own = true;
    if (request->is_write) {
        struct page_payer payer = region_payer(request->region);
        paddr_t old = entry_frame(*slot);
        bool is_new = false;
        tes_status_t status = page_tree_own(&payer, slot, &is_new);
        if (status != TES_OK) {
            return status;
        }
        if (is_new) {
            region_entries_lower(request->region, request->address, request->address + PAGE_SIZE,
                                 false);
            frame_put(old);
            counter_add(TES_COUNTER_FAULTS_COPY, 1);
        }
    }
    request->frame = entry_frame(*slot);
    request->is_writable = (*slot & ENTRY_UNPAID) == 0 && frame_shares(request->frame) == 1;
    return TES_OK;
}

// Makes a page of the region's own: a copy of source, or zeros (source: no address).
static tes_status_t own_page_make(struct page_request *request, const paddr_t *source)
{
    struct region *region = request->region;
    tes_status_t status = TES_OK;
    if (region->own == NULL) {
        status =
            region_own_pages(region, region->start, (region->end - region->start) >> PAGE_SHIFT);
    }
    if (status != TES_OK) {
        return status;
    }
    struct page_payer payer = region_payer(region);
    uint64_t *slot = NULL;
    status = page_tree_fill(&region->own->tree, &payer,
                            (request->address - region->own->base) >> PAGE_SHIFT, source, &slot);
    if (status != TES_OK) {
        return status;
    }
    if (source != NULL) {
        region_entries_lower(region, request->address, request->address + PAGE_SIZE, false);
    }
    counter_add(source == NULL ? TES_COUNTER_FAULTS_ANONYMOUS : TES_COUNTER_FAULTS_COPY, 1);
    request->frame = entry_frame(*slot);
    request->is_own = true;
    request->is_writable = true;
    return TES_OK;
}

static bool memory_has_page(struct memory *memory, uint64_t page)
{
    const uint64_t *slot = memory_has_tree(memory) ? page_tree_find(&memory->pages, page) : NULL;
    return memory->kind != MEMORY_ANONYMOUS || (slot != NULL && *slot != 0);
}

// The page is not among the region's own. The Memory, if any, is locked.
static tes_status_t shown_page(struct page_request *request, uint32_t access)
{
    struct region *region = request->region;
    struct memory *memory = request->memory;
    bool is_current = memory != NULL && object_is_live(&memory->object) &&
                      session_is_live(region->session, region->epoch);
    if (!is_current) {
        if (memory != NULL || region->is_revoked) {
            if ((region->space->flags & TES_SPACE_CREATE_BUS_FAULTS) != 0) {
                return TES_ERROR_DEAD;
            }
            if ((access & REGION_EXECUTE) != 0) {
                return TES_ERROR_BAD_ADDRESS;
            }
        }
        return own_page_make(request, NULL);
    }
    uint64_t page = (region->offset + (request->address - region->start)) >> PAGE_SHIFT;
    if (!region->is_private) {
        return memory_page(memory, page, request->is_write, &request->frame, &request->is_writable);
    }
    if (!memory_has_page(memory, page)) {
        return own_page_make(request, NULL);
    }
    tes_status_t status = memory_page(memory, page, false, &request->frame, &request->is_writable);
    request->is_writable = false;
    if (status == TES_OK && request->is_write) {
        paddr_t source = request->frame;
        status = own_page_make(request, &source);
    }
    return status;
}

// Keeps the frame from being given back while the caller uses it without the Memory's lock.
static tes_status_t request_hold(const struct page_request *request, struct page_hold *out_hold)
{
    const struct memory *memory = request->memory;
    bool is_own = request->is_own || memory == NULL;
    if (!is_own && memory->kind == MEMORY_DEVICE) {
        return TES_ERROR_BAD_ADDRESS; // not in the direct map
    }
    *out_hold =
        (struct page_hold){ .frame = request->frame, .is_pinned = is_own || !memory->is_image };
    if (out_hold->is_pinned) {
        frame_pin(request->frame);
    }
    return TES_OK;
}

// The entry is there, for a frame that can be pinned.
static bool is_present(struct page_request *request)
{
    const struct memory *memory = request->memory;
    uint32_t flags = 0;
    return (memory == NULL || (memory->kind != MEMORY_DEVICE && !memory->is_image)) &&
           mmu_lookup(request->region->space->root, request->address, &request->frame, &flags) &&
           (!request->is_write || (flags & MMU_WRITE) != 0);
}

tes_status_t region_enter(struct region *region, uint64_t address, uint32_t access,
                          struct page_hold *out_hold)
{
    if (region->access == 0 || (access & ~(uint32_t)region->access) != 0) {
        return TES_ERROR_BAD_ADDRESS;
    }
    struct own_pages *own = region->own;
    struct page_request request = {
        .region = region,
        .memory = region_memory_lock(region),
        .address = address,
        .is_write = (access & REGION_WRITE) != 0,
    };
    bool is_entered = out_hold != NULL && is_present(&request);
    tes_status_t status = TES_OK;
    if (!is_entered) {
        uint64_t *slot =
            own == NULL ? NULL : page_tree_find(&own->tree, (address - own->base) >> PAGE_SHIFT);
        status =
            slot != NULL && *slot != 0 ? own_page(&request, slot) : shown_page(&request, access);
    }
    if (status == TES_OK && !is_entered) {
        struct page_payer payer = region_payer(region);
        const struct memory *memory = request.is_own ? NULL : request.memory;
        const struct mmu_entry entry = { address, request.frame,
                                         entry_flags(region, memory, request.is_writable) };
        status = space_enter(region->space, &payer, &entry);
    }
    if (status == TES_OK && out_hold != NULL) {
        status = request_hold(&request, out_hold);
    }
    memory_unlock(request.memory);
    return status;
}
