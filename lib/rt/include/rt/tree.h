// SPDX-License-Identifier: MIT OR Apache-2.0
// Intrusive balanced binary search trees (red-black): insert, remove, first and next in bounded
// time.
#pragma once

#include <rt/list.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    uintptr_t parent_color; // parent | color (bit 0); a node in no tree has parent_color 0 and is
                            // not linked
    struct tree_node *left, *right;
};

struct tree {
    struct tree_node *root;
    struct tree_node *first; // leftmost, cached
};

typedef bool tree_less_t(const struct tree_node *a, const struct tree_node *b);

void tree_init(struct tree *tree);
// Equal nodes: the newer comes after the older.
void tree_insert(struct tree *tree, struct tree_node *node, tree_less_t *less);
void tree_remove(struct tree *tree, struct tree_node *node);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

static inline struct tree_node *tree_first(const struct tree *tree)
{
    return tree->first;
}

static inline bool tree_is_empty(const struct tree *tree)
{
    return tree->root == NULL;
}
