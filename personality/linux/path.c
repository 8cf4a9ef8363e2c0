// SPDX-License-Identifier: MIT OR Apache-2.0
// The path walk. One loop takes components from path->text; a symbolic link's text is spliced in
// front of what is left, so there is no recursion and everything stays within PATH_MAX.

#include "path.h"

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"

struct walk_state {
    struct linux_task *task;
    struct linux_path *path;
    struct linux_entry *place; // counted
    size_t position;           // of the next component in path->text
    uint32_t walk;
};

int linux_permission(const struct linux_task *task, const struct linux_inode *inode,
                     uint32_t access)
{
    uint32_t mode = inode->mode;
    uint32_t shift = 0;
    if (task->credentials.euid == 0) {
        bool may_execute = (mode & 0111U) != 0 || linux_inode_is(inode, LINUX_S_IFDIR);
        return (access & LINUX_X_OK) != 0 && !may_execute ? -LINUX_EACCES : 0;
    }
    if (task->credentials.euid == inode->uid) {
        shift = 6;
    } else if (task->credentials.egid == inode->gid) {
        shift = 3;
    }
    return (((mode >> shift) & access) == access) ? 0 : -LINUX_EACCES;
}

static void walk_move(struct walk_state *state, struct linux_entry *owned_entry)
{
    linux_entry_put(linux_task_tree(state->task), state->place);
    state->place = owned_entry;
}

static struct linux_entry *walk_start(struct linux_task *task, int32_t directory, bool is_absolute,
                                      int *out_error)
{
    if (is_absolute) {
        return linux_entry_get(task->fs->root);
    }
    if (directory == LINUX_AT_FDCWD) {
        return linux_entry_get(task->fs->directory);
    }
    struct linux_file *file = linux_files_find(task, directory);
    if (file == NULL) {
        *out_error = -LINUX_EBADF;
        return NULL;
    }
    if (!linux_inode_is(file->entry->inode, LINUX_S_IFDIR)) {
        *out_error = -LINUX_ENOTDIR;
        return NULL;
    }
    return linux_entry_get(file->entry);
}

struct linux_entry *linux_path_child(struct linux_task *task, struct linux_entry *directory,
                                     const char *name, size_t size, int *out_error)
{
    if (size == 2 && name[0] == '.' && name[1] == '.') {
        bool is_top = directory == task->fs->root || directory->parent == NULL;
        return linux_entry_get(is_top ? directory : directory->parent);
    }
    struct linux_entry *entry = linux_entry_find(linux_task_tree(task), directory, name, size);
    if (entry != NULL) {
        return linux_entry_get(entry);
    }
    *out_error = -LINUX_ENOENT;
    const struct linux_inode_operations *operations = directory->inode->operations;
    if (operations == NULL || operations->lookup == NULL) {
        return NULL;
    }
    char text[LINUX_NAME_MAX + 1];
    memcpy(text, name, size);
    text[size] = '\0';
    return operations->lookup(task, directory, text, out_error);
}

// Puts the link's text in front of the rest of the path; an absolute target starts at the root.
static int walk_splice(struct walk_state *state, const char *target, size_t size)
{
    char *text = state->path->text;
    size_t rest = strlen(text + state->position);
    if (size == 0) {
        return -LINUX_ENOENT;
    }
    if (size + 1 + rest + 1 > LINUX_PATH_MAX) {
        return -LINUX_ENAMETOOLONG;
    }
    memmove(text + size + 1, text + state->position, rest + 1);
    memcpy(text, target, size);
    // What was left either starts with a slash or is empty; an empty rest needs no separator.
    text[size] = rest == 0 ? '\0' : '/';
    state->position = 0;
    if (target[0] == '/') {
        walk_move(state, linux_entry_get(state->task->fs->root));
    }
    return 0;
}

static int walk_follow(struct walk_state *state, struct linux_entry *link)
{
    struct linux_inode *inode = link->inode;
    if (++state->path->link_count > LINUX_SYMLINK_MAX) {
        return -LINUX_ELOOP;
    }
    const struct linux_inode_operations *operations = inode->operations;
    if (operations != NULL && operations->link_entry != NULL) {
        struct linux_entry *target = operations->link_entry(state->task, inode);
        if (target == NULL) {
            return -LINUX_ENOENT;
        }
        walk_move(state, target);
        return 0;
    }
    if (operations != NULL && operations->link_text != NULL) {
        char text[LINUX_NAME_MAX];
        int64_t size = operations->link_text(state->task, inode, text, sizeof(text));
        return size < 0 ? (int)size : walk_splice(state, text, (size_t)size);
    }
    return walk_splice(state, inode->text, inode->text_size);
}

// Size of the component at the position (after skipping slashes); the position moves past it.
static size_t walk_component(struct walk_state *state, const char **out_name, bool *out_is_last)
{
    const char *text = state->path->text;
    while (text[state->position] == '/') {
        state->position++;
    }
    size_t start = state->position;
    while (text[state->position] != '/' && text[state->position] != '\0') {
        state->position++;
    }
    size_t after = state->position;
    while (text[after] == '/') {
        after++;
    }
    *out_name = text + start;
    *out_is_last = text[after] == '\0';
    if (state->position != start) {
        state->path->has_trailing_slash = *out_is_last && after > state->position;
    }
    return state->position - start;
}

