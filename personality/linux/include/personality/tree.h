// SPDX-License-Identifier: MIT OR Apache-2.0
// The container's file tree in memory: inodes (what a file is) and entries (a name in a directory),
// as Linux divides them. Entries are found through one hash table by parent and name. Contents are
// in file_data.h, walking of paths in path.h, special files in special.h.
#pragma once

#include <personality/file_data.h>
#include <personality/heap.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linux_inode;
struct linux_tree;
struct linux_entry;
struct linux_task;
struct linux_file;

// What differs between kinds of inodes whose children or targets are made up on the spot (/proc).
struct linux_inode_operations {
    // A new reference to a child, or NULL with *out_error set.
    struct linux_entry *(*lookup)(struct linux_task *task, struct linux_entry *directory,
                                  const char *name, int *out_error);
    // The name of child number position (0, 1, …) or false at the end.
    bool (*child_name)(struct linux_task *task, struct linux_inode *inode, uint64_t position,
                       char name[32]);
    // The target's text into buffer; its length or a negative error.
    int64_t (*link_text)(struct linux_task *task, struct linux_inode *inode, char *buffer,
                         size_t size);
    // The entry a magic link leads to (a new reference), without looking at its text.
    struct linux_entry *(*link_entry)(struct linux_task *task, struct linux_inode *inode);
    // The contents of a file that is made when it is opened; length in *out_size.
    char *(*generate)(struct linux_task *task, struct linux_inode *inode, size_t *out_size);
    // Positioned-less reads and writes of devices and streams: guest addresses.
    int64_t (*read)(struct linux_task *task, struct linux_file *file, uint64_t address,
                    uint64_t size);
    int64_t (*write)(struct linux_task *task, struct linux_file *file, uint64_t address,
                     uint64_t size);
    int64_t (*control)(struct linux_task *task, struct linux_file *file, uint32_t request,
                       uint64_t argument);
};

struct linux_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

struct linux_inode {
    const struct linux_inode_operations *operations; // NULL: a plain file, directory or link
    uint64_t number;
    uint64_t references;     // entries and open files
    uint64_t device;         // st_rdev
    uint64_t private_number; // of special files: descriptor, stream, …
    void *private_data;
    uint32_t link_count;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t file_system; // st_dev
    struct linux_time accessed;
    struct linux_time modified;
    struct linux_time changed;
    struct linux_time born;
    struct linux_file_data data; // regular files; for links the target stands in text
    char *text;
    size_t text_size;
    struct linux_entry *children; // directories: newest first, as tmpfs lists them
    uint64_t child_count;
    uint64_t child_sequence; // the newest child's
};

struct linux_entry {
    struct linux_entry *hash_next;
    struct linux_entry *parent; // a counted reference; NULL for roots and made-up entries
    struct linux_entry *previous;
    struct linux_entry *next;
    struct linux_inode *inode;
    char *name;
    uint64_t references;
    uint64_t sequence; // position in the directory, stable while it exists
    uint32_t name_size;
    uint32_t hash;
    bool is_linked; // in its parent; false once unlinked
};

struct linux_tree {
    struct linux_heap *heap;
    struct linux_entry **buckets;
    uint64_t bucket_count; // a power of two
    uint64_t entry_count;
    uint64_t inode_count;
    uint64_t next_number;
    struct linux_entry *root;
};

#define LINUX_DEVICE_TREE 0x19U // st_dev of the tree, of /proc and of pipes
#define LINUX_DEVICE_PROC 0x16U
#define LINUX_DEVICE_PIPE 0x0fU

int linux_tree_init(struct linux_tree *tree, struct linux_heap *heap);
void linux_tree_fini(struct linux_tree *tree);

struct linux_inode *linux_inode_create(struct linux_tree *tree, uint32_t mode);
struct linux_inode *linux_inode_get(struct linux_inode *inode);
void linux_inode_put(struct linux_tree *tree, struct linux_inode *inode);
int linux_inode_set_text(struct linux_tree *tree, struct linux_inode *inode, const char *text,
                         size_t size);
struct linux_time linux_time_now(void);
void linux_inode_touch(struct linux_inode *inode, bool is_modified);

struct linux_entry *linux_entry_get(struct linux_entry *entry);
void linux_entry_put(struct linux_tree *tree, struct linux_entry *entry);
// The linked child of that name, a borrowed pointer, or NULL.
struct linux_entry *linux_entry_find(struct linux_tree *tree, const struct linux_entry *parent,
                                     const char *name, size_t name_size);
// Links the inode (taking a new reference to it) under the parent; -ENOMEM or 0. The new entry's
// only reference is the tree's.
int linux_entry_link(struct linux_tree *tree, struct linux_entry *parent, const char *name,
                     size_t name_size, struct linux_inode *inode);
// An entry that is in no directory, for streams, pipes and made-up files. Takes over the inode.
struct linux_entry *linux_entry_create_detached(struct linux_tree *tree, struct linux_entry *parent,
                                                const char *name, struct linux_inode *owned_inode);
void linux_entry_unlink(struct linux_tree *tree, struct linux_entry *entry);
// Gives a linked entry a new parent and name; the name must not be taken.
int linux_entry_move(struct linux_tree *tree, struct linux_entry *entry, struct linux_entry *parent,
                     const char *name, size_t name_size);
// The absolute path from the root, NUL-terminated, at the end of the buffer; length without NUL or
// a negative error. " (deleted)" is appended to an unlinked one.
int64_t linux_entry_path(const struct linux_tree *tree, const struct linux_entry *entry,
                         const struct linux_entry *root, char *buffer, size_t size);

static inline bool linux_inode_is(const struct linux_inode *inode, uint32_t type)
{
    return (inode->mode & 0170000U) == type;
}
