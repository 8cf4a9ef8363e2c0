// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls that name a file and look at it: opening, access checks, links' targets. stat is in
// calls_stat.c, changes of attributes in calls_attribute.c, of directories in calls_directory.c.

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"
#include "pipe.h"
#include "special.h"

#define OPEN_KNOWN                                                                                 \
    (LINUX_O_ACCMODE | LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_NOCTTY | LINUX_O_TRUNC |             \
     LINUX_O_APPEND | LINUX_O_NONBLOCK | LINUX_O_SYNC | LINUX_O_ASYNC | LINUX_O_DIRECT |           \
     LINUX_O_LARGEFILE | LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW | LINUX_O_NOATIME |                  \
     LINUX_O_CLOEXEC | LINUX_O_PATH)
#define OPEN_PATH_KNOWN (LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW | LINUX_O_PATH | LINUX_O_CLOEXEC)

struct open_request {
    struct linux_task *task;
    int32_t directory;
    uint64_t path;
    uint32_t flags;
    uint32_t mode;
};

static uint32_t access_of(uint32_t flags)
{
    static const uint32_t accesses[] = { LINUX_R_OK, LINUX_W_OK, LINUX_R_OK | LINUX_W_OK,
                                         LINUX_R_OK | LINUX_W_OK };
    uint32_t access = accesses[flags & LINUX_O_ACCMODE];
    return (flags & LINUX_O_TRUNC) != 0 ? access | LINUX_W_OK : access;
}

static int open_check(const struct linux_task *task, const struct linux_inode *inode,
                      uint32_t flags)
{
    if (linux_inode_is(inode, LINUX_S_IFLNK)) {
        return -LINUX_ELOOP;
    }
    if ((flags & LINUX_O_DIRECTORY) != 0 && !linux_inode_is(inode, LINUX_S_IFDIR)) {
        return -LINUX_ENOTDIR;
    }
    bool writes = (access_of(flags) & LINUX_W_OK) != 0 || (flags & LINUX_O_CREAT) != 0;
    if (linux_inode_is(inode, LINUX_S_IFDIR) && writes) {
        return -LINUX_EISDIR;
    }
    if (linux_inode_is(inode, LINUX_S_IFSOCK)) {
        return -LINUX_ENXIO;
    }
    int error = linux_special_open_check(inode);
    return error != 0 ? error : linux_permission(task, inode, access_of(flags));
}

static int open_prepare(struct linux_task *task, struct linux_inode *inode, uint32_t flags)
{
    if (linux_inode_is(inode, LINUX_S_IFIFO) && linux_special_stream(inode) < 0) {
        return linux_pipe_attach(task, inode);
    }
    bool is_plain = linux_inode_is(inode, LINUX_S_IFREG) && inode->operations == NULL;
    if ((flags & LINUX_O_TRUNC) != 0 && is_plain) {
        return linux_inode_truncate(linux_task_tree(task), inode, 0);
    }
    return 0;
}

static int file_generate(struct linux_task *task, struct linux_file *file)
{
    struct linux_inode *inode = file->entry->inode;
    if (inode->operations == NULL || inode->operations->generate == NULL ||
        (file->flags & LINUX_O_PATH) != 0) {
        return 0;
    }
    file->generated = inode->operations->generate(task, inode, &file->generated_size);
    return file->generated == NULL ? -LINUX_ENOMEM : 0;
}

// Makes a descriptor of an entry that has been checked. Takes the entry's reference over.
static int64_t open_entry(struct linux_task *task, struct linux_entry *owned_entry, uint32_t flags)
{
    struct linux_file *file = linux_file_create(
        task, owned_entry,
        flags & ~(LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_NOCTTY | LINUX_O_TRUNC | LINUX_O_CLOEXEC));
    if (file == NULL) {
        return -LINUX_ENOMEM;
    }
    int result = file_generate(task, file);
    if (result == 0) {
        result = linux_files_install(task, file, 0, (flags & LINUX_O_CLOEXEC) != 0);
    }
    if (result < 0) {
        linux_file_put(task, file);
    }
    return result;
}

