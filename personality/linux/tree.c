// SPDX-License-Identifier: MIT OR Apache-2.0
// Inodes and entries. An entry that is linked is kept alive by one reference of the tree; open
// files, working directories and children hold further ones, so an unlinked directory or file lives
// on until its last user lets go. An inode dies with its last entry or open file.

#include <personality/tree.h>

#include <personality/abi.h>
#include <personality/errors.h>
#include <rt/string.h>

#define BUCKETS_AT_START 512U
#define HASH_PRIME       0x01000193U // FNV-1a, 32 bits
#define HASH_START       0x811c9dc5U
#define POINTER_SHIFT    4
#define ROOT_MODE        0755U

static uint32_t entry_hash(const struct linux_entry *parent, const char *name, size_t name_size)
{
    uint32_t hash = HASH_START ^ (uint32_t)((uintptr_t)parent >> POINTER_SHIFT);
    for (size_t index = 0; index < name_size; index++) {
        hash = (hash ^ (uint8_t)name[index]) * HASH_PRIME;
    }
    return hash;
}

static struct linux_entry **tree_bucket(const struct linux_tree *tree, uint32_t hash)
{
    return &tree->buckets[hash & (tree->bucket_count - 1)];
}

struct linux_time linux_time_now(void)
{
    uint64_t now = platform_clock_realtime_ns();
    return (struct linux_time){ .seconds = (int64_t)(now / LINUX_NS_PER_S),
                                .nanoseconds = (uint32_t)(now % LINUX_NS_PER_S) };
}

void linux_inode_touch(struct linux_inode *inode, bool is_modified)
{
    inode->changed = linux_time_now();
    if (is_modified) {
        inode->modified = inode->changed;
    }
}

struct linux_inode *linux_inode_create(struct linux_tree *tree, uint32_t mode)
{
    struct linux_inode *inode = linux_heap_alloc(tree->heap, sizeof(*inode));
    if (inode == NULL) {
        return NULL;
    }
    inode->number = tree->next_number++;
    inode->references = 1;
    inode->mode = mode;
    inode->file_system = LINUX_DEVICE_TREE;
    linux_inode_touch(inode, true);
    inode->accessed = inode->changed;
    inode->born = inode->changed;
    tree->inode_count++;
    return inode;
}

struct linux_inode *linux_inode_get(struct linux_inode *inode)
{
    inode->references++;
    return inode;
}

void linux_inode_put(struct linux_tree *tree, struct linux_inode *inode)
{
    if (--inode->references != 0) {
        return;
    }
    if (linux_inode_is(inode, LINUX_S_IFREG)) {
        linux_file_data_destroy(&inode->data, tree->heap);
    }
    linux_heap_free(tree->heap, inode->text, inode->text_size);
    linux_heap_free(tree->heap, inode, sizeof(*inode));
    tree->inode_count--;
}

int linux_inode_set_text(struct linux_tree *tree, struct linux_inode *inode, const char *text,
                         size_t size)
{
    char *copy = linux_heap_alloc(tree->heap, size);
    if (copy == NULL) {
        return -LINUX_ENOMEM;
    }
    memcpy(copy, text, size);
    linux_heap_free(tree->heap, inode->text, inode->text_size);
    inode->text = copy;
    inode->text_size = size;
    return 0;
}

