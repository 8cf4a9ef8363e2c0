// SPDX-License-Identifier: MIT OR Apache-2.0
// Moving bytes between files and guest or personality memory. A regular file's page is copied
// straight to or from the guest; a fault in the middle ends the transfer with what was moved, as on
// Linux. Devices, streams and pipes bring their own operations.

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static size_t page_rest(uint64_t offset)
{
    return (size_t)(LINUX_PAGE_SIZE - (offset & (LINUX_PAGE_SIZE - 1)));
}

// Bytes [offset, offset + size) of one page to the guest or, with task NULL, to own memory.
static int page_copy_out(const struct linux_task *task, const struct linux_inode *inode,
                         uint64_t target, uint64_t offset, size_t size)
{
    static const uint8_t zeros[LINUX_PAGE_SIZE];
    size_t valid = 0;
    size_t start = (size_t)(offset & (LINUX_PAGE_SIZE - 1));
    const uint8_t *page = linux_file_data_page(&inode->data, offset >> LINUX_PAGE_SHIFT, &valid);
    size_t part = page == NULL || valid <= start ? 0 : (size_t)smaller(valid - start, size);
    if (task == NULL) {
        memcpy((void *)(uintptr_t)target, part == 0 ? zeros : page + start, part);
        memset((void *)(uintptr_t)(target + part), 0, size - part);
        return 0;
    }
    if (part != 0 && linux_guest_write(task, target, page + start, part) != 0) {
        return -LINUX_EFAULT;
    }
    return part == size ? 0 : linux_guest_write(task, target + part, zeros, size - part);
}

static int64_t inode_read(const struct linux_task *task, const struct linux_inode *inode,
                          uint64_t target, uint64_t size, uint64_t offset)
{
    if (offset >= inode->data.size) {
        return 0;
    }
    size = smaller(size, inode->data.size - offset);
    uint64_t done = 0;
    while (done < size) {
        size_t chunk = (size_t)smaller(page_rest(offset + done), size - done);
        int error = page_copy_out(task, inode, target + done, offset + done, chunk);
        if (error != 0 && chunk > page_rest(target + done)) {
            // Part of the guest's range may be there: up to its page's end.
            chunk = page_rest(target + done);
            error = page_copy_out(task, inode, target + done, offset + done, chunk);
        }
        if (error != 0) {
            return done == 0 ? -LINUX_EFAULT : (int64_t)done;
        }
        done += chunk;
    }
    return (int64_t)done;
}

int64_t linux_inode_read(const struct linux_inode *inode, void *buffer, uint64_t size,
                         uint64_t offset)
{
    return inode_read(NULL, inode, (uint64_t)(uintptr_t)buffer, size, offset);
}

static int64_t inode_write(const struct linux_task *task, struct linux_tree *tree,
                           struct linux_inode *inode, uint64_t source, uint64_t size,
                           uint64_t offset)
{
    uint64_t done = 0;
    int error = 0;
    while (done < size && error == 0) {
        uint64_t place = offset + done;
        size_t chunk = (size_t)smaller(page_rest(place), size - done);
        uint8_t *page =
            linux_file_data_page_own(&inode->data, tree->heap, place >> LINUX_PAGE_SHIFT);
        if (page == NULL) {
            error = -LINUX_ENOSPC;
            break;
        }
        page += place & (LINUX_PAGE_SIZE - 1);
        if (task == NULL) {
            memcpy(page, (const void *)(uintptr_t)(source + done), chunk);
        } else {
            error = linux_guest_read(task, page, source + done, chunk);
            if (error != 0 && chunk > page_rest(source + done)) {
                chunk = page_rest(source + done);
                error = linux_guest_read(task, page, source + done, chunk);
            }
        }
        if (error == 0) {
            done += chunk;
            inode->data.size = place + chunk > inode->data.size ? place + chunk : inode->data.size;
        } else if (place >= inode->data.size) {
            memset(page, 0, chunk); // a partial copy must not stand beyond the size
        }
    }
    if (done != 0) {
        inode->mode &= ~(task != NULL && task->credentials.euid != 0 ? LINUX_S_ISUID : 0U);
        linux_inode_touch(inode, true);
    }
    return done == 0 && error != 0 ? error : (int64_t)done;
}

int64_t linux_inode_write(struct linux_tree *tree, struct linux_inode *inode, const void *buffer,
                          uint64_t size, uint64_t offset)
{
    return inode_write(NULL, tree, inode, (uint64_t)(uintptr_t)buffer, size, offset);
}

