// SPDX-License-Identifier: MIT OR Apache-2.0
// Sparse page tree of a regular file. Height grows with the largest page index in use; a one-page
// file is just its page. Truncation drops whole pages and zeroes the tail of the last one, so bytes
// beyond the size are always zero in owned pages.

#include <personality/file_data.h>

#include <rt/string.h>

#define NODE_SHIFT    9
#define NODE_CHILDREN ((uint64_t)1 << NODE_SHIFT)

struct data_node {
    void *child[NODE_CHILDREN];
};

static uint64_t data_capacity(uint32_t height)
{
    return (uint64_t)1 << (NODE_SHIFT * height);
}

static uint64_t data_child(uint64_t page_index, uint32_t level)
{
    return (page_index >> (NODE_SHIFT * (level - 1))) & (NODE_CHILDREN - 1);
}

static uint8_t *data_find(const struct linux_file_data *data, uint64_t page_index)
{
    if (page_index >= data_capacity(data->height)) {
        return NULL;
    }
    void *place = data->root;
    for (uint32_t level = data->height; level > 0 && place != NULL; level--) {
        place = ((struct data_node *)place)->child[data_child(page_index, level)];
    }
    return place;
}

static size_t data_blob_bytes(const struct linux_file_data *data, uint64_t page_index)
{
    uint64_t offset = page_index << LINUX_PAGE_SHIFT;
    if (offset >= data->blob_size) {
        return 0;
    }
    uint64_t rest = data->blob_size - offset;
    return rest < LINUX_PAGE_SIZE ? (size_t)rest : (size_t)LINUX_PAGE_SIZE;
}

const uint8_t *linux_file_data_page(const struct linux_file_data *data, uint64_t page_index,
                                    size_t *out_valid)
{
    const uint8_t *page = data_find(data, page_index);
    if (page != NULL) {
        *out_valid = LINUX_PAGE_SIZE;
        return page;
    }
    *out_valid = data_blob_bytes(data, page_index);
    return *out_valid == 0 ? NULL : data->blob->data + (page_index << LINUX_PAGE_SHIFT);
}

static bool data_grow(struct linux_file_data *data, struct linux_heap *heap, uint64_t page_index)
{
    while (page_index >= data_capacity(data->height)) {
        if (data->root != NULL) {
            struct data_node *node = linux_heap_page_alloc(heap);
            if (node == NULL) {
                return false;
            }
            node->child[0] = data->root;
            data->root = node;
        }
        data->height++;
    }
    return true;
}

// The place of the data page's pointer, with all nodes above it made.
static void **data_slot(struct linux_file_data *data, struct linux_heap *heap, uint64_t page_index)
{
    void **slot = &data->root;
    for (uint32_t level = data->height; level > 0; level--) {
        if (*slot == NULL) {
            *slot = linux_heap_page_alloc(heap);
            if (*slot == NULL) {
                return NULL;
            }
        }
        slot = &((struct data_node *)*slot)->child[data_child(page_index, level)];
    }
    return slot;
}

uint8_t *linux_file_data_page_own(struct linux_file_data *data, struct linux_heap *heap,
                                  uint64_t page_index)
{
    uint8_t *page = data_find(data, page_index);
    if (page != NULL) {
        return page;
    }
    if (!data_grow(data, heap, page_index)) {
        return NULL;
    }
    void **slot = data_slot(data, heap, page_index);
    if (slot == NULL) {
        return NULL;
    }
    page = linux_heap_page_alloc(heap);
    if (page == NULL) {
        return NULL;
    }
    size_t valid = data_blob_bytes(data, page_index);
    if (valid != 0) {
        memcpy(page, data->blob->data + (page_index << LINUX_PAGE_SHIFT), valid);
    }
    *slot = page;
    data->page_count++;
    return page;
}

// Frees every page at or above first in the subtree; true when nothing is left of it.
static bool data_prune(struct linux_file_data *data, struct linux_heap *heap, void *place,
                       uint32_t level, uint64_t first)
{
    if (place == NULL) {
        return true;
    }
    if (level == 0) {
        if (first == 0) {
            linux_heap_page_free(heap, place);
            data->page_count--;
        }
        return first == 0;
    }
    struct data_node *node = place;
    uint64_t span = data_capacity(level - 1);
    uint64_t start = first / span;
    bool is_empty = start == 0;
    for (uint64_t child = start; child < NODE_CHILDREN; child++) {
        uint64_t below = child == start ? first % span : 0;
        if (data_prune(data, heap, node->child[child], level - 1, below)) {
            node->child[child] = NULL;
        } else {
            is_empty = false;
        }
    }
    if (is_empty) {
        linux_heap_page_free(heap, node);
    }
    return is_empty;
}

static void data_cut(struct linux_file_data *data, struct linux_heap *heap, uint64_t size)
{
    uint64_t first = (size + LINUX_PAGE_SIZE - 1) >> LINUX_PAGE_SHIFT;
    if (first < data_capacity(data->height) &&
        data_prune(data, heap, data->root, data->height, first)) {
        data->root = NULL;
        data->height = 0;
    }
    size_t tail = size & (LINUX_PAGE_SIZE - 1);
    uint8_t *last = tail == 0 ? NULL : data_find(data, size >> LINUX_PAGE_SHIFT);
    if (last != NULL) {
        memset(last + tail, 0, LINUX_PAGE_SIZE - tail);
    }
    if (data->blob_size > size) {
        data->blob_size = size;
    }
}

void linux_file_data_resize(struct linux_file_data *data, struct linux_heap *heap, uint64_t size)
{
    if (size < data->size) {
        data_cut(data, heap, size);
    }
    data->size = size;
}

void linux_file_data_destroy(struct linux_file_data *data, struct linux_heap *heap)
{
    data_cut(data, heap, 0);
    data->size = 0;
}

static bool data_is_hole(const struct linux_file_data *data, uint64_t page_index)
{
    size_t valid = 0;
    return linux_file_data_page(data, page_index, &valid) == NULL;
}

// The first index after page_index below the same missing subtree: whole holes are skipped at once.
static uint64_t data_skip(const struct linux_file_data *data, uint64_t page_index)
{
    if (page_index >= data_capacity(data->height)) {
        return UINT64_MAX >> LINUX_PAGE_SHIFT;
    }
    void *place = data->root;
    for (uint32_t level = data->height; level > 0; level--) {
        if (place == NULL) {
            uint64_t span = data_capacity(level);
            return (page_index / span + 1) * span;
        }
        place = ((struct data_node *)place)->child[data_child(page_index, level)];
    }
    return page_index + 1;
}

bool linux_file_data_seek(const struct linux_file_data *data, uint64_t offset, bool want_hole,
                          uint64_t *out_offset)
{
    uint64_t index = offset >> LINUX_PAGE_SHIFT;
    while ((index << LINUX_PAGE_SHIFT) < data->size) {
        if (data_is_hole(data, index) == want_hole) {
            uint64_t start = index << LINUX_PAGE_SHIFT;
            *out_offset = start > offset ? start : offset;
            return true;
        }
        index = want_hole ? index + 1 : data_skip(data, index);
    }
    *out_offset = data->size;
    return want_hole && offset < data->size;
}