static struct linux_entry *entry_create(struct linux_tree *tree, const char *name, size_t name_size)
{
    struct linux_entry *entry = linux_heap_alloc(tree->heap, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    entry->name = linux_heap_alloc(tree->heap, name_size + 1);
    if (entry->name == NULL) {
        linux_heap_free(tree->heap, entry, sizeof(*entry));
        return NULL;
    }
    memcpy(entry->name, name, name_size);
    entry->name_size = (uint32_t)name_size;
    entry->references = 1;
    entry->parent = NULL;
    return entry;
}

struct linux_entry *linux_entry_get(struct linux_entry *entry)
{
    entry->references++;
    return entry;
}

void linux_entry_put(struct linux_tree *tree, struct linux_entry *entry)
{
    while (entry != NULL && --entry->references == 0) {
        struct linux_entry *parent = entry->parent;
        linux_inode_put(tree, entry->inode);
        linux_heap_free(tree->heap, entry->name, (size_t)entry->name_size + 1);
        linux_heap_free(tree->heap, entry, sizeof(*entry));
        entry = parent;
    }
}

struct linux_entry *linux_entry_find(struct linux_tree *tree, const struct linux_entry *parent,
                                     const char *name, size_t name_size)
{
    uint32_t hash = entry_hash(parent, name, name_size);
    struct linux_entry *entry = *tree_bucket(tree, hash);
    while (entry != NULL) {
        if (entry->hash == hash && entry->parent == parent && entry->name_size == name_size &&
            memcmp(entry->name, name, name_size) == 0) {
            return entry;
        }
        entry = entry->hash_next;
    }
    return NULL;
}

// Doubles the table. Without memory the old one goes on, only slower.
static void tree_grow(struct linux_tree *tree)
{
    uint64_t count = tree->bucket_count * 2;
    struct linux_entry **old = tree->buckets;
    struct linux_entry **buckets =
        linux_heap_alloc(tree->heap, count * sizeof(struct linux_entry *));
    if (buckets == NULL) {
        return;
    }
    uint64_t old_count = tree->bucket_count;
    tree->buckets = buckets;
    tree->bucket_count = count;
    for (uint64_t index = 0; index < old_count; index++) {
        struct linux_entry *entry = old[index];
        while (entry != NULL) {
            struct linux_entry *next = entry->hash_next;
            struct linux_entry **bucket = tree_bucket(tree, entry->hash);
            entry->hash_next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
    linux_heap_free(tree->heap, old, old_count * sizeof(struct linux_entry *));
}

static void entry_attach(struct linux_tree *tree, struct linux_entry *entry)
{
    if (tree->entry_count >= tree->bucket_count) {
        tree_grow(tree);
    }
    struct linux_inode *directory = entry->parent->inode;
    entry->hash = entry_hash(entry->parent, entry->name, entry->name_size);
    struct linux_entry **bucket = tree_bucket(tree, entry->hash);
    entry->hash_next = *bucket;
    *bucket = entry;
    entry->sequence = ++directory->child_sequence;
    entry->previous = NULL;
    entry->next = directory->children;
    if (entry->next != NULL) {
        entry->next->previous = entry;
    }
    directory->children = entry;
    directory->child_count++;
    tree->entry_count++;
    entry->is_linked = true;
    linux_inode_touch(directory, true);
    if (linux_inode_is(entry->inode, LINUX_S_IFDIR)) {
        directory->link_count++;
    }
}

static void entry_detach(struct linux_tree *tree, struct linux_entry *entry)
{
    if (entry->parent == NULL) {
        return; // not in a directory: nothing to leave
    }
    struct linux_inode *directory = entry->parent->inode;
    struct linux_entry **place = tree_bucket(tree, entry->hash);
    while (*place != entry) {
        place = &(*place)->hash_next;
    }
    *place = entry->hash_next;
    if (entry->previous != NULL) {
        entry->previous->next = entry->next;
    } else {
        directory->children = entry->next;
    }
    if (entry->next != NULL) {
        entry->next->previous = entry->previous;
    }
    directory->child_count--;
    tree->entry_count--;
    entry->is_linked = false;
    linux_inode_touch(directory, true);
    if (linux_inode_is(entry->inode, LINUX_S_IFDIR)) {
        directory->link_count--;
    }
}

int linux_entry_link(struct linux_tree *tree, struct linux_entry *parent, const char *name,
                     size_t name_size, struct linux_inode *inode)
{
    struct linux_entry *entry = entry_create(tree, name, name_size);
    if (entry == NULL) {
        return -LINUX_ENOSPC;
    }
    entry->parent = linux_entry_get(parent);
    entry->inode = linux_inode_get(inode);
    inode->link_count += linux_inode_is(inode, LINUX_S_IFDIR) ? 2 : 1;
    entry_attach(tree, entry);
    return 0;
}

struct linux_entry *linux_entry_create_detached(struct linux_tree *tree, struct linux_entry *parent,
                                                const char *name, struct linux_inode *owned_inode)
{
    struct linux_entry *entry = entry_create(tree, name, strlen(name));
    if (entry == NULL) {
        linux_inode_put(tree, owned_inode);
        return NULL;
    }
    entry->parent = parent == NULL ? NULL : linux_entry_get(parent);
    entry->inode = owned_inode;
    return entry;
}

void linux_entry_unlink(struct linux_tree *tree, struct linux_entry *entry)
{
    struct linux_inode *inode = entry->inode;
    entry_detach(tree, entry);
    inode->link_count -= linux_inode_is(inode, LINUX_S_IFDIR) ? 2 : 1;
    linux_inode_touch(inode, false);
    linux_entry_put(tree, entry);
}

int linux_entry_move(struct linux_tree *tree, struct linux_entry *entry, struct linux_entry *parent,
                     const char *name, size_t name_size)
{
    char *copy = linux_heap_alloc(tree->heap, name_size + 1);
    if (copy == NULL) {
        return -LINUX_ENOMEM;
    }
    memcpy(copy, name, name_size);
    struct linux_entry *old_parent = entry->parent;
    entry_detach(tree, entry);
    linux_heap_free(tree->heap, entry->name, (size_t)entry->name_size + 1);
    entry->name = copy;
    entry->name_size = (uint32_t)name_size;
    entry->parent = linux_entry_get(parent);
    entry_attach(tree, entry);
    linux_entry_put(tree, old_parent);
    linux_inode_touch(entry->inode, false);
    return 0;
}

static bool path_prepend(char *buffer, size_t *start, const char *text, size_t size)
{
    if (*start < size) {
        return false;
    }
    *start -= size;
    memcpy(buffer + *start, text, size);
    return true;
}

int64_t linux_entry_path(const struct linux_tree *tree, const struct linux_entry *entry,
                         const struct linux_entry *root, char *buffer, size_t size)
{
    static const char deleted[] = " (deleted)";
    size_t start = size;
    bool fits = path_prepend(buffer, &start, "", 1);
    if (entry->parent == NULL && entry != tree->root) {
        fits = fits && path_prepend(buffer, &start, entry->name, entry->name_size);
    } else {
        if (entry != root && entry != tree->root && !entry->is_linked) {
            fits = fits && path_prepend(buffer, &start, deleted, sizeof(deleted) - 1);
        }
        if (entry == root || entry == tree->root) {
            fits = fits && path_prepend(buffer, &start, "/", 1);
        }
        while (fits && entry != root && entry != tree->root && entry->parent != NULL) {
            fits = path_prepend(buffer, &start, entry->name, entry->name_size) &&
                   path_prepend(buffer, &start, "/", 1);
            entry = entry->parent;
        }
    }
    if (!fits) {
        return -LINUX_ENAMETOOLONG;
    }
    memmove(buffer, buffer + start, size - start);
    return (int64_t)(size - start - 1);
}

int linux_tree_init(struct linux_tree *tree, struct linux_heap *heap)
{
    memset(tree, 0, sizeof(*tree));
    tree->heap = heap;
    tree->bucket_count = BUCKETS_AT_START;
    tree->next_number = 1;
    tree->buckets = linux_heap_alloc(heap, BUCKETS_AT_START * sizeof(struct linux_entry *));
    struct linux_inode *inode = linux_inode_create(tree, LINUX_S_IFDIR | ROOT_MODE);
    if (tree->buckets == NULL || inode == NULL) {
        linux_heap_free(heap, tree->buckets, BUCKETS_AT_START * sizeof(struct linux_entry *));
        tree->buckets = NULL;
        return -LINUX_ENOMEM;
    }
    inode->link_count = 2;
    tree->root = linux_entry_create_detached(tree, NULL, "", inode);
    return tree->root == NULL ? -LINUX_ENOMEM : 0;
}

void linux_tree_fini(struct linux_tree *tree)
{
    struct linux_entry *place = tree->root;
    if (tree->buckets == NULL) {
        return;
    }
    while (place != NULL) {
        struct linux_entry *child = place->inode->children;
        if (child != NULL) {
            place = child;
        } else if (place == tree->root) {
            place = NULL;
        } else {
            struct linux_entry *parent = place->parent;
            linux_entry_unlink(tree, place);
            place = parent;
        }
    }
    if (tree->root != NULL) {
        linux_entry_put(tree, tree->root);
    }
    linux_heap_free(tree->heap, tree->buckets, tree->bucket_count * sizeof(struct linux_entry *));
    memset(tree, 0, sizeof(*tree));
}
