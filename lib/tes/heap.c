// SPDX-License-Identifier: MIT OR Apache-2.0
// The heap. Every block has a header with its size and a mark that tells a live block from a free
// one. Small blocks come from per-class free lists, which are filled by cutting up chunks and never
// shrink; larger ones are Memory objects of their own and go back at once.
#include <rt/bits.h>
#include <rt/checked.h>
#include <rt/string.h>
#include <tes/heap.h>
#include <tes/log.h>

#include "heap_pages.h"

#define HEAP_ALIGNMENT     16u
#define CHUNK_SIZE         16384u
#define HEAP_LIMIT_DEFAULT ((size_t)64 << 20)

#define MARK_LIVE 0x4c495645u
#define MARK_FREE 0x46524545u

struct header {
    uint64_t size; // of the block behind the header: a class's size, or what was asked for
    uint32_t mark;
    uint32_t class_index; // CLASS_LARGE: pages stand before the header
};
static_assert(sizeof(struct header) == HEAP_ALIGNMENT, "blocks stay aligned");

struct large {
    struct tes_pages pages;
    uint64_t padding;
    struct header header;
};
static_assert(sizeof(struct large) % HEAP_ALIGNMENT == 0, "blocks stay aligned");

struct free_block {
    struct free_block *next;
};

static const uint16_t class_sizes[] = { 16,  32,  48,  64,  96,   128,  192,
                                        256, 384, 512, 768, 1024, 1536, 2048 };
#define CLASS_COUNT (sizeof(class_sizes) / sizeof(class_sizes[0]))
#define CLASS_LARGE ((uint32_t)CLASS_COUNT)

static struct {
    struct free_block *free[CLASS_COUNT];
    uint8_t *chunk; // what is left of the newest chunk
    size_t chunk_left;
    size_t used;
    size_t limit;
} heap = { .limit = HEAP_LIMIT_DEFAULT };

static uint32_t class_of(size_t size)
{
    uint32_t class_index = 0;
    while (class_index < CLASS_COUNT && class_sizes[class_index] < size) {
        class_index++;
    }
    return class_index;
}

static bool pages_get(size_t size, struct tes_pages *out_pages)
{
    uint64_t rounded = 0;
    if (!checked_align_up(size, TES_PAGE_SIZE, &rounded) || rounded > heap.limit ||
        heap.used > heap.limit - rounded || !heap_pages_get(rounded, out_pages)) {
        return false;
    }
    heap.used += rounded;
    return true;
}

static struct header *header_of(void *block)
{
    return (struct header *)block - 1;
}

// A block of the class, cut from the chunk; a new chunk if there is no room. What is left of the
// old one is too small for this class and stays unused: at most one block's worth for each chunk.
static void *class_cut(uint32_t class_index)
{
    size_t size = sizeof(struct header) + class_sizes[class_index];
    if (heap.chunk_left < size) {
        struct tes_pages pages;
        if (!pages_get(CHUNK_SIZE, &pages)) {
            return NULL;
        }
        heap.chunk = pages.address;
        heap.chunk_left = CHUNK_SIZE;
    }
    struct header *header = (struct header *)(void *)heap.chunk;
    heap.chunk += size;
    heap.chunk_left -= size;
    header->class_index = class_index;
    return header + 1;
}

static void *small_alloc(uint32_t class_index)
{
    struct free_block *block = heap.free[class_index];
    if (block != NULL) {
        TES_ASSERT(header_of(block)->mark == MARK_FREE);
        heap.free[class_index] = block->next;
    } else {
        block = class_cut(class_index);
        if (block == NULL) {
            return NULL;
        }
    }
    struct header *header = header_of(block);
    header->mark = MARK_LIVE;
    header->size = class_sizes[class_index];
    return block;
}

static void *large_alloc(size_t size)
{
    uint64_t whole = 0;
    struct tes_pages pages;
    if (!checked_add(size, sizeof(struct large), &whole) || !pages_get(whole, &pages)) {
        return NULL;
    }
    struct large *large = pages.address;
    large->pages = pages;
    large->header = (struct header){ .size = size, .mark = MARK_LIVE, .class_index = CLASS_LARGE };
    return large + 1;
}

void *tes_alloc(size_t size)
{
    uint32_t class_index = class_of(size);
    heap_lock();
    void *block = class_index == CLASS_LARGE ? large_alloc(size) : small_alloc(class_index);
    heap_unlock();
    if (block != NULL && class_index != CLASS_LARGE) {
        memset(block, 0, class_sizes[class_index]); // pages of large blocks are fresh zeros
    }
    return block;
}

void tes_free(void *block)
{
    if (block == NULL) {
        return;
    }
    struct header *header = header_of(block);
    TES_ASSERT(header->mark == MARK_LIVE);
    TES_ASSERT(header->class_index <= CLASS_LARGE);
    heap_lock();
    header->mark = MARK_FREE;
    if (header->class_index == CLASS_LARGE) {
        struct large *large = (struct large *)block - 1;
        struct tes_pages pages = large->pages;
        heap.used -= pages.size;
        heap_pages_put(&pages);
    } else {
        struct free_block *freed = block;
        freed->next = heap.free[header->class_index];
        heap.free[header->class_index] = freed;
    }
    heap_unlock();
}

void *tes_resize(void *block, size_t size)
{
    if (block == NULL) {
        return tes_alloc(size);
    }
    struct header *header = header_of(block);
    TES_ASSERT(header->mark == MARK_LIVE);
    if (header->class_index != CLASS_LARGE && class_of(size) == header->class_index) {
        return block;
    }
    void *moved = tes_alloc(size);
    if (moved != NULL) {
        memcpy(moved, block, min_u64(size, header->size));
        tes_free(block);
    }
    return moved;
}

char *tes_string_dup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tes_alloc(size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void tes_heap_limit(size_t bytes)
{
    heap.limit = bytes;
}

size_t tes_heap_used(void)
{
    return heap.used;
}
