// SPDX-License-Identifier: MIT OR Apache-2.0
// Walking of path names as Linux does it: from the root, the working directory or a descriptor,
// with at most 40 symbolic links, search permission on every directory.
#pragma once

#include <personality/task.h>

#define LINUX_WALK_FOLLOW    1U // follow a symbolic link in the last component
#define LINUX_WALK_DIRECTORY 2U // the result must be a directory
#define LINUX_WALK_PARENT    4U // stop at the parent; the last component is reported

struct linux_path {
    struct linux_entry *entry; // a counted reference; with WALK_PARENT the parent directory
    const char *last;          // WALK_PARENT: the last component, inside text
    size_t last_size;
    bool has_trailing_slash; // after the last component
    bool is_root_or_dots;    // the last component is "", "." or ".."
    uint32_t link_count;
    char text[LINUX_PATH_MAX]; // the path being walked; links are spliced in
};

// Reads the path from the guest and walks it. On success the caller puts path->entry.
int linux_path_resolve(struct linux_task *task, int32_t directory, uint64_t address, uint32_t walk,
                       struct linux_path *path);
// The same with the text already in path->text.
int linux_path_walk(struct linux_task *task, int32_t directory, uint32_t walk,
                    struct linux_path *path);
// Goes on from a symbolic link that is the last component (as open does with O_CREAT): entry is the
// link, path->entry its directory; leaves a WALK_PARENT result for the target.
int linux_path_follow_last(struct linux_task *task, struct linux_entry *link,
                           struct linux_path *path);
// The entry for *at calls that take AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW; a counted reference.
int linux_path_entry_at(struct linux_task *task, int32_t directory, uint64_t address,
                        uint32_t at_flags, struct linux_entry **out_entry);
// A child by name, looked up or made up; a counted reference or NULL and *out_error.
struct linux_entry *linux_path_child(struct linux_task *task, struct linux_entry *directory,
                                     const char *name, size_t size, int *out_error);
int linux_permission(const struct linux_task *task, const struct linux_inode *inode,
                     uint32_t access);