static int64_t open_existing(const struct open_request *request, struct linux_entry *owned_entry)
{
    struct linux_task *task = request->task;
    int64_t result = 0;
    bool is_path_only = (request->flags & LINUX_O_PATH) != 0;
    if (is_path_only) {
        bool is_wrong = (request->flags & LINUX_O_DIRECTORY) != 0 &&
                        !linux_inode_is(owned_entry->inode, LINUX_S_IFDIR);
        result = is_wrong ? -LINUX_ENOTDIR : 0;
    } else {
        result = open_check(task, owned_entry->inode, request->flags);
        if (result == 0) {
            result = open_prepare(task, owned_entry->inode, request->flags);
        }
    }
    if (result != 0) {
        linux_entry_put(linux_task_tree(task), owned_entry);
        return result;
    }
    return open_entry(task, owned_entry, request->flags);
}

// Creates the file in the directory that was found. Returns the new entry through out_entry.
static int create_file(const struct open_request *request, const struct linux_path *path,
                       struct linux_entry **out_entry)
{
    struct linux_task *task = request->task;
    struct linux_tree *tree = linux_task_tree(task);
    struct linux_entry *parent = path->entry;
    if (path->has_trailing_slash) {
        return -LINUX_EISDIR;
    }
    int error = linux_permission(task, parent->inode, LINUX_W_OK | LINUX_X_OK);
    if (error != 0) {
        return error;
    }
    if (parent->inode->file_system == LINUX_DEVICE_PROC) {
        return -LINUX_ENOENT;
    }
    if (!parent->is_linked && parent != tree->root) {
        return -LINUX_ENOENT;
    }
    uint32_t mode = request->mode & LINUX_S_PERM & ~task->fs->umask;
    struct linux_inode *inode = linux_inode_create(tree, LINUX_S_IFREG | mode);
    if (inode == NULL) {
        return -LINUX_ENOSPC;
    }
    bool inherits = (parent->inode->mode & LINUX_S_ISGID) != 0;
    inode->uid = task->credentials.euid;
    inode->gid = inherits ? parent->inode->gid : task->credentials.egid;
    error = linux_entry_link(tree, parent, path->last, path->last_size, inode);
    linux_inode_put(tree, inode);
    if (error == 0) {
        *out_entry = linux_entry_get(linux_entry_find(tree, parent, path->last, path->last_size));
    }
    return error;
}

// O_CREAT: looks for the last component itself, following links to a file that is to be made.
static int64_t open_create(const struct open_request *request, struct linux_path *path)
{
    struct linux_task *task = request->task;
    struct linux_tree *tree = linux_task_tree(task);
    for (;;) {
        int error = 0;
        if (path->is_root_or_dots) {
            return -LINUX_EISDIR;
        }
        struct linux_entry *entry =
            linux_path_child(task, path->entry, path->last, path->last_size, &error);
        if (entry == NULL && error == -LINUX_ENOENT) {
            error = create_file(request, path, &entry);
            return error != 0 ? error : open_entry(task, entry, request->flags);
        }
        if (entry == NULL) {
            return error;
        }
        bool is_link = linux_inode_is(entry->inode, LINUX_S_IFLNK);
        if ((request->flags & LINUX_O_EXCL) != 0) {
            linux_entry_put(tree, entry);
            return -LINUX_EEXIST;
        }
        if (!is_link || (request->flags & LINUX_O_NOFOLLOW) != 0) {
            bool is_directory = linux_inode_is(entry->inode, LINUX_S_IFDIR);
            if (path->has_trailing_slash && !is_directory) {
                linux_entry_put(tree, entry);
                return -LINUX_ENOTDIR;
            }
            return open_existing(request, entry);
        }
        const struct linux_inode_operations *operations = entry->inode->operations;
        if (operations != NULL && operations->link_entry != NULL) {
            struct linux_entry *target = operations->link_entry(task, entry->inode);
            linux_entry_put(tree, entry);
            return target == NULL ? -LINUX_ENOENT : open_existing(request, target);
        }
        error = linux_path_follow_last(task, entry, path);
        linux_entry_put(tree, entry);
        if (error != 0) {
            return error;
        }
    }
}

static int64_t open_request_run(const struct open_request *request)
{
    struct linux_path path;
    bool creates = (request->flags & LINUX_O_CREAT) != 0;
    uint32_t walk = (request->flags & LINUX_O_NOFOLLOW) != 0 ? 0 : LINUX_WALK_FOLLOW;
    if ((request->flags & LINUX_O_EXCL) != 0 && creates) {
        walk = 0;
    }
    int error = linux_path_resolve(request->task, request->directory, request->path,
                                   creates ? LINUX_WALK_PARENT : walk, &path);
    if (error != 0) {
        return error;
    }
    if (!creates) {
        return open_existing(request, path.entry);
    }
    int64_t result = open_create(request, &path);
    linux_entry_put(linux_task_tree(request->task), path.entry);
    return result;
}

