// SPDX-License-Identifier: MIT OR Apache-2.0
// Whole pages: fresh ones for this process, and mapping of Memory objects. Closing a handle never
// destroys an object, so pages keep the handle of their Memory until they are destroyed.
#pragma once

#include <abi_arch/registers.h>
#include <stdbool.h>
#include <tes/calls.h>

struct tes_pages {
    void *address;
    uint64_t size;
    tes_memory_t memory;
};

// size is rounded up to whole pages; zeroed, charged when touched.
tes_status_t tes_pages_create(uint64_t size, struct tes_pages *out_pages) TES_MUST_CHECK;
// Unmaps and destroys; pages that were never created (all zero) are allowed.
void tes_pages_destroy(struct tes_pages *pages);

// Maps [offset, offset + size) of a Memory into this process. flags: TES_SPACE_MAP_*.
tes_status_t tes_memory_map(tes_memory_t memory, uint64_t offset, uint64_t size, uint64_t flags,
                            void **out_address) TES_MUST_CHECK;
void tes_memory_unmap(void *address, uint64_t size);

// Closes a handle that may be 0. What is left cannot matter to the caller.
void tes_close(uint64_t handle);
// Destroys the object and closes the handle; 0 is allowed. For objects that are the caller's alone.
void tes_destroy(tes_handle_t handle);
