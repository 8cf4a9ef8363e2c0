// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls of group directory that read a directory or change where a task stands: getdents64, getcwd,
// chdir, chroot, umask. A directory's position is the sequence number below which the rest lies, so
// it stays right while names are made and removed.

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "path.h"

#define POSITION_START  0U // "." comes next
#define POSITION_PARENT 1U // ".." comes next
#define POSITION_FIRST  2U // the newest child comes next
// Later positions are END_OF_SEQUENCES - sequence: they grow while the sequence falls.
#define END_OF_SEQUENCES (UINT64_C(1) << 62)
#define MADE_UP_START    3U
#define NAME_SPACE       32U

struct listing {
    struct linux_task *task;
    struct linux_file *file;
    uint64_t address;
    uint64_t space;
    uint64_t used;
};

struct listed_name {
    const char *name;
    size_t size;
    uint64_t number;
    uint32_t mode;
    uint64_t next; // position after this one
};

static int listing_put(struct listing *listing, const struct listed_name *name)
{
    uint8_t record[LINUX_DIRENT_NAME_OFFSET + LINUX_NAME_MAX + 1 + LINUX_DIRENT_ALIGN];
    size_t length = (LINUX_DIRENT_NAME_OFFSET + name->size + 1 + LINUX_DIRENT_ALIGN - 1) &
                    ~(size_t)(LINUX_DIRENT_ALIGN - 1);
    if (length > listing->space - listing->used) {
        return -LINUX_EINVAL;
    }
    const struct linux_dirent_head head = { .ino = name->number,
                                            .next = (int64_t)name->next,
                                            .length = (uint16_t)length,
                                            .type = (uint8_t)(name->mode >> LINUX_DT_SHIFT) };
    memset(record, 0, length);
    memcpy(record, &head, sizeof(head));
    memcpy(record + LINUX_DIRENT_NAME_OFFSET, name->name, name->size);
    int error = linux_guest_write(listing->task, listing->address + listing->used, record, length);
    if (error == 0) {
        listing->used += length;
        listing->file->offset = name->next;
    }
    return error;
}

static int listing_dots(struct listing *listing)
{
    const struct linux_entry *directory = listing->file->entry;
    int error = 0;
    if (listing->file->offset == POSITION_START) {
        const struct listed_name dot = { ".", 1, directory->inode->number, LINUX_S_IFDIR,
                                         POSITION_PARENT };
        error = listing_put(listing, &dot);
    }
    if (error == 0 && listing->file->offset == POSITION_PARENT) {
        const struct linux_entry *parent =
            directory->parent == NULL ? directory : directory->parent;
        const struct listed_name dots = { "..", 2, parent->inode->number, LINUX_S_IFDIR,
                                          POSITION_FIRST };
        error = listing_put(listing, &dots);
    }
    return error;
}

static int listing_children(struct listing *listing)
{
    const struct linux_entry *child = listing->file->entry->inode->children;
    uint64_t position = listing->file->offset;
    uint64_t below = position == POSITION_FIRST ? UINT64_MAX : END_OF_SEQUENCES - position;
    int error = 0;
    while (child != NULL && child->sequence >= below) {
        child = child->next;
    }
    while (child != NULL && error == 0) {
        const struct listed_name name = { child->name, child->name_size, child->inode->number,
                                          child->inode->mode, END_OF_SEQUENCES - child->sequence };
        error = listing_put(listing, &name);
        child = child->next;
    }
    return error;
}

// Directories whose names are made up: positions just count.
static int listing_made_up(struct listing *listing)
{
    struct linux_inode *inode = listing->file->entry->inode;
    char text[NAME_SPACE];
    int error = 0;
    uint64_t position = listing->file->offset - POSITION_FIRST;
    while (error == 0 && inode->operations->child_name(listing->task, inode, position, text)) {
        const struct listed_name name = { text, strlen(text), inode->number + position + 1,
                                          LINUX_S_IFLNK, position + MADE_UP_START };
        error = listing_put(listing, &name);
        position++;
    }
    return error;
}

int64_t linux_call_getdents64(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t size)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    const struct linux_inode *inode = file->entry->inode;
    if (!linux_inode_is(inode, LINUX_S_IFDIR)) {
        return -LINUX_ENOTDIR;
    }
    if (!file->entry->is_linked && file->entry->parent != NULL) {
        return -LINUX_ENOENT; // the directory has been removed
    }
    struct listing listing = {
        .task = task, .file = file, .address = buffer, .space = (uint32_t)size
    };
    int error = listing_dots(&listing);
    bool is_made_up = inode->operations != NULL && inode->operations->child_name != NULL;
    if (error == 0) {
        error = is_made_up ? listing_made_up(&listing) : listing_children(&listing);
    }
    return listing.used == 0 ? error : (int64_t)listing.used;
}

int64_t linux_call_getcwd(struct linux_task *task, uint64_t buffer, uint64_t size)
{
    char path[LINUX_PATH_MAX];
    const struct linux_entry *directory = task->fs->directory;
    bool is_gone = !directory->is_linked && directory != linux_task_tree(task)->root;
    if (is_gone) {
        return -LINUX_ENOENT;
    }
    int64_t length =
        linux_entry_path(linux_task_tree(task), directory, task->fs->root, path, sizeof(path));
    if (length < 0) {
        return length;
    }
    if ((uint64_t)length + 1 > size) {
        return -LINUX_ERANGE;
    }
    int error = linux_guest_write(task, buffer, path, (size_t)length + 1);
    return error != 0 ? error : length + 1;
}

static int directory_find(struct linux_task *task, uint64_t path, struct linux_entry **out_entry)
{
    int error = linux_path_entry_at(task, LINUX_AT_FDCWD, path, 0, out_entry);
    if (error != 0) {
        return error;
    }
    error = linux_inode_is((*out_entry)->inode, LINUX_S_IFDIR)
                ? linux_permission(task, (*out_entry)->inode, LINUX_X_OK)
                : -LINUX_ENOTDIR;
    if (error != 0) {
        linux_entry_put(linux_task_tree(task), *out_entry);
    }
    return error;
}

static void place_set(struct linux_task *task, struct linux_entry **place,
                      struct linux_entry *owned_entry)
{
    struct linux_entry *old = *place;
    *place = owned_entry;
    linux_entry_put(linux_task_tree(task), old);
}

int64_t linux_call_chdir(struct linux_task *task, uint64_t path)
{
    struct linux_entry *entry = NULL;
    int error = directory_find(task, path, &entry);
    if (error == 0) {
        place_set(task, &task->fs->directory, entry);
    }
    return error;
}

int64_t linux_call_fchdir(struct linux_task *task, int32_t fd)
{
    const struct linux_file *file = linux_files_find(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    if (!linux_inode_is(file->entry->inode, LINUX_S_IFDIR)) {
        return -LINUX_ENOTDIR;
    }
    int error = linux_permission(task, file->entry->inode, LINUX_X_OK);
    if (error == 0) {
        place_set(task, &task->fs->directory, linux_entry_get(file->entry));
    }
    return error;
}

int64_t linux_call_chroot(struct linux_task *task, uint64_t path)
{
    struct linux_entry *entry = NULL;
    if (task->credentials.euid != 0) {
        return -LINUX_EPERM;
    }
    int error = directory_find(task, path, &entry);
    if (error == 0) {
        place_set(task, &task->fs->root, entry);
    }
    return error;
}

int64_t linux_call_umask(struct linux_task *task, uint32_t mask)
{
    uint32_t old = task->fs->umask;
    task->fs->umask = mask & 0777U;
    return old;
}
