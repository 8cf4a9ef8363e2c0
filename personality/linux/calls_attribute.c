// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls that change a file's attributes: mode, owner, times. Extended attributes are refused as by
// a file system that has none.

#include <personality/errors.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"

#define OWNER_KEEP UINT32_MAX

struct attribute_change {
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    struct linux_timespec times[2];
    bool has_times; // else both become now
};

typedef int (*change_function)(const struct linux_task *task, struct linux_inode *inode,
                               const struct attribute_change *change);

static bool task_owns(const struct linux_task *task, const struct linux_inode *inode)
{
    return task->credentials.euid == 0 || task->credentials.euid == inode->uid;
}

static int change_mode(const struct linux_task *task, struct linux_inode *inode,
                       const struct attribute_change *change)
{
    if (!task_owns(task, inode)) {
        return -LINUX_EPERM;
    }
    if (linux_inode_is(inode, LINUX_S_IFLNK)) {
        return -LINUX_EOPNOTSUPP;
    }
    inode->mode = (inode->mode & LINUX_S_IFMT) | (change->mode & LINUX_S_PERM);
    linux_inode_touch(inode, false);
    return 0;
}

static int change_owner(const struct linux_task *task, struct linux_inode *inode,
                        const struct attribute_change *change)
{
    bool changes_uid = change->uid != OWNER_KEEP && change->uid != inode->uid;
    bool may_group = change->gid == OWNER_KEEP || change->gid == task->credentials.egid;
    if (task->credentials.euid != 0 && (changes_uid || !task_owns(task, inode) || !may_group)) {
        return -LINUX_EPERM;
    }
    inode->uid = change->uid == OWNER_KEEP ? inode->uid : change->uid;
    inode->gid = change->gid == OWNER_KEEP ? inode->gid : change->gid;
    if (!linux_inode_is(inode, LINUX_S_IFDIR)) {
        bool is_group_executable = (inode->mode & 0010U) != 0;
        inode->mode &= ~(LINUX_S_ISUID | (is_group_executable ? LINUX_S_ISGID : 0U));
    }
    linux_inode_touch(inode, false);
    return 0;
}

static void time_set(struct linux_time *time, const struct linux_timespec *wanted,
                     const struct linux_time *now)
{
    if (wanted->nanoseconds == LINUX_UTIME_NOW) {
        *time = *now;
    } else if (wanted->nanoseconds != LINUX_UTIME_OMIT) {
        *time = (struct linux_time){ .seconds = wanted->seconds,
                                     .nanoseconds = (uint32_t)wanted->nanoseconds };
    }
}

static int change_times(const struct linux_task *task, struct linux_inode *inode,
                        const struct attribute_change *change)
{
    static const struct linux_timespec now_twice[2] = { { 0, LINUX_UTIME_NOW },
                                                        { 0, LINUX_UTIME_NOW } };
    const struct linux_timespec *times = change->has_times ? change->times : now_twice;
    if (!task_owns(task, inode)) {
        int error = change->has_times ? -LINUX_EPERM : linux_permission(task, inode, LINUX_W_OK);
        if (error != 0) {
            return error;
        }
    }
    struct linux_time now = linux_time_now();
    time_set(&inode->accessed, &times[0], &now);
    time_set(&inode->modified, &times[1], &now);
    inode->changed = now;
    return 0;
}

struct change_request {
    int32_t directory;
    uint64_t path;
    uint32_t at_flags;
    change_function apply;
};

static int64_t change_at(struct linux_task *task, const struct change_request *request,
                         const struct attribute_change *change)
{
    struct linux_entry *entry = NULL;
    int64_t result =
        linux_path_entry_at(task, request->directory, request->path, request->at_flags, &entry);
    if (result != 0) {
        return result;
    }
    bool is_fixed = entry->inode->file_system == LINUX_DEVICE_PROC;
    result = is_fixed ? -LINUX_EPERM : request->apply(task, entry->inode, change);
    linux_entry_put(linux_task_tree(task), entry);
    return result;
}

static int64_t change_file(struct linux_task *task, int32_t fd, change_function apply,
                           const struct attribute_change *change)
{
    const struct linux_file *file = linux_files_find_io(task, fd);
    return file == NULL ? -LINUX_EBADF : apply(task, file->entry->inode, change);
}

int64_t linux_call_fchmodat(struct linux_task *task, int32_t directory, uint64_t path,
                            uint32_t mode)
{
    const struct attribute_change change = { .mode = mode };
    const struct change_request request = { directory, path, 0, change_mode };
    return change_at(task, &request, &change);
}

int64_t linux_call_chmod(struct linux_task *task, uint64_t path, uint32_t mode)
{
    return linux_call_fchmodat(task, LINUX_AT_FDCWD, path, mode);
}

int64_t linux_call_fchmod(struct linux_task *task, int32_t fd, uint32_t mode)
{
    const struct attribute_change change = { .mode = mode };
    return change_file(task, fd, change_mode, &change);
}

int64_t linux_call_fchownat(struct linux_task *task, int32_t directory, uint64_t path, uint32_t uid,
                            uint32_t gid, uint32_t flags)
{
    const struct attribute_change change = { .uid = uid, .gid = gid };
    const struct change_request request = { directory, path, flags, change_owner };
    if ((flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH)) != 0) {
        return -LINUX_EINVAL;
    }
    return change_at(task, &request, &change);
}

