// SPDX-License-Identifier: MIT OR Apache-2.0
// Red-black trees (rt/tree.h). A red node has no red child, and every path down has as many black
// nodes: insert and remove turn at most three times. Colors stand in bit 0 of the parent pointer.
#include <rt/tree.h>

#define TREE_BLACK ((uintptr_t)1)

static struct tree_node *parent_of(const struct tree_node *node)
{
    return (struct tree_node *)(node->parent_color & ~TREE_BLACK);
}

static bool is_black(const struct tree_node *node)
{
    return node == NULL || (node->parent_color & TREE_BLACK) != 0;
}

static void set_parent(struct tree_node *node, struct tree_node *parent)
{
    node->parent_color = (uintptr_t)parent | (node->parent_color & TREE_BLACK);
}

static void set_black(struct tree_node *node, bool black)
{
    node->parent_color = (node->parent_color & ~TREE_BLACK) | (black ? TREE_BLACK : 0);
}

static void replace_child(struct tree *tree, struct tree_node *parent, const struct tree_node *old,
                          struct tree_node *new_child)
{
    if (parent == NULL) {
        tree->root = new_child;
    } else if (parent->left == old) {
        parent->left = new_child;
    } else {
        parent->right = new_child;
    }
}

static void rotate(struct tree *tree, struct tree_node *node, bool to_left)
{
    struct tree_node *up = to_left ? node->right : node->left;
    struct tree_node *middle = to_left ? up->left : up->right;
    replace_child(tree, parent_of(node), node, up);
    set_parent(up, parent_of(node));
    if (to_left) {
        node->right = middle;
        up->left = node;
    } else {
        node->left = middle;
        up->right = node;
    }
    if (middle != NULL) {
        set_parent(middle, node);
    }
    set_parent(node, up);
}

void tree_init(struct tree *tree)
{
    *tree = (struct tree){ 0 };
}

static void insert_balance(struct tree *tree, struct tree_node *node)
{
    struct tree_node *parent = parent_of(node);
    while (parent != NULL && !is_black(parent)) {
        struct tree_node *above = parent_of(parent); // red nodes are never the root
        bool is_left = above->left == parent;
        struct tree_node *uncle = is_left ? above->right : above->left;
        if (!is_black(uncle)) {
            set_black(parent, true);
            set_black(uncle, true);
            set_black(above, false);
            node = above;
            parent = parent_of(node);
            continue;
        }
        if (node == (is_left ? parent->right : parent->left)) {
            rotate(tree, parent, is_left);
            parent = node;
        }
        set_black(parent, true);
        set_black(above, false);
        rotate(tree, above, !is_left);
        break;
    }
    set_black(tree->root, true);
}

void tree_insert(struct tree *tree, struct tree_node *node, tree_less_t *less)
{
    struct tree_node *parent = NULL;
    struct tree_node **link = &tree->root;
    bool is_first = true;
    while (*link != NULL) {
        parent = *link;
        bool is_left = less(node, parent);
        is_first = is_first && is_left;
        link = is_left ? &parent->left : &parent->right;
    }
    node->left = NULL;
    node->right = NULL;
    node->parent_color = (uintptr_t)parent;
    *link = node;
    if (is_first) {
        tree->first = node;
    }
    insert_balance(tree, node);
}

// The side below parent where node (null: a leaf) stands has one black node too few.
static void remove_balance(struct tree *tree, struct tree_node *parent, struct tree_node *node)
{
    while (parent != NULL && is_black(node)) {
        bool is_left = parent->left == node;
        struct tree_node *sibling = is_left ? parent->right : parent->left;
        if (!is_black(sibling)) {
            set_black(sibling, true);
            set_black(parent, false);
            rotate(tree, parent, is_left);
            sibling = is_left ? parent->right : parent->left;
        }
        if (sibling == NULL) { // never: the other side has a black node more
            return;
        }
        struct tree_node *near = is_left ? sibling->left : sibling->right;
        struct tree_node *far = is_left ? sibling->right : sibling->left;
        if (is_black(near) && is_black(far)) {
            set_black(sibling, false);
            node = parent;
            parent = parent_of(node);
            continue;
        }
        if (is_black(far)) {
            set_black(near, true);
            set_black(sibling, false);
            rotate(tree, sibling, !is_left);
            sibling = near;
            far = is_left ? sibling->right : sibling->left;
        }
        set_black(sibling, is_black(parent));
        set_black(parent, true);
        set_black(far, true);
        rotate(tree, parent, is_left);
        return;
    }
    if (node != NULL) {
        set_black(node, true);
    }
}

// Node has two children: its successor takes its place and color. Returns where a black node may be
// missing.
static struct tree_node *replace_by_successor(struct tree *tree, struct tree_node *node,
                                              struct tree_node **out_child, bool *out_was_black)
{
    struct tree_node *next = node->right;
    while (next->left != NULL) {
        next = next->left;
    }
    struct tree_node *child = next->right;
    struct tree_node *parent = parent_of(next);
    *out_was_black = is_black(next);
    *out_child = child;
    if (parent == node) {
        parent = next;
    } else {
        parent->left = child;
        if (child != NULL) {
            set_parent(child, parent);
        }
        next->right = node->right;
        set_parent(next->right, next);
    }
    replace_child(tree, parent_of(node), node, next);
    next->parent_color = node->parent_color;
    next->left = node->left;
    set_parent(next->left, next);
    return parent;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *child = NULL;
    struct tree_node *parent = NULL;
    bool was_black = false;
    if (tree->first == node) {
        tree->first = tree_next(node);
    }
    if (node->left != NULL && node->right != NULL) {
        parent = replace_by_successor(tree, node, &child, &was_black);
    } else {
        child = node->left != NULL ? node->left : node->right;
        parent = parent_of(node);
        was_black = is_black(node);
        replace_child(tree, parent, node, child);
        if (child != NULL) {
            set_parent(child, parent);
        }
    }
    if (was_black) {
        remove_balance(tree, parent, child);
    }
    *node = (struct tree_node){ 0 };
}

struct tree_node *tree_next(const struct tree_node *node)
{
    if (node->right != NULL) {
        struct tree_node *next = node->right;
        while (next->left != NULL) {
            next = next->left;
        }
        return next;
    }
    struct tree_node *parent = parent_of(node);
    while (parent != NULL && parent->right == node) {
        node = parent;
        parent = parent_of(node);
    }
    return parent;
}

struct tree_node *tree_previous(const struct tree_node *node)
{
    if (node->left != NULL) {
        struct tree_node *previous = node->left;
        while (previous->right != NULL) {
            previous = previous->right;
        }
        return previous;
    }
    struct tree_node *parent = parent_of(node);
    while (parent != NULL && parent->left == node) {
        node = parent;
        parent = parent_of(node);
    }
    return parent;
}
