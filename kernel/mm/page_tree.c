// SPDX-License-Identifier: MIT OR Apache-2.0
// Radix tree of page number → frame: nodes of 64 entries (512 bytes from a slab; eight of them are
// charged as one page), or the entries in the structure itself when it is small. Every entry with a
// frame holds a share of it and is charged as one page, shared or not, but for UNPAID ones. Nodes
// go when the tree goes.
#include "mm.h"

#define NODE_BITS      6u
#define NODE_SIZE      512u
#define NODES_PER_PAGE (PAGE_SIZE / NODE_SIZE)
#define HEIGHT_MAX     6u // 2^36 pages
static_assert(1u << NODE_BITS == PAGE_NODE_ENTRIES, "a digit of the page number per level");
static_assert(NODE_SIZE == PAGE_NODE_ENTRIES * sizeof(uint64_t), "a node is its entries");
static_assert(MEMORY_SIZE_MAX >> PAGE_SHIFT <= 1ull << (NODE_BITS * HEIGHT_MAX), "largest Memory");

tes_status_t payer_charge(const struct page_payer *payer, uint64_t pages)
{
    if (pages == 0) {
        return TES_OK;
    }
    if (payer->reserve != NULL && *payer->reserve >= pages) {
        *payer->reserve -= pages;
        return TES_OK;
    }
    return quota_charge_pages(payer->quota, pages);
}

static uint64_t pages_of_nodes(uint32_t nodes)
{
    return (nodes + NODES_PER_PAGE - 1) / NODES_PER_PAGE;
}

uint64_t page_tree_bound(uint64_t pages)
{
    uint64_t total = pages;
    for (uint32_t level = 1; level <= HEIGHT_MAX; level++) {
        total += (pages >> (level * NODE_BITS)) / NODES_PER_PAGE +
                 1; // a range can touch one node more a level
    }
    return total;
}

static uint32_t index_at(uint64_t page, uint32_t level)
{
    return (uint32_t)(page >> (level * NODE_BITS)) & (PAGE_NODE_ENTRIES - 1);
}

static uint64_t *node_at(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)entry;
}

void page_tree_init(struct page_tree *tree, uint64_t size_pages)
{
    *tree = (struct page_tree){ .size_pages = size_pages };
    if (size_pages > MEMORY_INLINE_PAGES) {
        tree->height = 1;
        while (size_pages > 1ull << (NODE_BITS * tree->height)) {
            tree->height++;
        }
    }
}

// The slot, or null with the level whose node is absent.
static uint64_t *tree_walk(struct page_tree *tree, uint64_t page, uint32_t *out_level)
{
    DEBUG_ASSERT(page < tree->size_pages);
    if (tree->height == 0) {
        return &tree->entries[page];
    }
    uint64_t *node = tree->root;
    uint32_t level = tree->height;
    while (node != NULL && level > 1) {
        level--;
        node = node_at(node[index_at(page, level)]);
    }
    *out_level = node == NULL ? level : 0;
    return node == NULL ? NULL : &node[index_at(page, 0)];
}

uint64_t *page_tree_find(struct page_tree *tree, uint64_t page)
{
    uint32_t level = 0;
    return tree_walk(tree, page, &level);
}

static tes_status_t nodes_make(struct page_tree *tree, uint64_t page, uint32_t count)
{
    void *nodes[HEIGHT_MAX] = { NULL };
    for (uint32_t i = 0; i < count; i++) {
        tes_status_t status = slab_allocate(NODE_SIZE, &nodes[i]);
        if (status != TES_OK) {
            while (i > 0) {
                slab_free(nodes[--i], NODE_SIZE);
            }
            return status;
        }
    }
    uint64_t **link = &tree->root;
    uint64_t *node = tree->root;
    for (uint32_t level = tree->height; level > 0; level--) {
        if (node == NULL) {
            node = nodes[--count];
            *link = node;
            tree->nodes++;
        }
        link = (uint64_t **)(void *)&node[index_at(page, level - 1)];
        node = level > 1 ? *link : NULL;
    }
    return TES_OK;
}

tes_status_t page_tree_prepare(struct page_tree *tree, const struct page_payer *payer,
                               uint64_t page, uint64_t pages, uint64_t **out_slot)
{
    uint32_t missing = 0;
    uint64_t *slot = tree_walk(tree, page, &missing);
    uint64_t cost = pages + pages_of_nodes(tree->nodes + missing) - pages_of_nodes(tree->nodes);
    tes_status_t status = payer_charge(payer, cost);
    if (status == TES_OK && slot == NULL) {
        status = nodes_make(tree, page, missing);
        if (status == TES_OK) {
            slot = page_tree_find(tree, page);
        } else {
            quota_return_pages(payer->quota, cost);
        }
    }
    if (status == TES_OK) {
        *out_slot = slot;
    }
    return status;
}