int64_t linux_call_chown(struct linux_task *task, uint64_t path, uint32_t uid, uint32_t gid)
{
    return linux_call_fchownat(task, LINUX_AT_FDCWD, path, uid, gid, 0);
}

int64_t linux_call_lchown(struct linux_task *task, uint64_t path, uint32_t uid, uint32_t gid)
{
    return linux_call_fchownat(task, LINUX_AT_FDCWD, path, uid, gid, LINUX_AT_SYMLINK_NOFOLLOW);
}

int64_t linux_call_fchown(struct linux_task *task, int32_t fd, uint32_t uid, uint32_t gid)
{
    const struct attribute_change change = { .uid = uid, .gid = gid };
    return change_file(task, fd, change_owner, &change);
}

static bool time_is_valid(const struct linux_timespec *time)
{
    return time->nanoseconds == LINUX_UTIME_NOW || time->nanoseconds == LINUX_UTIME_OMIT ||
           (time->nanoseconds >= 0 && time->nanoseconds < (int64_t)LINUX_NS_PER_S);
}

static int64_t times_at(struct linux_task *task, const struct change_request *request,
                        const struct attribute_change *change)
{
    // A path of NULL names the descriptor itself.
    if (request->path == 0 && request->directory != LINUX_AT_FDCWD) {
        return change_file(task, request->directory, change_times, change);
    }
    return change_at(task, request, change);
}

int64_t linux_call_utimensat(struct linux_task *task, int32_t directory, uint64_t path,
                             uint64_t times, uint32_t flags)
{
    struct attribute_change change = { .has_times = times != 0 };
    const struct change_request request = { directory, path, flags, change_times };
    if (times != 0) {
        if (linux_guest_read(task, change.times, times, sizeof(change.times)) != 0) {
            return -LINUX_EFAULT;
        }
        if (!time_is_valid(&change.times[0]) || !time_is_valid(&change.times[1])) {
            return -LINUX_EINVAL;
        }
    }
    if ((flags & ~(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH)) != 0) {
        return -LINUX_EINVAL;
    }
    return times_at(task, &request, &change);
}

int64_t linux_call_futimesat(struct linux_task *task, int32_t directory, uint64_t path,
                             uint64_t times)
{
    struct attribute_change change = { .has_times = times != 0 };
    const struct change_request request = { directory, path, 0, change_times };
    struct linux_timeval values[2];
    if (times != 0) {
        if (linux_guest_read(task, values, times, sizeof(values)) != 0) {
            return -LINUX_EFAULT;
        }
        for (uint32_t index = 0; index < 2; index++) {
            int64_t microseconds = values[index].microseconds;
            if (microseconds < 0 || microseconds >= LINUX_US_PER_S) {
                return -LINUX_EINVAL;
            }
            change.times[index] =
                (struct linux_timespec){ values[index].seconds,
                                         microseconds * (int64_t)LINUX_NS_PER_US };
        }
    }
    return times_at(task, &request, &change);
}

int64_t linux_call_utimes(struct linux_task *task, uint64_t path, uint64_t times)
{
    return linux_call_futimesat(task, LINUX_AT_FDCWD, path, times);
}

int64_t linux_call_utime(struct linux_task *task, uint64_t path, uint64_t times)
{
    struct attribute_change change = { .has_times = times != 0 };
    const struct change_request request = { LINUX_AT_FDCWD, path, 0, change_times };
    int64_t seconds[2] = { 0, 0 };
    if (times != 0 && linux_guest_read(task, seconds, times, sizeof(seconds)) != 0) {
        return -LINUX_EFAULT;
    }
    change.times[0].seconds = seconds[0];
    change.times[1].seconds = seconds[1];
    return change_at(task, &request, &change);
}

static int64_t attribute_at(struct linux_task *task, uint64_t path, uint32_t at_flags,
                            int64_t found_result)
{
    struct linux_entry *entry = NULL;
    int64_t result = linux_path_entry_at(task, LINUX_AT_FDCWD, path, at_flags, &entry);
    if (result != 0) {
        return result;
    }
    linux_entry_put(linux_task_tree(task), entry);
    return found_result;
}

int64_t linux_call_getxattr(struct linux_task *task, uint64_t path, uint64_t name, uint64_t value,
                            uint64_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return attribute_at(task, path, 0, -LINUX_EOPNOTSUPP);
}

int64_t linux_call_lgetxattr(struct linux_task *task, uint64_t path, uint64_t name, uint64_t value,
                             uint64_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return attribute_at(task, path, LINUX_AT_SYMLINK_NOFOLLOW, -LINUX_EOPNOTSUPP);
}

int64_t linux_call_fgetxattr(struct linux_task *task, int32_t fd, uint64_t name, uint64_t value,
                             uint64_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return linux_files_find_io(task, fd) == NULL ? -LINUX_EBADF : -LINUX_EOPNOTSUPP;
}

int64_t linux_call_listxattr(struct linux_task *task, uint64_t path, uint64_t list, uint64_t size)
{
    (void)list;
    (void)size;
    return attribute_at(task, path, 0, 0);
}

int64_t linux_call_llistxattr(struct linux_task *task, uint64_t path, uint64_t list, uint64_t size)
{
    (void)list;
    (void)size;
    return attribute_at(task, path, LINUX_AT_SYMLINK_NOFOLLOW, 0);
}

int64_t linux_call_flistxattr(struct linux_task *task, int32_t fd, uint64_t list, uint64_t size)
{
    (void)list;
    (void)size;
    return linux_files_find_io(task, fd) == NULL ? -LINUX_EBADF : 0;
}
