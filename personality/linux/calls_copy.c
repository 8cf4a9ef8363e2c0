// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls of group io that move or shape whole files: sendfile, truncation, allocation, syncing. What
// is in memory is stable at once, so syncing only checks its descriptor.

#include <personality/errors.h>
#include <personality/memory.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"

#define FALLOC_KEEP_SIZE 1U
#define ADVICE_MAX       5
#define LOCK_NONBLOCK    4
#define COPY_CHUNK       LINUX_PAGE_SIZE

// Copies through a page below the guest's stack region that is mapped for the length of the call:
// every kind of file moves bytes between itself and guest memory only.
struct copy_window {
    uint64_t address;
};

static int window_open(struct linux_task *task, struct copy_window *window)
{
    window->address = linux_memory_place(task->memory, COPY_CHUNK);
    if (window->address == 0) {
        return -LINUX_ENOMEM;
    }
    return platform_guest_map(linux_task_guest(task), window->address, COPY_CHUNK,
                              PLATFORM_READ | PLATFORM_WRITE);
}

static void window_close(struct linux_task *task, const struct copy_window *window)
{
    (void)platform_guest_unmap(linux_task_guest(task), window->address, COPY_CHUNK); // it is mapped
}

struct copy_state {
    struct linux_file *source;
    struct linux_file *target;
    uint64_t source_offset;
    uint64_t target_offset;
    bool has_source_offset;
    bool has_target_offset;
};

static int64_t copy_chunk_write(struct linux_task *task, struct copy_state *copy, uint64_t address,
                                uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        int64_t count = copy->has_target_offset
                            ? linux_file_write_at(task, copy->target, address + done, size - done,
                                                  copy->target_offset)
                            : linux_file_write(task, copy->target, address + done, size - done);
        if (count <= 0) {
            return done == 0 ? count : (int64_t)done;
        }
        done += (uint64_t)count;
        copy->target_offset += (uint64_t)count;
    }
    return (int64_t)done;
}

static int64_t copy_run(struct linux_task *task, struct copy_state *copy, uint64_t size)
{
    struct copy_window window;
    uint64_t done = 0;
    int64_t result = window_open(task, &window);
    if (result != 0) {
        return result;
    }
    uint64_t place = copy->has_source_offset ? copy->source_offset : copy->source->offset;
    while (done < size) {
        uint64_t chunk = size - done < COPY_CHUNK ? size - done : COPY_CHUNK;
        result = linux_file_read_at(task, copy->source, window.address, chunk, place + done);
        if (result <= 0) {
            break;
        }
        uint64_t count = (uint64_t)result;
        result = copy_chunk_write(task, copy, window.address, count);
        done += result > 0 ? (uint64_t)result : 0;
        if (result < 0 || (uint64_t)result < count) {
            break;
        }
    }
    window_close(task, &window);
    copy->source_offset = place + done;
    if (!copy->has_source_offset) {
        copy->source->offset = place + done;
    }
    return done == 0 ? result : (int64_t)done;
}

static bool is_copy_source(const struct linux_file *file)
{
    return linux_inode_is(file->entry->inode, LINUX_S_IFREG);
}

int64_t linux_call_sendfile(struct linux_task *task, int32_t target, int32_t source,
                            uint64_t offset, uint64_t count)
{
    struct copy_state copy = { .source = linux_files_find_io(task, source),
                               .target = linux_files_find_io(task, target),
                               .has_source_offset = offset != 0 };
    if (copy.source == NULL || copy.target == NULL || !linux_file_may_read(copy.source) ||
        !linux_file_may_write(copy.target)) {
        return -LINUX_EBADF;
    }
    if (!is_copy_source(copy.source) || (copy.target->flags & LINUX_O_APPEND) != 0) {
        return -LINUX_EINVAL; // programs fall back to read and write
    }
    if (copy.has_source_offset &&
        linux_guest_read(task, &copy.source_offset, offset, sizeof(copy.source_offset)) != 0) {
        return -LINUX_EFAULT;
    }
    count = count < LINUX_RW_COUNT_MAX ? count : LINUX_RW_COUNT_MAX;
    int64_t done = copy_run(task, &copy, count);
    if (done >= 0 && copy.has_source_offset &&
        linux_guest_write(task, offset, &copy.source_offset, sizeof(copy.source_offset)) != 0) {
        return -LINUX_EFAULT;
    }
    return done;
}

static int offset_load(const struct linux_task *task, uint64_t address, bool *out_has,
                       uint64_t *out_offset)
{
    *out_has = address != 0;
    return address == 0 ? 0 : linux_guest_read(task, out_offset, address, sizeof(*out_offset));
}