static bool name_is_dots(const char *name, size_t size)
{
    return size == 0 || (size == 1 && name[0] == '.') ||
           (size == 2 && name[0] == '.' && name[1] == '.');
}

static int walk_directory_check(const struct walk_state *state)
{
    const struct linux_inode *inode = state->place->inode;
    if (!linux_inode_is(inode, LINUX_S_IFDIR)) {
        return -LINUX_ENOTDIR;
    }
    return linux_permission(state->task, inode, LINUX_X_OK);
}

static int walk_into(struct walk_state *state, const char *name, size_t size, bool is_last)
{
    int error = 0;
    struct linux_entry *child = linux_path_child(state->task, state->place, name, size, &error);
    if (child == NULL) {
        return error;
    }
    bool wants_target =
        !is_last || state->path->has_trailing_slash || (state->walk & LINUX_WALK_FOLLOW) != 0;
    if (linux_inode_is(child->inode, LINUX_S_IFLNK) && wants_target) {
        error = walk_follow(state, child);
        linux_entry_put(linux_task_tree(state->task), child);
        return error;
    }
    walk_move(state, child);
    return 0;
}

static int walk_finish(struct walk_state *state)
{
    bool wants_directory =
        state->path->has_trailing_slash || (state->walk & LINUX_WALK_DIRECTORY) != 0;
    if (wants_directory && !linux_inode_is(state->place->inode, LINUX_S_IFDIR)) {
        return -LINUX_ENOTDIR;
    }
    return 0;
}

static int walk_run(struct walk_state *state)
{
    for (;;) {
        const char *name = NULL;
        bool is_last = false;
        size_t size = walk_component(state, &name, &is_last);
        if (size > LINUX_NAME_MAX) {
            return -LINUX_ENAMETOOLONG;
        }
        if (is_last && (state->walk & LINUX_WALK_PARENT) != 0) {
            state->path->last = name;
            state->path->last_size = size;
            state->path->is_root_or_dots = name_is_dots(name, size);
            return size == 0 ? 0 : walk_directory_check(state);
        }
        if (size == 0) {
            return walk_finish(state);
        }
        int error = walk_directory_check(state);
        if (error == 0 && !(size == 1 && name[0] == '.')) {
            error = walk_into(state, name, size, is_last);
        }
        if (error != 0) {
            return error;
        }
    }
}

int linux_path_walk(struct linux_task *task, int32_t directory, uint32_t walk,
                    struct linux_path *path)
{
    int error = 0;
    if (path->text[0] == '\0') {
        return -LINUX_ENOENT;
    }
    struct walk_state state = { .task = task, .path = path, .walk = walk };
    state.place = walk_start(task, directory, path->text[0] == '/', &error);
    if (state.place == NULL) {
        return error;
    }
    path->link_count = 0;
    path->has_trailing_slash = false;
    error = walk_run(&state);
    if (error != 0) {
        linux_entry_put(linux_task_tree(task), state.place);
        return error;
    }
    path->entry = state.place;
    return 0;
}

int linux_path_follow_last(struct linux_task *task, struct linux_entry *link,
                           struct linux_path *path)
{
    struct walk_state state = {
        .task = task, .path = path, .place = path->entry, .walk = LINUX_WALK_PARENT
    };
    state.position = strlen(path->text);
    int error = walk_follow(&state, link);
    if (error == 0 && state.position != 0) {
        error = -LINUX_ENOENT; // a magic link: there is no parent to create in
    }
    if (error == 0) {
        error = walk_run(&state);
    }
    path->entry = state.place;
    return error;
}

int linux_path_resolve(struct linux_task *task, int32_t directory, uint64_t address, uint32_t walk,
                       struct linux_path *path)
{
    int64_t size = linux_guest_read_string(task, path->text, address, sizeof(path->text));
    return size < 0 ? (int)size : linux_path_walk(task, directory, walk, path);
}

int linux_path_entry_at(struct linux_task *task, int32_t directory, uint64_t address,
                        uint32_t at_flags, struct linux_entry **out_entry)
{
    struct linux_path path;
    int64_t size = linux_guest_read_string(task, path.text, address, sizeof(path.text));
    if (size < 0) {
        return (int)size;
    }
    if (size == 0 && (at_flags & LINUX_AT_EMPTY_PATH) != 0) {
        if (directory == LINUX_AT_FDCWD) {
            *out_entry = linux_entry_get(task->fs->directory);
            return 0;
        }
        struct linux_file *file = linux_files_find(task, directory);
        if (file == NULL) {
            return -LINUX_EBADF;
        }
        *out_entry = linux_entry_get(file->entry);
        return 0;
    }
    uint32_t walk = (at_flags & LINUX_AT_SYMLINK_NOFOLLOW) != 0 ? 0 : LINUX_WALK_FOLLOW;
    int error = linux_path_walk(task, directory, walk, &path);
    if (error == 0) {
        *out_entry = path.entry;
    }
    return error;
}
