// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls on the address space. Every range from the guest is checked for alignment, overflow and the
// personality's border before the list of regions is touched.

#include <personality/errors.h>
#include <personality/memory.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"

#define COPY_CHUNK    4096U
#define ADVICE_MAX    25U
#define MADV_REMOVE   9U
#define MADV_DONTFORK 10U
#define MSYNC_FLAGS   7U
#define MINCORE_PAGES 256U

static bool range_valid(uint64_t start, uint64_t size)
{
    return size != 0 && size <= LINUX_ADDRESS_TOP && start <= LINUX_ADDRESS_TOP - size;
}

int64_t linux_call_brk(struct linux_task *task, uint64_t address)
{
    struct linux_memory *memory = task->memory;
    uint64_t old_end = linux_page_up(memory->brk_end);
    if (address < memory->brk_start || address >= memory->mmap_base) {
        return (int64_t)memory->brk_end;
    }
    uint64_t new_end = linux_page_up(address);
    if (new_end < old_end) {
        if (linux_memory_unmap(task, new_end, old_end) != 0) {
            return (int64_t)memory->brk_end;
        }
    } else if (new_end > old_end) {
        struct linux_region region = { .start = old_end,
                                       .end = new_end,
                                       .protection = LINUX_PROT_READ | LINUX_PROT_WRITE };
        bool is_over = address - memory->brk_start > task->limits[LINUX_RLIMIT_DATA].current;
        if (is_over || !linux_memory_is_free(memory, old_end, new_end) ||
            linux_memory_map(task, &region) != 0) {
            return (int64_t)memory->brk_end;
        }
    }
    memory->brk_end = address;
    return (int64_t)address;
}

