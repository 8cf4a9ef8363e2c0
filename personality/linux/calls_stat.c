// SPDX-License-Identifier: MIT OR Apache-2.0
// stat in its five forms, statx, statfs: sizes and counts as tmpfs reports them.

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"

#define BLOCK_SIZE        512U
#define EMPTY_DIR_ENTRIES 2U
#define STAT_FLAGS                                                                                 \
    (LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_NO_AUTOMOUNT | LINUX_AT_EMPTY_PATH |                     \
     LINUX_AT_STATX_SYNC_TYPE)
#define MAJOR_SHIFT 8U
#define MAJOR_MASK  0xfffU
#define MINOR_MASK  0xffU

static int64_t inode_size(const struct linux_inode *inode)
{
    switch (inode->mode & LINUX_S_IFMT) {
    case LINUX_S_IFREG:
        return (int64_t)inode->data.size;
    case LINUX_S_IFLNK:
        return (int64_t)inode->text_size;
    case LINUX_S_IFDIR:
        return inode->file_system == LINUX_DEVICE_PROC
                   ? 0
                   : (int64_t)((inode->child_count + EMPTY_DIR_ENTRIES) * LINUX_TMPFS_DIR_ENTRY);
    default:
        return 0;
    }
}

static int64_t inode_blocks(const struct linux_inode *inode)
{
    const struct linux_file_data *data = &inode->data;
    if (!linux_inode_is(inode, LINUX_S_IFREG)) {
        return 0;
    }
    uint64_t blob_pages = (data->blob_size + LINUX_PAGE_SIZE - 1) >> LINUX_PAGE_SHIFT;
    uint64_t pages = data->page_count > blob_pages ? data->page_count : blob_pages;
    return (int64_t)(pages * (LINUX_PAGE_SIZE / BLOCK_SIZE));
}

static int64_t stat_put(const struct linux_task *task, const struct linux_inode *inode,
                        uint64_t address)
{
    const struct linux_stat stat = {
        .st_dev = inode->file_system,
        .st_ino = inode->number,
        .st_nlink = inode->link_count,
        .st_mode = inode->mode,
        .st_uid = inode->uid,
        .st_gid = inode->gid,
        .st_rdev = inode->device,
        .st_size = inode_size(inode),
        .st_blksize = (int64_t)LINUX_PAGE_SIZE,
        .st_blocks = inode_blocks(inode),
        .st_atime_s = (uint64_t)inode->accessed.seconds,
        .st_atime_ns = inode->accessed.nanoseconds,
        .st_mtime_s = (uint64_t)inode->modified.seconds,
        .st_mtime_ns = inode->modified.nanoseconds,
        .st_ctime_s = (uint64_t)inode->changed.seconds,
        .st_ctime_ns = inode->changed.nanoseconds,
    };
    return linux_guest_write(task, address, &stat, sizeof(stat));
}

int64_t linux_call_newfstatat(struct linux_task *task, int32_t directory, uint64_t path,
                              uint64_t buffer, uint32_t flags)
{
    struct linux_entry *entry = NULL;
    if ((flags & ~STAT_FLAGS) != 0) {
        return -LINUX_EINVAL;
    }
    int64_t result = linux_path_entry_at(task, directory, path, flags, &entry);
    if (result != 0) {
        return result;
    }
    result = stat_put(task, entry->inode, buffer);
    linux_entry_put(linux_task_tree(task), entry);
    return result;
}

int64_t linux_call_stat(struct linux_task *task, uint64_t path, uint64_t buffer)
{
    return linux_call_newfstatat(task, LINUX_AT_FDCWD, path, buffer, 0);
}

int64_t linux_call_lstat(struct linux_task *task, uint64_t path, uint64_t buffer)
{
    return linux_call_newfstatat(task, LINUX_AT_FDCWD, path, buffer, LINUX_AT_SYMLINK_NOFOLLOW);
}

int64_t linux_call_fstat(struct linux_task *task, int32_t fd, uint64_t buffer)
{
    const struct linux_file *file = linux_files_find(task, fd);
    return file == NULL ? -LINUX_EBADF : stat_put(task, file->entry->inode, buffer);
}

