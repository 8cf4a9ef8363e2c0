// SPDX-License-Identifier: MIT OR Apache-2.0
// Size-class_index allocator of the personality. A page given to a class_index stays with it until
// the container ends; whole-page blocks (file contents, large tables) go back to the platform at
// once.

#include <personality/heap.h>

#include <personality/platform.h>
#include <rt/string.h>

#include <stdbool.h>

#define HEAP_MINIMUM_SHIFT 4
#define HEAP_CLASS_MAXIMUM ((size_t)1 << (HEAP_MINIMUM_SHIFT + LINUX_HEAP_CLASSES - 1))

#define HEAP_INDEX_PAGES 510U

// One page of pointers to pages that were cut into blocks.
struct linux_heap_index {
    struct linux_heap_index *next;
    uint64_t count;
    void *pages[HEAP_INDEX_PAGES];
};

void linux_heap_init(struct linux_heap *heap, uint64_t pages_limit)
{
    memset(heap, 0, sizeof(*heap));
    heap->pages_limit = pages_limit;
}

static uint32_t heap_class(size_t size)
{
    uint32_t class_index = 0;
    while (((size_t)1 << (HEAP_MINIMUM_SHIFT + class_index)) < size) {
        class_index++;
    }
    return class_index;
}

static size_t heap_class_size(uint32_t class_index)
{
    return (size_t)1 << (HEAP_MINIMUM_SHIFT + class_index);
}

static void *heap_pages_take(struct linux_heap *heap, size_t count)
{
    if (count > heap->pages_limit - heap->pages_used) {
        return NULL;
    }
    void *pages = platform_page_alloc(count);
    if (pages != NULL) {
        heap->pages_used += count;
    }
    return pages;
}

static void heap_pages_give(struct linux_heap *heap, void *pages, size_t count)
{
    heap->pages_used -= count;
    platform_page_free(pages, count);
}

void linux_heap_fini(struct linux_heap *heap)
{
    while (heap->index != NULL) {
        struct linux_heap_index *index = heap->index;
        for (uint64_t place = 0; place < index->count; place++) {
            heap_pages_give(heap, index->pages[place], 1);
        }
        heap->index = index->next;
        heap_pages_give(heap, index, 1);
    }
    memset(heap->free, 0, sizeof(heap->free));
}

// Room for one more pointer in the index; false without memory.
static bool heap_index_reserve(struct linux_heap *heap)
{
    if (heap->index != NULL && heap->index->count < HEAP_INDEX_PAGES) {
        return true;
    }
    struct linux_heap_index *index = heap_pages_take(heap, 1);
    if (index == NULL) {
        return false;
    }
    index->next = heap->index;
    heap->index = index;
    return true;
}

static size_t heap_page_count(size_t size)
{
    return (size + LINUX_PAGE_SIZE - 1) >> LINUX_PAGE_SHIFT;
}

static struct linux_heap_block *heap_refill(struct linux_heap *heap, uint32_t class_index)
{
    uint8_t *page = heap_index_reserve(heap) ? heap_pages_take(heap, 1) : NULL;
    if (page == NULL) {
        return NULL;
    }
    heap->index->pages[heap->index->count++] = page;
    size_t size = heap_class_size(class_index);
    for (size_t offset = 0; offset + size <= LINUX_PAGE_SIZE; offset += size) {
        struct linux_heap_block *block = (struct linux_heap_block *)(void *)(page + offset);
        block->next = heap->free[class_index];
        heap->free[class_index] = block;
    }
    return heap->free[class_index];
}

void *linux_heap_alloc(struct linux_heap *heap, size_t size)
{
    if (size > HEAP_CLASS_MAXIMUM) {
        size_t count = size > SIZE_MAX - LINUX_PAGE_SIZE ? SIZE_MAX : heap_page_count(size);
        void *pages = heap_pages_take(heap, count);
        heap->bytes_live += pages == NULL ? 0 : count << LINUX_PAGE_SHIFT;
        return pages;
    }
    uint32_t class_index = heap_class(size);
    struct linux_heap_block *block = heap->free[class_index];
    if (block == NULL) {
        block = heap_refill(heap, class_index);
        if (block == NULL) {
            return NULL;
        }
    }
    heap->free[class_index] = block->next;
    heap->bytes_live += heap_class_size(class_index);
    memset(block, 0, size);
    return block;
}

void linux_heap_free(struct linux_heap *heap, void *memory, size_t size)
{
    if (memory == NULL) {
        return;
    }
    if (size > HEAP_CLASS_MAXIMUM) {
        heap->bytes_live -= heap_page_count(size) << LINUX_PAGE_SHIFT;
        heap_pages_give(heap, memory, heap_page_count(size));
        return;
    }
    uint32_t class_index = heap_class(size);
    struct linux_heap_block *block = memory;
    heap->bytes_live -= heap_class_size(class_index);
    block->next = heap->free[class_index];
    heap->free[class_index] = block;
}

void *linux_heap_page_alloc(struct linux_heap *heap)
{
    return linux_heap_alloc(heap, LINUX_PAGE_SIZE);
}

void linux_heap_page_free(struct linux_heap *heap, void *page)
{
    linux_heap_free(heap, page, LINUX_PAGE_SIZE);
}
