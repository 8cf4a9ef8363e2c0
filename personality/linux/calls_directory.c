// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls that change directories: making, linking, renaming, removing. All find the parent first,
// then check in the order in which Linux does, so that the errors agree.

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"
#include "special.h"

// A name in a directory, found for a change. path.entry is the parent; target may be NULL.
struct name_place {
    struct linux_path path;
    struct linux_entry *target; // counted
};

static void name_release(struct linux_task *task, struct name_place *place)
{
    struct linux_tree *tree = linux_task_tree(task);
    if (place->target != NULL) {
        linux_entry_put(tree, place->target);
    }
    linux_entry_put(tree, place->path.entry);
}

static int name_find(struct linux_task *task, int32_t directory, uint64_t address,
                     struct name_place *place)
{
    place->target = NULL;
    int error = linux_path_resolve(task, directory, address, LINUX_WALK_PARENT, &place->path);
    if (error != 0 || place->path.is_root_or_dots) {
        return error;
    }
    place->target =
        linux_path_child(task, place->path.entry, place->path.last, place->path.last_size, &error);
    if (error == -LINUX_ENOENT || place->target != NULL) {
        return 0;
    }
    linux_entry_put(linux_task_tree(task), place->path.entry);
    return error;
}

static int parent_may_change(const struct linux_task *task, const struct linux_entry *parent)
{
    int error = linux_permission(task, parent->inode, LINUX_W_OK | LINUX_X_OK);
    if (error == 0 && parent->inode->file_system == LINUX_DEVICE_PROC) {
        error = -LINUX_EPERM;
    }
    return error;
}

// Whether a new name may be made here; a directory may have a trailing slash.
static int name_check_new(struct linux_task *task, const struct name_place *place,
                          bool is_directory)
{
    const struct linux_entry *parent = place->path.entry;
    if (place->path.is_root_or_dots || place->target != NULL) {
        return -LINUX_EEXIST;
    }
    if (place->path.has_trailing_slash && !is_directory) {
        return -LINUX_ENOENT;
    }
    if (!parent->is_linked && parent != linux_task_tree(task)->root) {
        return -LINUX_ENOENT;
    }
    int error = parent_may_change(task, parent);
    return error == -LINUX_EPERM ? -LINUX_ENOENT : error;
}

// Sticky directories: only the owner of the file or of the directory removes a name.
static int name_check_remove(const struct linux_task *task, const struct name_place *place)
{
    const struct linux_inode *parent = place->path.entry->inode;
    uint32_t euid = task->credentials.euid;
    int error = parent_may_change(task, place->path.entry);
    bool is_sticky = (parent->mode & LINUX_S_ISVTX) != 0 && euid != 0;
    if (error == 0 && is_sticky && euid != place->target->inode->uid && euid != parent->uid) {
        error = -LINUX_EPERM;
    }
    return error;
}

static struct linux_inode *inode_make(struct linux_task *task, const struct linux_entry *parent,
                                      uint32_t mode)
{
    struct linux_inode *inode = linux_inode_create(linux_task_tree(task), mode);
    if (inode == NULL) {
        return NULL;
    }
    bool inherits = (parent->inode->mode & LINUX_S_ISGID) != 0;
    inode->uid = task->credentials.euid;
    inode->gid = inherits ? parent->inode->gid : task->credentials.egid;
    if (inherits && linux_inode_is(inode, LINUX_S_IFDIR)) {
        inode->mode |= LINUX_S_ISGID;
    }
    return inode;
}

static int name_link(struct linux_task *task, const struct name_place *place,
                     struct linux_inode *owned_inode)
{
    struct linux_tree *tree = linux_task_tree(task);
    if (owned_inode == NULL) {
        return -LINUX_ENOSPC;
    }
    int error = linux_entry_link(tree, place->path.entry, place->path.last, place->path.last_size,
                                 owned_inode);
    linux_inode_put(tree, owned_inode);
    return error;
}