// Fills in the file of a mapping after checking how it was opened.
static int map_file(struct linux_task *task, const struct linux_call_mmap_arguments *arguments,
                    struct linux_region *region)
{
    struct linux_file *file = linux_files_find_io(task, arguments->fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    uint32_t type = arguments->flags & LINUX_MAP_TYPE;
    bool is_shared = type == LINUX_MAP_SHARED || type == LINUX_MAP_SHARED_VALIDATE;
    if (!linux_file_may_read(file)) {
        return -LINUX_EACCES;
    }
    const struct linux_inode *inode = file->entry->inode;
    if (!linux_inode_is(inode, LINUX_S_IFREG) || inode->operations != NULL) {
        return -LINUX_ENODEV;
    }
    if (is_shared && (arguments->protection & LINUX_PROT_WRITE) != 0) {
        task->container->refused_flags++;
        return linux_file_may_write(file) ? -LINUX_ENODEV : -LINUX_EACCES;
    }
    region->file = file->entry;
    region->flags = is_shared ? LINUX_REGION_SHARED : 0U;
    return 0;
}

static int map_place(struct linux_task *task, const struct linux_call_mmap_arguments *arguments,
                     uint64_t size, uint64_t *out_start)
{
    const struct linux_memory *memory = task->memory;
    uint64_t address = arguments->address;
    bool is_fixed = (arguments->flags & (LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE)) != 0;
    if (is_fixed) {
        if ((address & (LINUX_PAGE_SIZE - 1)) != 0) {
            return -LINUX_EINVAL;
        }
        if (!range_valid(address, size)) {
            return -LINUX_ENOMEM;
        }
        if (address < LINUX_ADDRESS_BOTTOM) {
            return -LINUX_EPERM;
        }
        bool may_replace = (arguments->flags & LINUX_MAP_FIXED_NOREPLACE) == 0;
        *out_start = address;
        return may_replace || linux_memory_is_free(memory, address, address + size) ? 0
                                                                                    : -LINUX_EEXIST;
    }
    address = linux_page_down(address);
    if (address >= LINUX_ADDRESS_BOTTOM && range_valid(address, size) &&
        linux_memory_is_free(memory, address, address + size)) {
        *out_start = address;
        return 0;
    }
    *out_start = linux_memory_place(memory, size);
    return *out_start == 0 ? -LINUX_ENOMEM : 0;
}

int64_t linux_call_mmap(struct linux_task *task, const struct linux_call_mmap_arguments *arguments)
{
    uint32_t type = arguments->flags & LINUX_MAP_TYPE;
    uint64_t size = linux_page_up(arguments->size);
    struct linux_region region = { .protection = arguments->protection & LINUX_PROT_MASK,
                                   .offset = arguments->offset };
    if (arguments->size == 0 || (arguments->offset & (LINUX_PAGE_SIZE - 1)) != 0 || type == 0 ||
        type > LINUX_MAP_SHARED_VALIDATE) {
        return -LINUX_EINVAL;
    }
    if (size == 0 || size > LINUX_ADDRESS_TOP) {
        return -LINUX_ENOMEM;
    }
    uint64_t end_offset = 0;
    if (__builtin_add_overflow(arguments->offset, size, &end_offset)) {
        return -LINUX_EOVERFLOW;
    }
    int error = 0;
    if ((arguments->flags & LINUX_MAP_ANONYMOUS) == 0) {
        error = map_file(task, arguments, &region);
    } else {
        region.offset = 0;
    }
    if (error == 0) {
        error = map_place(task, arguments, size, &region.start);
    }
    if (error != 0) {
        return error;
    }
    region.end = region.start + size;
    error = linux_memory_map(task, &region);
    return error != 0 ? error : (int64_t)region.start;
}

int64_t linux_call_munmap(struct linux_task *task, uint64_t address, uint64_t size)
{
    size = linux_page_up(size);
    if ((address & (LINUX_PAGE_SIZE - 1)) != 0 || !range_valid(address, size)) {
        return -LINUX_EINVAL;
    }
    return linux_memory_unmap(task, address, address + size);
}

int64_t linux_call_mprotect(struct linux_task *task, uint64_t address, uint64_t size,
                            uint32_t protection)
{
    if ((address & (LINUX_PAGE_SIZE - 1)) != 0 || (protection & ~LINUX_PROT_MASK) != 0) {
        return -LINUX_EINVAL;
    }
    if (size == 0) {
        return 0;
    }
    size = linux_page_up(size);
    if (!range_valid(address, size)) {
        return -LINUX_ENOMEM;
    }
    return linux_memory_protect(task, address, address + size, protection);
}

static int guest_move(struct linux_task *task, uint64_t target, uint64_t source, uint64_t size)
{
    uint8_t bytes[COPY_CHUNK];
    for (uint64_t done = 0; done < size; done += sizeof(bytes)) {
        int error = linux_guest_read(task, bytes, source + done, sizeof(bytes));
        if (error == 0) {
            error = linux_guest_write(task, target + done, bytes, sizeof(bytes));
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int64_t remap_move(struct linux_task *task, const struct linux_region *old,
                          uint64_t old_size, uint64_t new_size)
{
    uint64_t start = linux_memory_place(task->memory, new_size);
    struct linux_region region = { .start = start,
                                   .end = start + new_size,
                                   .protection = LINUX_PROT_READ | LINUX_PROT_WRITE };
    uint32_t protection = old->protection;
    uint64_t old_start = old->start;
    if (start == 0) {
        return -LINUX_ENOMEM;
    }
    int error = linux_memory_map(task, &region);
    if (error != 0) {
        return error;
    }
    error = guest_move(task, start, old_start, old_size);
    if (error == 0 && protection != region.protection) {
        error = linux_memory_protect(task, start, start + new_size, protection);
    }
    if (error != 0) {
        (void)linux_memory_unmap(task, start, start + new_size); // as it was before
        return error;
    }
    error = linux_memory_unmap(task, old_start, old_start + old_size);
    return error != 0 ? error : (int64_t)start;
}

int64_t linux_call_mremap(struct linux_task *task, uint64_t address, uint64_t old_size,
                          uint64_t new_size, uint32_t flags, uint64_t new_address)
{
    (void)new_address;
    old_size = linux_page_up(old_size);
    new_size = linux_page_up(new_size);
    if ((flags & ~LINUX_MREMAP_MAYMOVE) != 0) {
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
    if ((address & (LINUX_PAGE_SIZE - 1)) != 0 || !range_valid(address, old_size) ||
        new_size == 0) {
        return -LINUX_EINVAL;
    }
    const struct linux_region *region = linux_memory_find(task->memory, address);
    if (region == NULL || region->end - address < old_size) {
        return -LINUX_EFAULT;
    }
    if (new_size <= old_size) {
        int error = new_size == old_size
                        ? 0
                        : linux_memory_unmap(task, address + new_size, address + old_size);
        return error != 0 ? error : (int64_t)address;
    }
    struct linux_region part = *region;
    part.start = address + old_size;
    part.end = address + new_size;
    bool can_grow = region->file == NULL && range_valid(address, new_size) &&
                    linux_memory_is_free(task->memory, part.start, part.end);
    if (can_grow) {
        int error = linux_memory_map(task, &part);
        return error != 0 ? error : (int64_t)address;
    }
    if ((flags & LINUX_MREMAP_MAYMOVE) == 0 || region->file != NULL) {
        return -LINUX_ENOMEM;
    }
    part = *region;
    part.start = address;
    return remap_move(task, &part, old_size, new_size);
}

static int discard_part(struct linux_task *task, const struct linux_region *region, uint64_t start,
                        uint64_t end)
{
    if (region->file == NULL) {
        return platform_guest_discard(linux_task_guest(task), start, end - start);
    }
    struct linux_region again = *region;
    again.offset += start - region->start;
    again.start = start;
    again.end = end;
    return linux_memory_map(task, &again);
}

// Zeroes the anonymous parts of the range; file pages are filled from the file again. Holes are
// passed over and reported at the end.
static int64_t discard(struct linux_task *task, uint64_t start, uint64_t end)
{
    int result = 0;
    while (start < end) {
        const struct linux_region *region = linux_memory_find(task->memory, start);
        if (region == NULL) {
            result = -LINUX_ENOMEM;
            uint64_t next = linux_memory_next(task->memory, start);
            start = next < end ? next : end;
            continue;
        }
        uint64_t part_end = region->end < end ? region->end : end;
        int error = discard_part(task, region, start, part_end);
        if (error != 0) {
            return error;
        }
        start = part_end;
    }
    return result;
}

int64_t linux_call_madvise(struct linux_task *task, uint64_t address, uint64_t size,
                           uint32_t advice)
{
    size = linux_page_up(size);
    bool is_known = advice <= LINUX_MADV_DONTNEED || advice == LINUX_MADV_FREE ||
                    (advice >= MADV_DONTFORK && advice <= ADVICE_MAX);
    if ((address & (LINUX_PAGE_SIZE - 1)) != 0 || !is_known || advice == MADV_REMOVE) {
        return -LINUX_EINVAL;
    }
    if (size == 0) {
        return 0;
    }
    if (!range_valid(address, size)) {
        return -LINUX_ENOMEM;
    }
    if (advice == LINUX_MADV_DONTNEED) {
        return discard(task, address, address + size);
    }
    return linux_memory_is_mapped(task->memory, address, address + size) ? 0 : -LINUX_ENOMEM;
}

static int64_t mapped_check(const struct linux_task *task, uint64_t address, uint64_t size)
{
    size = linux_page_up(size);
    if ((address & (LINUX_PAGE_SIZE - 1)) != 0) {
        return -LINUX_EINVAL;
    }
    bool is_mapped = size == 0 || (range_valid(address, size) &&
                                   linux_memory_is_mapped(task->memory, address, address + size));
    return is_mapped ? 0 : -LINUX_ENOMEM;
}

int64_t linux_call_msync(struct linux_task *task, uint64_t address, uint64_t size, uint32_t flags)
{
    return (flags & ~MSYNC_FLAGS) != 0 ? -LINUX_EINVAL : mapped_check(task, address, size);
}

int64_t linux_call_mincore(struct linux_task *task, uint64_t address, uint64_t size,
                           uint64_t vector)
{
    uint8_t resident[MINCORE_PAGES];
    int64_t error = mapped_check(task, address, size);
    uint64_t pages = linux_page_up(size) >> LINUX_PAGE_SHIFT;
    for (uint32_t index = 0; index < MINCORE_PAGES; index++) {
        resident[index] = 1;
    }
    for (uint64_t done = 0; error == 0 && done < pages; done += MINCORE_PAGES) {
        uint64_t rest = pages - done;
        size_t count = rest < MINCORE_PAGES ? (size_t)rest : MINCORE_PAGES;
        error = linux_guest_write(task, vector + done, resident, count);
    }
    return error;
}

int64_t linux_call_mlock(struct linux_task *task, uint64_t address, uint64_t size)
{
    uint64_t start = linux_page_down(address);
    return mapped_check(task, start, size + (address - start));
}

int64_t linux_call_munlock(struct linux_task *task, uint64_t address, uint64_t size)
{
    return linux_call_mlock(task, address, size);
}

int64_t linux_call_mlockall(struct linux_task *task, uint32_t flags)
{
    (void)task;
    return flags == 0 || flags > 7U ? -LINUX_EINVAL : 0;
}

int64_t linux_call_munlockall(struct linux_task *task)
{
    (void)task;
    return 0;
}