int64_t linux_call_openat(struct linux_task *task, int32_t directory, uint64_t path, uint32_t flags,
                          uint32_t mode)
{
    struct open_request request = { .task = task,
                                    .directory = directory,
                                    .path = path,
                                    .flags = flags & OPEN_KNOWN,
                                    .mode = mode };
    if ((flags & LINUX_O_TMPFILE) == LINUX_O_TMPFILE) {
        task->container->refused_flags++;
        return -LINUX_EOPNOTSUPP;
    }
    if ((flags & LINUX_O_PATH) != 0) {
        request.flags &= OPEN_PATH_KNOWN;
    }
    if ((request.flags & LINUX_O_CREAT) != 0 && (request.flags & LINUX_O_DIRECTORY) != 0) {
        return -LINUX_EINVAL;
    }
    return open_request_run(&request);
}

int64_t linux_call_open(struct linux_task *task, uint64_t path, uint32_t flags, uint32_t mode)
{
    return linux_call_openat(task, LINUX_AT_FDCWD, path, flags, mode);
}

int64_t linux_call_creat(struct linux_task *task, uint64_t path, uint32_t mode)
{
    return linux_call_openat(task, LINUX_AT_FDCWD, path,
                             LINUX_O_CREAT | LINUX_O_WRONLY | LINUX_O_TRUNC, mode);
}

int64_t linux_call_faccessat2(struct linux_task *task, int32_t directory, uint64_t path,
                              uint32_t mode, uint32_t flags)
{
    struct linux_entry *entry = NULL;
    uint32_t known = LINUX_AT_EACCESS | LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH;
    if ((mode & ~7U) != 0 || (flags & ~known) != 0) {
        return -LINUX_EINVAL;
    }
    int64_t result = linux_path_entry_at(task, directory, path, flags, &entry);
    if (result != 0) {
        return result;
    }
    struct linux_credentials saved = task->credentials;
    if ((flags & LINUX_AT_EACCESS) == 0) {
        task->credentials.euid = saved.uid;
        task->credentials.egid = saved.gid;
    }
    result = linux_permission(task, entry->inode, mode);
    task->credentials = saved;
    linux_entry_put(linux_task_tree(task), entry);
    return result;
}

int64_t linux_call_faccessat(struct linux_task *task, int32_t directory, uint64_t path,
                             uint32_t mode)
{
    return linux_call_faccessat2(task, directory, path, mode, 0);
}

int64_t linux_call_access(struct linux_task *task, uint64_t path, uint32_t mode)
{
    return linux_call_faccessat2(task, LINUX_AT_FDCWD, path, mode, 0);
}

static int64_t link_text(struct linux_task *task, struct linux_inode *inode, char *buffer,
                         size_t size)
{
    if (inode->operations != NULL && inode->operations->link_text != NULL) {
        return inode->operations->link_text(task, inode, buffer, size);
    }
    size_t length = inode->text_size < size ? inode->text_size : size;
    memcpy(buffer, inode->text, length);
    return (int64_t)length;
}

int64_t linux_call_readlinkat(struct linux_task *task, int32_t directory, uint64_t path,
                              uint64_t buffer, uint64_t size)
{
    struct linux_entry *entry = NULL;
    char text[LINUX_PATH_MAX];
    if ((int32_t)size <= 0) {
        return -LINUX_EINVAL;
    }
    int64_t result = linux_path_entry_at(task, directory, path,
                                         LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH, &entry);
    if (result != 0) {
        return result;
    }
    if (linux_inode_is(entry->inode, LINUX_S_IFLNK)) {
        result = link_text(task, entry->inode, text, sizeof(text));
    } else {
        result = -LINUX_EINVAL;
    }
    linux_entry_put(linux_task_tree(task), entry);
    if (result < 0) {
        return result;
    }
    uint64_t length = (uint64_t)result < size ? (uint64_t)result : size;
    int error = linux_guest_write(task, buffer, text, (size_t)length);
    return error != 0 ? error : (int64_t)length;
}

int64_t linux_call_readlink(struct linux_task *task, uint64_t path, uint64_t buffer, uint64_t size)
{
    return linux_call_readlinkat(task, LINUX_AT_FDCWD, path, buffer, size);
}