static int64_t node_make(struct linux_task *task, int32_t directory, uint64_t path, uint32_t mode)
{
    struct name_place place;
    int error = name_find(task, directory, path, &place);
    if (error != 0) {
        return error;
    }
    error = name_check_new(task, &place,
                           linux_inode_is(&(struct linux_inode){ .mode = mode }, LINUX_S_IFDIR));
    if (error == 0) {
        error =
            name_link(task, &place, inode_make(task, place.path.entry, mode & ~task->fs->umask));
    }
    name_release(task, &place);
    return error;
}

int64_t linux_call_mkdirat(struct linux_task *task, int32_t directory, uint64_t path, uint32_t mode)
{
    uint32_t kept = mode & (0777U | LINUX_S_ISVTX);
    return node_make(task, directory, path, LINUX_S_IFDIR | kept);
}

int64_t linux_call_mkdir(struct linux_task *task, uint64_t path, uint32_t mode)
{
    return linux_call_mkdirat(task, LINUX_AT_FDCWD, path, mode);
}

int64_t linux_call_mknodat(struct linux_task *task, int32_t directory, uint64_t path, uint32_t mode,
                           uint64_t device)
{
    uint32_t type = mode & LINUX_S_IFMT;
    (void)device;
    if (type == LINUX_S_IFCHR || type == LINUX_S_IFBLK) {
        return -LINUX_EPERM; // a container has the devices it was given
    }
    if (type != 0 && type != LINUX_S_IFREG && type != LINUX_S_IFIFO && type != LINUX_S_IFSOCK) {
        return type == LINUX_S_IFDIR ? -LINUX_EPERM : -LINUX_EINVAL;
    }
    return node_make(task, directory, path,
                     (mode & LINUX_S_PERM) | (type == 0 ? LINUX_S_IFREG : type));
}

int64_t linux_call_mknod(struct linux_task *task, uint64_t path, uint32_t mode, uint64_t device)
{
    return linux_call_mknodat(task, LINUX_AT_FDCWD, path, mode, device);
}

int64_t linux_call_symlinkat(struct linux_task *task, uint64_t target, int32_t directory,
                             uint64_t path)
{
    struct name_place place;
    char text[LINUX_PATH_MAX];
    int64_t size = linux_guest_read_string(task, text, target, sizeof(text));
    if (size <= 0) {
        return size == 0 ? -LINUX_ENOENT : size;
    }
    int error = name_find(task, directory, path, &place);
    if (error != 0) {
        return error;
    }
    error = name_check_new(task, &place, false);
    if (error == 0) {
        struct linux_tree *tree = linux_task_tree(task);
        struct linux_inode *inode = inode_make(task, place.path.entry, LINUX_S_IFLNK | 0777U);
        if (inode != NULL && linux_inode_set_text(tree, inode, text, (size_t)size) != 0) {
            linux_inode_put(tree, inode);
            inode = NULL;
        }
        error = name_link(task, &place, inode);
    }
    name_release(task, &place);
    return error;
}

int64_t linux_call_symlink(struct linux_task *task, uint64_t target, uint64_t path)
{
    return linux_call_symlinkat(task, target, LINUX_AT_FDCWD, path);
}

static int link_check(const struct linux_inode *inode)
{
    if (linux_inode_is(inode, LINUX_S_IFDIR)) {
        return -LINUX_EPERM;
    }
    if (inode->file_system != LINUX_DEVICE_TREE) {
        return -LINUX_EXDEV;
    }
    return inode->link_count >= LINUX_LINK_MAX ? -LINUX_EMLINK : 0;
}