int linux_inode_truncate(struct linux_tree *tree, struct linux_inode *inode, uint64_t size)
{
    if (size > (uint64_t)LINUX_FILE_SIZE_MAX) {
        return -LINUX_EFBIG;
    }
    linux_file_data_resize(&inode->data, tree->heap, size);
    linux_inode_touch(inode, true);
    return 0;
}

static int64_t generated_read(struct linux_task *task, const struct linux_file *file,
                              uint64_t address, uint64_t size, uint64_t offset)
{
    if (offset >= file->generated_size) {
        return 0;
    }
    size = smaller(size, file->generated_size - offset);
    int error = linux_guest_write(task, address, file->generated + offset, (size_t)size);
    return error != 0 ? error : (int64_t)size;
}

int64_t linux_file_read_at(struct linux_task *task, struct linux_file *file, uint64_t address,
                           uint64_t size, uint64_t offset)
{
    struct linux_inode *inode = file->entry->inode;
    if (!linux_file_may_read(file)) {
        return -LINUX_EBADF;
    }
    if (linux_inode_is(inode, LINUX_S_IFDIR)) {
        return -LINUX_EISDIR;
    }
    size = smaller(size, LINUX_RW_COUNT_MAX);
    if (!linux_guest_range_valid(address, size)) {
        return -LINUX_EFAULT;
    }
    if (inode->operations != NULL && inode->operations->read != NULL) {
        return inode->operations->read(task, file, address, size);
    }
    if (inode->operations != NULL && inode->operations->generate != NULL) {
        return generated_read(task, file, address, size, offset);
    }
    if (!linux_inode_is(inode, LINUX_S_IFREG)) {
        return -LINUX_EINVAL;
    }
    if (size != 0 && (file->flags & LINUX_O_NOATIME) == 0) {
        inode->accessed = linux_time_now();
    }
    return inode_read(task, inode, address, size, offset);
}

// RLIMIT_FSIZE: at the limit SIGXFSZ and EFBIG, across it a shorter write.
static int write_limit(struct linux_task *task, uint64_t offset, uint64_t *size)
{
    uint64_t limit = task->limits[LINUX_RLIMIT_FSIZE].current;
    if (offset >= (uint64_t)LINUX_FILE_SIZE_MAX) {
        return -LINUX_EFBIG;
    }
    *size = smaller(*size, (uint64_t)LINUX_FILE_SIZE_MAX - offset);
    if (limit == LINUX_RLIM_INFINITY || *size == 0) {
        return 0;
    }
    if (offset >= limit) {
        linux_signal_raise(task, LINUX_SIGXFSZ, LINUX_SI_USER);
        return -LINUX_EFBIG;
    }
    *size = smaller(*size, limit - offset);
    return 0;
}

int64_t linux_file_write_at(struct linux_task *task, struct linux_file *file, uint64_t address,
                            uint64_t size, uint64_t offset)
{
    struct linux_inode *inode = file->entry->inode;
    if (!linux_file_may_write(file)) {
        return -LINUX_EBADF;
    }
    size = smaller(size, LINUX_RW_COUNT_MAX);
    if (!linux_guest_range_valid(address, size)) {
        return -LINUX_EFAULT;
    }
    if (inode->operations != NULL && inode->operations->write != NULL) {
        return inode->operations->write(task, file, address, size);
    }
    if (!linux_inode_is(inode, LINUX_S_IFREG) || inode->operations != NULL) {
        return -LINUX_EINVAL;
    }
    int error = write_limit(task, offset, &size);
    return error != 0 ? error
                      : inode_write(task, linux_task_tree(task), inode, address, size, offset);
}

static bool file_has_position(const struct linux_file *file)
{
    const struct linux_inode *inode = file->entry->inode;
    return linux_inode_is(inode, LINUX_S_IFREG);
}

int64_t linux_file_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                        uint64_t size)
{
    int64_t count = linux_file_read_at(task, file, address, size, file->offset);
    if (count > 0 && file_has_position(file)) {
        file->offset += (uint64_t)count;
    }
    return count;
}

int64_t linux_file_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                         uint64_t size)
{
    bool has_position = file_has_position(file);
    if (has_position && (file->flags & LINUX_O_APPEND) != 0 && linux_file_may_write(file)) {
        file->offset = file->entry->inode->data.size;
    }
    int64_t count = linux_file_write_at(task, file, address, size, file->offset);
    if (count > 0 && has_position) {
        file->offset += (uint64_t)count;
    }
    return count;
}