bool page_tree_next(struct page_tree *tree, uint64_t page, uint64_t end, uint64_t *out_page)
{
    while (page < end) {
        uint32_t level = 0;
        const uint64_t *slot = tree_walk(tree, page, &level);
        if (slot != NULL && *slot != 0) {
            *out_page = page;
            return true;
        }
        page = ((page >> (level * NODE_BITS)) + 1) << (level * NODE_BITS);
    }
    return false;
}

void page_tree_drop(struct page_tree *tree, struct quota *quota, uint64_t *slot)
{
    uint64_t entry = *slot;
    *slot = 0;
    if ((entry & ENTRY_FAILED) != 0) {
        return;
    }
    tree->present--;
    frame_put(entry_frame(entry));
    if ((entry & ENTRY_UNPAID) == 0) {
        quota_return_pages(quota, 1);
    }
}

uint64_t page_tree_drop_range(struct page_tree *tree, struct quota *quota, uint64_t page,
                              uint64_t end, uint32_t limit)
{
    uint64_t paid = 0;
    while (limit > 0 && page_tree_next(tree, page, end, &page)) {
        uint64_t *slot = page_tree_find(tree, page);
        if ((*slot & ENTRY_FAILED) == 0) {
            tree->present--;
            paid += (*slot & ENTRY_UNPAID) == 0;
            frame_put(entry_frame(*slot));
        }
        *slot = 0;
        page++;
        limit--;
    }
    if (paid != 0) {
        quota_return_pages(quota, paid);
    }
    return limit > 0 ? end : page;
}

// Follows the first child down and frees a node without children; a few at a time.
bool page_tree_release(struct page_tree *tree, struct quota *quota)
{
    ASSERT(tree->present == 0);
    uint64_t before = pages_of_nodes(tree->nodes);
    for (uint32_t step = 0; tree->nodes != 0 && step < 2 * PAGE_NODE_ENTRIES; step++) {
        uint64_t **link = &tree->root;
        for (uint32_t level = tree->height; level > 1; level--) {
            uint32_t i = 0;
            while (i < PAGE_NODE_ENTRIES && (*link)[i] == 0) {
                i++;
            }
            if (i == PAGE_NODE_ENTRIES) {
                break;
            }
            link = (uint64_t **)(void *)&(*link)[i];
        }
        slab_free(*link, NODE_SIZE);
        *link = NULL;
        tree->nodes--;
    }
    if (before != pages_of_nodes(tree->nodes)) {
        quota_return_pages(quota, before - pages_of_nodes(tree->nodes));
    }
    return tree->nodes == 0;
}

tes_status_t page_tree_share(struct page_tree *clone, const struct page_payer *payer, uint64_t page,
                             uint64_t entry, bool is_copied)
{
    paddr_t frame = entry_frame(entry);
    bool is_shared = !is_copied && !frame_is_pinned(frame);
    bool is_paid = !is_shared || (payer->quota->flags & TES_QUOTA_CREATE_OVERCOMMIT) == 0;
    paddr_t copy = frame;
    tes_status_t status = is_shared ? TES_OK : frame_allocate(&copy);
    if (status != TES_OK) {
        return status;
    }
    uint64_t *slot = NULL;
    status = page_tree_prepare(clone, payer, page, is_paid, &slot);
    if (status != TES_OK) {
        if (!is_shared) {
            frame_free(copy);
        }
        return status;
    }
    if (is_shared) {
        frame_get(frame);
    } else {
        page_copy(frame_address(copy), frame_address(frame));
    }
    *slot = is_paid ? copy.value : copy.value | ENTRY_UNPAID;
    clone->present++;
    return TES_OK;
}

tes_status_t page_tree_own(struct page_tree *tree, const struct page_payer *payer, uint64_t *slot,
                           bool *out_is_new)
{
    (void)tree;
    paddr_t frame = entry_frame(*slot);
    paddr_t copy = frame;
    bool is_shared = frame_shares(frame) > 1;
    tes_status_t status = payer_charge(payer, (*slot & ENTRY_UNPAID) != 0);
    if (status == TES_OK && is_shared) {
        status = frame_allocate(&copy);
        if (status != TES_OK && (*slot & ENTRY_UNPAID) != 0) {
            quota_return_pages(payer->quota, 1);
        }
    }
    if (status != TES_OK) {
        return status;
    }
    if (is_shared) {
        page_copy(frame_address(copy), frame_address(frame));
    }
    *slot = copy.value;
    *out_is_new = is_shared;
    return TES_OK;
}