int64_t linux_call_linkat(struct linux_task *task, int32_t old_directory, uint64_t old,
                          int32_t new_directory, uint64_t new, uint32_t flags)
{
    struct linux_entry *source = NULL;
    struct name_place place;
    uint32_t at_flags = (flags & LINUX_AT_EMPTY_PATH) |
                        ((flags & LINUX_AT_SYMLINK_FOLLOW) != 0 ? 0U : LINUX_AT_SYMLINK_NOFOLLOW);
    if ((flags & ~(LINUX_AT_SYMLINK_FOLLOW | LINUX_AT_EMPTY_PATH)) != 0) {
        return -LINUX_EINVAL;
    }
    int error = linux_path_entry_at(task, old_directory, old, at_flags, &source);
    if (error != 0) {
        return error;
    }
    error = name_find(task, new_directory, new, &place);
    if (error == 0) {
        error = name_check_new(task, &place, false);
        if (error == 0) {
            error = link_check(source->inode);
        }
        if (error == 0) {
            error = name_link(task, &place, linux_inode_get(source->inode));
        }
        if (error == 0) {
            linux_inode_touch(source->inode, false);
        }
        name_release(task, &place);
    }
    linux_entry_put(linux_task_tree(task), source);
    return error;
}

int64_t linux_call_link(struct linux_task *task, uint64_t old, uint64_t new)
{
    return linux_call_linkat(task, LINUX_AT_FDCWD, old, LINUX_AT_FDCWD, new, 0);
}

// What cannot be removed because of its name alone: "/", ".", "..".
static int dots_error(const struct name_place *place, bool is_directory)
{
    const struct linux_path *path = &place->path;
    if (path->last_size == 0) {
        return is_directory ? -LINUX_EBUSY : -LINUX_EISDIR;
    }
    if (!is_directory) {
        return -LINUX_EISDIR;
    }
    return path->last_size == 1 ? -LINUX_EINVAL : -LINUX_ENOTEMPTY;
}

static int remove_check(struct linux_task *task, const struct name_place *place, bool is_directory)
{
    if (place->path.is_root_or_dots) {
        return dots_error(place, is_directory);
    }
    if (place->target == NULL) {
        return -LINUX_ENOENT;
    }
    const struct linux_inode *inode = place->target->inode;
    bool is_target_directory = linux_inode_is(inode, LINUX_S_IFDIR);
    int error = name_check_remove(task, place);
    if (error != 0) {
        return error;
    }
    if (is_directory) {
        if (!is_target_directory) {
            return -LINUX_ENOTDIR;
        }
        if (place->target == task->fs->root || place->target == task->container->proc) {
            return -LINUX_EBUSY;
        }
        return inode->child_count != 0 ? -LINUX_ENOTEMPTY : 0;
    }
    if (place->path.has_trailing_slash) {
        return is_target_directory ? -LINUX_EISDIR : -LINUX_ENOTDIR;
    }
    return is_target_directory ? -LINUX_EISDIR : 0;
}

int64_t linux_call_unlinkat(struct linux_task *task, int32_t directory, uint64_t path,
                            uint32_t flags)
{
    struct name_place place;
    if ((flags & ~LINUX_AT_REMOVEDIR) != 0) {
        return -LINUX_EINVAL;
    }
    int error = name_find(task, directory, path, &place);
    if (error != 0) {
        return error;
    }
    error = remove_check(task, &place, (flags & LINUX_AT_REMOVEDIR) != 0);
    if (error == 0) {
        linux_entry_unlink(linux_task_tree(task), place.target);
    }
    name_release(task, &place);
    return error;
}

int64_t linux_call_unlink(struct linux_task *task, uint64_t path)
{
    return linux_call_unlinkat(task, LINUX_AT_FDCWD, path, 0);
}

int64_t linux_call_rmdir(struct linux_task *task, uint64_t path)
{
    return linux_call_unlinkat(task, LINUX_AT_FDCWD, path, LINUX_AT_REMOVEDIR);
}

static bool is_above(const struct linux_entry *upper, const struct linux_entry *lower)
{
    while (lower != NULL && lower != upper) {
        lower = lower->parent;
    }
    return lower == upper;
}