int64_t linux_call_copy_file_range(struct linux_task *task,
                                   const struct linux_call_copy_file_range_arguments *arguments)
{
    struct copy_state copy = { .source = linux_files_find_io(task, arguments->source),
                               .target = linux_files_find_io(task, arguments->target) };
    if (copy.source == NULL || copy.target == NULL || !linux_file_may_read(copy.source) ||
        !linux_file_may_write(copy.target) || (copy.target->flags & LINUX_O_APPEND) != 0) {
        return -LINUX_EBADF;
    }
    if (!is_copy_source(copy.source) || !is_copy_source(copy.target) || arguments->flags != 0) {
        return -LINUX_EINVAL;
    }
    if (offset_load(task, arguments->source_offset, &copy.has_source_offset, &copy.source_offset) !=
            0 ||
        offset_load(task, arguments->target_offset, &copy.has_target_offset, &copy.target_offset) !=
            0) {
        return -LINUX_EFAULT;
    }
    uint64_t count = arguments->count < LINUX_RW_COUNT_MAX ? arguments->count : LINUX_RW_COUNT_MAX;
    int64_t done = copy_run(task, &copy, count);
    if (done >= 0 && copy.has_source_offset) {
        (void)linux_guest_write(task, arguments->source_offset, &copy.source_offset,
                                sizeof(copy.source_offset)); // was readable just now
    }
    if (done >= 0 && copy.has_target_offset) {
        (void)linux_guest_write(task, arguments->target_offset, &copy.target_offset,
                                sizeof(copy.target_offset)); // was readable just now
    }
    return done;
}

static int64_t descriptor_check(const struct linux_task *task, int32_t fd)
{
    return linux_files_find_io(task, fd) == NULL ? -LINUX_EBADF : 0;
}

int64_t linux_call_fsync(struct linux_task *task, int32_t fd)
{
    const struct linux_file *file = linux_files_find_io(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    return linux_inode_is(file->entry->inode, LINUX_S_IFIFO) ? -LINUX_EINVAL : 0;
}

int64_t linux_call_fdatasync(struct linux_task *task, int32_t fd)
{
    return linux_call_fsync(task, fd);
}

int64_t linux_call_sync(struct linux_task *task)
{
    (void)task;
    return 0;
}

int64_t linux_call_syncfs(struct linux_task *task, int32_t fd)
{
    return descriptor_check(task, fd);
}

static int64_t truncate_inode(struct linux_task *task, struct linux_inode *inode, int64_t size)
{
    if (!linux_inode_is(inode, LINUX_S_IFREG) || inode->operations != NULL || size < 0) {
        return -LINUX_EINVAL;
    }
    return linux_inode_truncate(linux_task_tree(task), inode, (uint64_t)size);
}

int64_t linux_call_ftruncate(struct linux_task *task, int32_t fd, int64_t size)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (size < 0) {
        return -LINUX_EINVAL;
    }
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    return linux_file_may_write(file) ? truncate_inode(task, file->entry->inode, size)
                                      : -LINUX_EINVAL;
}

int64_t linux_call_truncate(struct linux_task *task, uint64_t path, int64_t size)
{
    struct linux_entry *entry = NULL;
    if (size < 0) {
        return -LINUX_EINVAL;
    }
    int64_t result = linux_path_entry_at(task, LINUX_AT_FDCWD, path, 0, &entry);
    if (result != 0) {
        return result;
    }
    result = linux_inode_is(entry->inode, LINUX_S_IFDIR)
                 ? -LINUX_EISDIR
                 : linux_permission(task, entry->inode, LINUX_W_OK);
    if (result == 0) {
        result = truncate_inode(task, entry->inode, size);
    }
    linux_entry_put(linux_task_tree(task), entry);
    return result;
}

int64_t linux_call_fadvise64(struct linux_task *task, int32_t fd, int64_t offset, uint64_t size,
                             int32_t advice)
{
    const struct linux_file *file = linux_files_find_io(task, fd);
    (void)offset;
    (void)size;
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    if (linux_inode_is(file->entry->inode, LINUX_S_IFIFO)) {
        return -LINUX_ESPIPE;
    }
    return advice < 0 || advice > ADVICE_MAX ? -LINUX_EINVAL : 0;
}

int64_t linux_call_fallocate(struct linux_task *task, int32_t fd, uint32_t mode, int64_t offset,
                             int64_t size)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (file == NULL || !linux_file_may_write(file)) {
        return -LINUX_EBADF;
    }
    if ((mode & ~FALLOC_KEEP_SIZE) != 0) {
        task->container->refused_flags++;
        return -LINUX_EOPNOTSUPP;
    }
    int64_t end = 0;
    if (offset < 0 || size <= 0 || !linux_inode_is(file->entry->inode, LINUX_S_IFREG)) {
        return -LINUX_EINVAL;
    }
    if (__builtin_add_overflow(offset, size, &end) || end > LINUX_FILE_SIZE_MAX) {
        return -LINUX_EFBIG;
    }
    struct linux_inode *inode = file->entry->inode;
    struct linux_heap *heap = linux_task_heap(task);
    for (uint64_t page = (uint64_t)offset >> LINUX_PAGE_SHIFT;
         page < linux_page_up((uint64_t)end) >> LINUX_PAGE_SHIFT; page++) {
        if (linux_file_data_page_own(&inode->data, heap, page) == NULL) {
            return -LINUX_ENOSPC;
        }
    }
    bool grows = (mode & FALLOC_KEEP_SIZE) == 0 && (uint64_t)end > inode->data.size;
    return grows ? linux_inode_truncate(linux_task_tree(task), inode, (uint64_t)end) : 0;
}

int64_t linux_call_flock(struct linux_task *task, int32_t fd, int32_t operation)
{
    int32_t kind = operation & ~LOCK_NONBLOCK;
    if (kind != 1 && kind != 2 && kind != 8) { // LOCK_SH LOCK_EX LOCK_UN
        return -LINUX_EINVAL;
    }
    return descriptor_check(task, fd);
}
