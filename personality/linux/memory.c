// SPDX-License-Identifier: MIT OR Apache-2.0
// Regions of a guest: a sorted array searched by halves. Adding, cutting and protecting first make
// room for the worst case of two more regions, then change the platform's mappings, then the list.

#include <personality/memory.h>

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"

#define REGIONS_AT_START 32U
#define REGIONS_MAX      65530U // vm.max_map_count
#define REGIONS_SPARE    3U     // two splits and one more region

struct linux_memory *linux_memory_create(struct linux_task *task)
{
    struct linux_heap *heap = linux_task_heap(task);
    struct linux_memory *memory = linux_heap_alloc(heap, sizeof(*memory));
    if (memory == NULL) {
        return NULL;
    }
    memory->regions = linux_heap_alloc(heap, REGIONS_AT_START * sizeof(struct linux_region));
    memory->region_capacity = REGIONS_AT_START;
    memory->users = 1;
    memory->guest = memory->regions == NULL ? NULL : platform_guest_create();
    if (memory->guest == NULL) {
        linux_heap_free(heap, memory->regions, REGIONS_AT_START * sizeof(struct linux_region));
        linux_heap_free(heap, memory, sizeof(*memory));
        return NULL;
    }
    return memory;
}

static void region_put(struct linux_task *task, struct linux_region *region)
{
    if (region->file != NULL) {
        linux_entry_put(linux_task_tree(task), region->file);
    }
}

void linux_memory_put(struct linux_task *task, struct linux_memory *memory)
{
    if (--memory->users != 0) {
        return;
    }
    for (uint32_t index = 0; index < memory->region_count; index++) {
        region_put(task, &memory->regions[index]);
    }
    if (memory->executable != NULL) {
        linux_entry_put(linux_task_tree(task), memory->executable);
    }
    platform_guest_destroy(memory->guest);
    struct linux_heap *heap = linux_task_heap(task);
    linux_heap_free(heap, memory->regions, memory->region_capacity * sizeof(struct linux_region));
    linux_heap_free(heap, memory, sizeof(*memory));
}