static struct linux_statx_time statx_time(const struct linux_time *time)
{
    return (struct linux_statx_time){ .seconds = time->seconds, .nanoseconds = time->nanoseconds };
}

static uint32_t device_major(uint64_t device)
{
    return (uint32_t)(device >> MAJOR_SHIFT) & MAJOR_MASK;
}

static uint32_t device_minor(uint64_t device)
{
    return (uint32_t)(device & MINOR_MASK) | ((uint32_t)(device >> 12) & ~MINOR_MASK);
}

static int64_t statx_put(const struct linux_task *task, const struct linux_inode *inode,
                         uint64_t address)
{
    const struct linux_statx statx = {
        .mask = LINUX_STATX_BASIC_STATS,
        .blksize = (uint32_t)LINUX_PAGE_SIZE,
        .nlink = inode->link_count,
        .uid = inode->uid,
        .gid = inode->gid,
        .mode = (uint16_t)inode->mode,
        .ino = inode->number,
        .size = (uint64_t)inode_size(inode),
        .blocks = (uint64_t)inode_blocks(inode),
        .atime = statx_time(&inode->accessed),
        .btime = statx_time(&inode->born),
        .ctime = statx_time(&inode->changed),
        .mtime = statx_time(&inode->modified),
        .rdev_major = device_major(inode->device),
        .rdev_minor = device_minor(inode->device),
        .dev_major = device_major(inode->file_system),
        .dev_minor = device_minor(inode->file_system),
    };
    return linux_guest_write(task, address, &statx, sizeof(statx));
}

int64_t linux_call_statx(struct linux_task *task, int32_t directory, uint64_t path, uint32_t flags,
                         uint32_t mask, uint64_t buffer)
{
    struct linux_entry *entry = NULL;
    (void)mask;
    if ((flags & ~STAT_FLAGS) != 0) {
        return -LINUX_EINVAL;
    }
    int64_t result = linux_path_entry_at(task, directory, path, flags, &entry);
    if (result != 0) {
        return result;
    }
    result = statx_put(task, entry->inode, buffer);
    linux_entry_put(linux_task_tree(task), entry);
    return result;
}

static int64_t statfs_put(const struct linux_task *task, const struct linux_inode *inode,
                          uint64_t address)
{
    const struct linux_heap *heap = &task->container->heap;
    struct linux_statfs statfs = { .type = LINUX_TMPFS_MAGIC,
                                   .bsize = (int64_t)LINUX_PAGE_SIZE,
                                   .blocks = (int64_t)heap->pages_limit,
                                   .bfree = (int64_t)(heap->pages_limit - heap->pages_used),
                                   .files = (int64_t)heap->pages_limit,
                                   .namelen = LINUX_NAME_MAX,
                                   .frsize = (int64_t)LINUX_PAGE_SIZE };
    statfs.bavail = statfs.bfree;
    statfs.ffree = statfs.files - (int64_t)task->container->tree.inode_count;
    if (inode->file_system != LINUX_DEVICE_TREE) {
        statfs.blocks = 0;
        statfs.bfree = 0;
        statfs.bavail = 0;
        statfs.files = 0;
        statfs.ffree = 0;
        statfs.type =
            inode->file_system == LINUX_DEVICE_PROC ? LINUX_PROC_MAGIC : LINUX_PIPEFS_MAGIC;
    }
    return linux_guest_write(task, address, &statfs, sizeof(statfs));
}

int64_t linux_call_statfs(struct linux_task *task, uint64_t path, uint64_t buffer)
{
    struct linux_entry *entry = NULL;
    int64_t result = linux_path_entry_at(task, LINUX_AT_FDCWD, path, 0, &entry);
    if (result != 0) {
        return result;
    }
    result = statfs_put(task, entry->inode, buffer);
    linux_entry_put(linux_task_tree(task), entry);
    return result;
}

int64_t linux_call_fstatfs(struct linux_task *task, int32_t fd, uint64_t buffer)
{
    const struct linux_file *file = linux_files_find(task, fd);
    return file == NULL ? -LINUX_EBADF : statfs_put(task, file->entry->inode, buffer);
}
