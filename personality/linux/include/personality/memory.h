// SPDX-License-Identifier: MIT OR Apache-2.0
// A guest's address space: the sorted list of regions beside the platform's mappings.
#pragma once

#include <personality/task.h>

struct linux_memory *linux_memory_create(struct linux_task *task);
void linux_memory_put(struct linux_task *task, struct linux_memory *memory);
// The region holding the address, or NULL.
const struct linux_region *linux_memory_find(const struct linux_memory *memory, uint64_t address);
// Where the first region at or above the address starts; UINT64_MAX when there is none.
uint64_t linux_memory_next(const struct linux_memory *memory, uint64_t address);
// Maps a range that is free (or to be replaced): anonymous when inode is NULL, else private pages
// of the file. Used by mmap, brk and the loader. The region describes start, end and what /proc
// shows.
int linux_memory_map(struct linux_task *task, const struct linux_region *region);
int linux_memory_unmap(struct linux_task *task, uint64_t start, uint64_t end);
// At a hole: what lies below it has changed, and -ENOMEM.
int linux_memory_protect(struct linux_task *task, uint64_t start, uint64_t end,
                         uint32_t protection);
// A free range of that size below the mmap base, or 0.
uint64_t linux_memory_place(const struct linux_memory *memory, uint64_t size);
bool linux_memory_is_free(const struct linux_memory *memory, uint64_t start, uint64_t end);
// True when every page of the range belongs to a region.
bool linux_memory_is_mapped(const struct linux_memory *memory, uint64_t start, uint64_t end);

static inline uint64_t linux_page_up(uint64_t value)
{
    return (value + LINUX_PAGE_SIZE - 1) & ~(LINUX_PAGE_SIZE - 1);
}
static inline uint64_t linux_page_down(uint64_t value)
{
    return value & ~(LINUX_PAGE_SIZE - 1);
}