// Index of the first region that ends above the address.
static uint32_t region_index(const struct linux_memory *memory, uint64_t address)
{
    uint32_t low = 0;
    uint32_t high = memory->region_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memory->regions[middle].end <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct linux_region *linux_memory_find(const struct linux_memory *memory, uint64_t address)
{
    uint32_t index = region_index(memory, address);
    if (index == memory->region_count || memory->regions[index].start > address) {
        return NULL;
    }
    return &memory->regions[index];
}

uint64_t linux_memory_next(const struct linux_memory *memory, uint64_t address)
{
    uint32_t index = region_index(memory, address);
    return index == memory->region_count ? UINT64_MAX : memory->regions[index].start;
}

bool linux_memory_is_free(const struct linux_memory *memory, uint64_t start, uint64_t end)
{
    uint32_t index = region_index(memory, start);
    return index == memory->region_count || memory->regions[index].start >= end;
}

// The end of what is mapped without a hole from start on, at most end.
static uint64_t mapped_until(const struct linux_memory *memory, uint64_t start, uint64_t end)
{
    uint32_t index = region_index(memory, start);
    while (start < end && index < memory->region_count && memory->regions[index].start <= start) {
        start = memory->regions[index++].end;
    }
    return start < end ? start : end;
}

bool linux_memory_is_mapped(const struct linux_memory *memory, uint64_t start, uint64_t end)
{
    return mapped_until(memory, start, end) == end;
}

uint64_t linux_memory_place(const struct linux_memory *memory, uint64_t size)
{
    uint64_t top = memory->mmap_base;
    uint32_t index = region_index(memory, top);
    if (index < memory->region_count && memory->regions[index].start < top) {
        top = memory->regions[index].start;
    }
    while (top >= size && top - size >= LINUX_ADDRESS_BOTTOM) {
        uint64_t below = index == 0 ? LINUX_ADDRESS_BOTTOM : memory->regions[index - 1].end;
        if (top - size >= below) {
            return top - size;
        }
        index--;
        top = memory->regions[index].start;
    }
    return 0;
}

static int regions_reserve(struct linux_task *task, struct linux_memory *memory)
{
    if (memory->region_count + REGIONS_SPARE <= memory->region_capacity) {
        return 0;
    }
    uint32_t capacity = memory->region_capacity * 2;
    struct linux_heap *heap = linux_task_heap(task);
    struct linux_region *regions =
        capacity > REGIONS_MAX ? NULL
                               : linux_heap_alloc(heap, capacity * sizeof(struct linux_region));
    if (regions == NULL) {
        return -LINUX_ENOMEM;
    }
    memcpy(regions, memory->regions, memory->region_count * sizeof(struct linux_region));
    linux_heap_free(heap, memory->regions, memory->region_capacity * sizeof(struct linux_region));
    memory->regions = regions;
    memory->region_capacity = capacity;
    return 0;
}

static void region_insert(struct linux_memory *memory, uint32_t index,
                          const struct linux_region *region)
{
    memmove(&memory->regions[index + 1], &memory->regions[index],
            (memory->region_count - index) * sizeof(struct linux_region));
    memory->regions[index] = *region;
    memory->region_count++;
}

static void region_remove(struct linux_task *task, struct linux_memory *memory, uint32_t index)
{
    region_put(task, &memory->regions[index]);
    memory->region_count--;
    memmove(&memory->regions[index], &memory->regions[index + 1],
            (memory->region_count - index) * sizeof(struct linux_region));
}

// Makes the address a boundary between regions. Room must have been reserved.
static void region_split(struct linux_memory *memory, uint64_t address)
{
    uint32_t index = region_index(memory, address);
    if (index == memory->region_count || memory->regions[index].start >= address) {
        return;
    }
    struct linux_region upper = memory->regions[index];
    upper.offset += address - upper.start;
    upper.start = address;
    if (upper.file != NULL) {
        (void)linux_entry_get(upper.file); // the upper part's own reference
    }
    memory->regions[index].end = address;
    region_insert(memory, index + 1, &upper);
}

// Removes what the list says about the range; the boundaries have been made.
static void regions_cut(struct linux_task *task, uint64_t start, uint64_t end)
{
    struct linux_memory *memory = task->memory;
    region_split(memory, start);
    region_split(memory, end);
    uint32_t index = region_index(memory, start);
    while (index < memory->region_count && memory->regions[index].start < end) {
        memory->mapped_size -= memory->regions[index].end - memory->regions[index].start;
        region_remove(task, memory, index);
    }
}

static bool region_joins(const struct linux_region *low, const struct linux_region *high)
{
    return low->end == high->start && low->protection == high->protection &&
           low->flags == high->flags && low->file == NULL && high->file == NULL;
}

// Joins neighbours that look alike around the index, as Linux merges anonymous mappings.
static void region_merge(struct linux_task *task, struct linux_memory *memory, uint32_t index)
{
    if (index + 1 < memory->region_count &&
        region_joins(&memory->regions[index], &memory->regions[index + 1])) {
        memory->regions[index].end = memory->regions[index + 1].end;
        region_remove(task, memory, index + 1);
    }
    if (index > 0 && region_joins(&memory->regions[index - 1], &memory->regions[index])) {
        memory->regions[index - 1].end = memory->regions[index].end;
        region_remove(task, memory, index);
    }
}

// Copies the file's pages into a fresh mapping; bytes beyond its end stay zero.
static int region_fill(struct linux_task *task, const struct linux_region *region)
{
    const struct linux_inode *inode = region->file->inode;
    uint64_t size = region->end - region->start;
    for (uint64_t done = 0; done < size; done += LINUX_PAGE_SIZE) {
        size_t valid = 0;
        uint64_t offset = region->offset + done;
        const uint8_t *page =
            linux_file_data_page(&inode->data, offset >> LINUX_PAGE_SHIFT, &valid);
        if (offset >= inode->data.size) {
            break;
        }
        if (page != NULL) {
            int error =
                platform_copy_to_guest(linux_task_guest(task), region->start + done, page, valid);
            if (error != 0) {
                return -LINUX_ENOMEM;
            }
        }
    }
    return 0;
}

static bool region_is_blob(const struct linux_region *region)
{
    const struct linux_file_data *data = &region->file->inode->data;
    return data->blob != NULL && data->page_count == 0 && data->blob_size == data->blob->size &&
           data->size == data->blob_size && region->offset < data->size;
}

static int region_establish(struct linux_task *task, const struct linux_region *region)
{
    struct platform_guest *guest = linux_task_guest(task);
    uint64_t size = region->end - region->start;
    if (region->file == NULL) {
        return platform_guest_map(guest, region->start, size, region->protection);
    }
    if (region_is_blob(region)) {
        return platform_guest_map_blob(guest, region->start, size, region->protection,
                                       region->file->inode->data.blob, region->offset);
    }
    int error = platform_guest_map(guest, region->start, size, PLATFORM_READ | PLATFORM_WRITE);
    if (error == 0) {
        error = region_fill(task, region);
    }
    if (error == 0) {
        error = platform_guest_protect(guest, region->start, size, region->protection);
    }
    return error;
}

static int memory_limit(const struct linux_task *task, uint64_t more)
{
    uint64_t limit = task->container->options.address_limit;
    if (task->limits[LINUX_RLIMIT_AS].current < limit) {
        limit = task->limits[LINUX_RLIMIT_AS].current;
    }
    uint64_t used = task->memory->mapped_size;
    return used > limit || more > limit - used ? -LINUX_ENOMEM : 0;
}

int linux_memory_map(struct linux_task *task, const struct linux_region *region)
{
    struct linux_memory *memory = task->memory;
    int error = memory_limit(task, region->end - region->start);
    if (error == 0) {
        error = regions_reserve(task, memory);
    }
    if (error != 0) {
        return error;
    }
    regions_cut(task, region->start, region->end);
    error = region_establish(task, region);
    if (error != 0) {
        // The range is gone from the list; what the platform made of it goes as well.
        (void)platform_guest_unmap(memory->guest, region->start, region->end - region->start);
        return error;
    }
    struct linux_region added = *region;
    if (added.file != NULL) {
        (void)linux_entry_get(added.file); // the list's reference
    }
    uint32_t index = region_index(memory, added.start);
    region_insert(memory, index, &added);
    memory->mapped_size += added.end - added.start;
    region_merge(task, memory, index);
    return 0;
}

int linux_memory_unmap(struct linux_task *task, uint64_t start, uint64_t end)
{
    int error = regions_reserve(task, task->memory);
    if (error != 0) {
        return error;
    }
    regions_cut(task, start, end);
    return platform_guest_unmap(linux_task_guest(task), start, end - start);
}

int linux_memory_protect(struct linux_task *task, uint64_t start, uint64_t end, uint32_t protection)
{
    struct linux_memory *memory = task->memory;
    int error = regions_reserve(task, memory);
    if (error != 0) {
        return error;
    }
    // As on Linux, what lies below a hole changes although the call fails.
    uint64_t wanted_end = end;
    end = mapped_until(memory, start, end);
    if (end == start) {
        return -LINUX_ENOMEM;
    }
    error = platform_guest_protect(memory->guest, start, end - start, protection);
    if (error != 0) {
        return error;
    }
    region_split(memory, start);
    region_split(memory, end);
    uint32_t index = region_index(memory, start);
    uint32_t first = index;
    while (index < memory->region_count && memory->regions[index].start < end) {
        memory->regions[index++].protection = protection;
    }
    // From the top down, so that a merge does not move what is still to be looked at.
    while (index > first) {
        region_merge(task, memory, --index);
    }
    return end == wanted_end ? 0 : -LINUX_ENOMEM;
}
