// SPDX-License-Identifier: MIT OR Apache-2.0
// Intrusive circular doubly linked lists. A node that is in no list points to itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list_node {
    struct list_node *next, *previous;
};

// For pointers to const: no cast drops the qualifier.
#define container_of_const(pointer, type, member)                                                  \
    ((const type *)(const void *)((const char *)(pointer)-offsetof(type, member)))
#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list_node *node)
{
    node->next = node;
    node->previous = node;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct list_node *position, struct list_node *node)
{
    node->next = position;
    node->previous = position->previous;
    position->previous->next = node;
    position->previous = node;
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
    list_insert_before(head, node);
}

static inline void list_prepend(struct list_node *head, struct list_node *node)
{
    list_insert_before(head->next, node);
}

static inline void list_remove(struct list_node *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

// Moves all of from (emptied) to the end of head.
static inline void list_splice(struct list_node *head, struct list_node *from)
{
    if (list_is_empty(from)) {
        return;
    }
    from->next->previous = head->previous;
    from->previous->next = head;
    head->previous->next = from->next;
    head->previous = from->previous;
    list_init(from);
}

// The n-th node, or null.
static inline struct list_node *list_at(const struct list_node *head, uint64_t n)
{
    struct list_node *node = head->next;
    for (; node != head && n != 0; n--) {
        node = node->next;
    }
    return node != head ? node : NULL;
}

#define list_for_each(node, head)                                                                  \
    for (struct list_node *node = (head)->next; node != (head); node = node->next)
#define list_for_each_safe(node, next_node, head)                                                  \
    for (struct list_node *node = (head)->next, *next_node = node->next; node != (head);           \
         node = next_node, next_node = node->next)
