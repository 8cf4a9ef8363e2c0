// SPDX-License-Identifier: MIT OR Apache-2.0
// The personality's own memory: power-of-two size classes over platform pages, with a page limit
// for the whole container. Sizes are given back at free, so blocks carry no headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LINUX_HEAP_CLASSES 8 // 16 bytes to 2 KiB; more is whole pages

struct linux_heap_block {
    struct linux_heap_block *next;
};

struct linux_heap_index;

struct linux_heap {
    struct linux_heap_block *free[LINUX_HEAP_CLASSES];
    struct linux_heap_index *index; // the pages that classes own
    uint64_t bytes_live;            // given out, rounded up to classes and pages
    uint64_t pages_used;
    uint64_t pages_limit;
};

void linux_heap_init(struct linux_heap *heap, uint64_t pages_limit);
// Gives every page back. What is still given out is lost with it.
void linux_heap_fini(struct linux_heap *heap);
// Zeroed memory, or NULL at the container's limit or the platform's quota.
void *linux_heap_alloc(struct linux_heap *heap, size_t size);
void linux_heap_free(struct linux_heap *heap, void *memory, size_t size);
// One zeroed page for file contents.
void *linux_heap_page_alloc(struct linux_heap *heap);
void linux_heap_page_free(struct linux_heap *heap, void *page);