static int rename_check_target(const struct linux_task *task, const struct name_place *old,
                               const struct name_place *new, bool is_directory)
{
    const struct linux_inode *inode = new->target->inode;
    bool is_target_directory = linux_inode_is(inode, LINUX_S_IFDIR);
    int error = name_check_remove(task, new);
    if (error != 0) {
        return error;
    }
    if (is_directory != is_target_directory) {
        return is_directory ? -LINUX_ENOTDIR : -LINUX_EISDIR;
    }
    if (is_above(new->target, old->path.entry)) {
        return -LINUX_ENOTEMPTY;
    }
    return is_target_directory && inode->child_count != 0 ? -LINUX_ENOTEMPTY : 0;
}

static int rename_check(const struct linux_task *task, const struct name_place *old,
                        const struct name_place *new, uint32_t flags)
{
    if (old->path.is_root_or_dots || new->path.is_root_or_dots) {
        return -LINUX_EBUSY;
    }
    if (old->target == NULL) {
        return -LINUX_ENOENT;
    }
    bool is_directory = linux_inode_is(old->target->inode, LINUX_S_IFDIR);
    bool has_slash = old->path.has_trailing_slash || new->path.has_trailing_slash;
    if (new->target != NULL && (flags & LINUX_RENAME_NOREPLACE) != 0) {
        return -LINUX_EEXIST;
    }
    if (has_slash && !is_directory) {
        return -LINUX_ENOTDIR;
    }
    if (is_directory && is_above(old->target, new->path.entry)) {
        return -LINUX_EINVAL;
    }
    if (new->path.entry->inode->file_system != old->path.entry->inode->file_system) {
        return -LINUX_EXDEV;
    }
    int error = name_check_remove(task, old);
    if (error == 0) {
        error = new->target == NULL ? parent_may_change(task, new->path.entry)
                                    : rename_check_target(task, old, new, is_directory);
    }
    if (error == 0 && new->target == NULL &&
        !new->path.entry->is_linked &&new->path.entry != task->fs->root) {
        error = -LINUX_ENOENT;
    }
    return error;
}

static int rename_run(struct linux_task *task, struct name_place *old, struct name_place *new)
{
    struct linux_tree *tree = linux_task_tree(task);
    if (new->target != NULL &&new->target->inode == old->target->inode) {
        return 0; // two names of one file: nothing is done
    }
    if (new->target == NULL) {
        return linux_entry_move(tree, old->target, new->path.entry, new->path.last,
                                new->path.last_size);
    }
    // The old name must not be lost when memory runs out between the two steps, so the memory for
    // the new one is taken by moving over the same size: the name replaced gives its own back.
    char name[LINUX_NAME_MAX];
    size_t size = new->path.last_size;
    memcpy(name, new->path.last, size);
    char *reserve = linux_heap_alloc(tree->heap, size + 1);
    if (reserve == NULL) {
        return -LINUX_ENOMEM;
    }
    linux_entry_unlink(tree, new->target);
    linux_heap_free(tree->heap, reserve, size + 1);
    return linux_entry_move(tree, old->target, new->path.entry, name, size);
}

int64_t linux_call_renameat2(struct linux_task *task, int32_t old_directory, uint64_t old,
                             int32_t new_directory, uint64_t new, uint32_t flags)
{
    struct name_place from;
    struct name_place to;
    if ((flags & ~LINUX_RENAME_NOREPLACE) != 0) {
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
    int error = name_find(task, old_directory, old, &from);
    if (error != 0) {
        return error;
    }
    error = name_find(task, new_directory, new, &to);
    if (error == 0) {
        error = rename_check(task, &from, &to, flags);
        if (error == 0) {
            error = rename_run(task, &from, &to);
        }
        name_release(task, &to);
    }
    name_release(task, &from);
    return error;
}

int64_t linux_call_renameat(struct linux_task *task, int32_t old_directory, uint64_t old,
                            int32_t new_directory, uint64_t new)
{
    return linux_call_renameat2(task, old_directory, old, new_directory, new, 0);
}

int64_t linux_call_rename(struct linux_task *task, uint64_t old, uint64_t new)
{
    return linux_call_renameat2(task, LINUX_AT_FDCWD, old, LINUX_AT_FDCWD, new, 0);
}
