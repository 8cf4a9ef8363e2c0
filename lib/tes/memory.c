// SPDX-License-Identifier: MIT OR Apache-2.0
// Whole pages from this process's Quota, and mappings in its Space.
#include <rt/bits.h>
#include <rt/checked.h>
#include <tes/memory.h>
#include <tes/startup.h>

void tes_close(uint64_t handle)
{
    if (handle != 0) {
        (void)!tes_handle_close(handle); // a stale handle is closed already
    }
}

void tes_destroy(tes_handle_t handle)
{
    if (handle.value != 0) {
        (void)!tes_object_destroy(handle); // dead already, or its Quota was destroyed
        tes_close(handle.value);
    }
}

tes_status_t tes_memory_map(tes_memory_t memory, uint64_t offset, uint64_t size, uint64_t flags,
                            void **out_address)
{
    uint64_t mapped = 0;
    tes_status_t status = tes_space_map(tes_self()->space, memory, offset, 0, size, flags, &mapped);
    if (status == TES_OK) {
        *out_address = (void *)mapped;
    }
    return status;
}

void tes_memory_unmap(void *address, uint64_t size)
{
    // Fails only if the range was never ours to unmap.
    (void)!tes_space_unmap(tes_self()->space, (uint64_t)address, align_up(size, TES_PAGE_SIZE));
}

tes_status_t tes_pages_create(uint64_t size, struct tes_pages *out_pages)
{
    struct tes_pages pages = { 0 };
    if (size == 0 || !checked_align_up(size, TES_PAGE_SIZE, &pages.size)) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = tes_memory_create(tes_self()->quota, pages.size, 0, (tes_endpoint_t){ 0 },
                                            0, &pages.memory);
    if (status != TES_OK) {
        return status;
    }
    uint64_t flags = TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE;
    status = tes_memory_map(pages.memory, 0, pages.size, flags, &pages.address);
    if (status != TES_OK) {
        tes_destroy(tes_memory_any(pages.memory));
        return status;
    }
    *out_pages = pages;
    return TES_OK;
}

void tes_pages_destroy(struct tes_pages *pages)
{
    if (pages->address != NULL) {
        tes_memory_unmap(pages->address, pages->size);
        tes_destroy(tes_memory_any(pages->memory));
        *pages = (struct tes_pages){ 0 };
    }
}
