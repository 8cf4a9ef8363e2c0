// SPDX-License-Identifier: MIT OR Apache-2.0
// Radix tree of page number → frame: nodes of 64 entries (512 bytes from a slab; eight of them are
// charged as one page), or the entries in the structure itself when it is small. Every entry with a
// frame holds a share of it and is charged as one page, shared or not, but for UNPAID ones. Nodes
// go when the tree goes, leaf by leaf.
#include "mm.h"

#define NODE_BITS      6u
#define NODE_SIZE      512u
#define NODES_PER_PAGE (PAGE_SIZE / NODE_SIZE)
#define RELEASE_NODES  4u // a step
#define HEIGHT_MAX     6u // 2^36 pages
static_assert(1u << NODE_BITS == PAGE_NODE_ENTRIES, "a digit of the page number per level");
static_assert(NODE_SIZE == PAGE_NODE_ENTRIES * sizeof(uint64_t), "a node is its entries");
static_assert(MEMORY_SIZE_MAX >> PAGE_SHIFT <= 1ull << (NODE_BITS * HEIGHT_MAX), "largest Memory");

tes_status_t payer_charge(const struct page_payer *payer, uint64_t pages)
{
    uint64_t ahead = payer->reserve == NULL ? 0 : *payer->reserve;
    ahead = ahead < pages ? ahead : pages;
    tes_status_t status = ahead == pages ? TES_OK : quota_charge_pages(payer->quota, pages - ahead);
    if (status == TES_OK && ahead != 0) {
        *payer->reserve -= ahead;
    }
    return status;
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
        ASSERT(slot != NULL);
        *out_slot = slot;
    }
    return status;
}

uint64_t *page_tree_next(struct page_tree *tree, uint64_t *page, uint64_t end)
{
    while (*page < end) {
        uint32_t level = 0;
        uint64_t *slot = tree_walk(tree, *page, &level);
        if (slot == NULL) {
            *page = ((*page >> (level * NODE_BITS)) + 1) << (level * NODE_BITS);
            continue;
        }
        for (uint64_t stop = page_leaf_end(*page, end); *page < stop; ++*page, slot++) {
            if (*slot != 0) {
                return slot;
            }
        }
    }
    return NULL;
}

// Already charged.
static tes_status_t entry_fill(struct page_tree *tree, const paddr_t *source, uint64_t *slot)
{
    paddr_t frame;
    tes_status_t status = source == NULL ? frame_allocate_zeroed(&frame) : frame_allocate(&frame);
    if (status != TES_OK) {
        return status;
    }
    if (source != NULL) {
        page_copy(frame_address(frame), frame_address(*source));
    }
    *slot = frame.value;
    tree->present++;
    return TES_OK;
}

tes_status_t page_tree_fill(struct page_tree *tree, const struct page_payer *payer, uint64_t page,
                            const paddr_t *source, uint64_t **slot)
{
    tes_status_t status =
        *slot != NULL ? payer_charge(payer, 1) : page_tree_prepare(tree, payer, page, 1, slot);
    if (status != TES_OK) {
        return status;
    }
    status = entry_fill(tree, source, *slot);
    if (status != TES_OK) {
        quota_return_pages(payer->quota, 1);
    }
    return status;
}

// Returns how many of them were charged.
static uint64_t entries_drop(struct page_tree *tree, uint64_t *slot, uint64_t count)
{
    struct frame_info *const table = frame_table;
    uint64_t unpaid = 0;
    uint64_t dropped = 0;
    for (const uint64_t *end = slot + count; slot != end; slot++) {
        uint64_t entry = *slot;
        *slot = 0;
        if (entry > ENTRY_FAILED) {
            dropped++;
            unpaid += entry & ENTRY_UNPAID;
            if (frame_info_put(&table[entry >> PAGE_SHIFT])) {
                frame_free(entry_frame(entry));
            }
        }
    }
    tree->present -= dropped;
    return dropped - unpaid;
}

uint64_t page_tree_drop_some(struct page_tree *tree, struct quota *quota, uint64_t page,
                             uint64_t end)
{
    uint64_t *slot = page_tree_next(tree, &page, end);
    if (slot == NULL) {
        return end;
    }
    uint64_t stop = page_leaf_end(page, end);
    uint64_t paid = entries_drop(tree, slot, stop - page);
    if (paid != 0) {
        quota_return_pages(quota, paid);
    }
    return stop;
}

// Frees the first node that has no child at or after the cursor; what a leaf holds is dropped.
static uint64_t node_release(struct page_tree *tree)
{
    uint64_t **link = &tree->root;
    uint32_t level = tree->height;
    while (level > 1) {
        uint32_t index = index_at(tree->cursor, level - 1);
        uint32_t i = index;
        while (i < PAGE_NODE_ENTRIES && (*link)[i] == 0) {
            i++;
        }
        if (i == PAGE_NODE_ENTRIES) {
            break;
        }
        if (i != index) {
            uint32_t shift = (level - 1) * NODE_BITS;
            tree->cursor = ((tree->cursor >> shift) + (i - index)) << shift;
        }
        link = (uint64_t **)(void *)&(*link)[i];
        level--;
    }
    uint64_t paid = level == 1 ? entries_drop(tree, *link, PAGE_NODE_ENTRIES) : 0;
    slab_free(*link, NODE_SIZE);
    *link = NULL;
    tree->nodes--;
    return paid;
}

bool page_tree_release(struct page_tree *tree, struct quota *quota)
{
    uint64_t before = pages_of_nodes(tree->nodes);
    uint64_t paid = tree->height == 0 ? entries_drop(tree, tree->entries, tree->size_pages) : 0;
    for (uint32_t step = 0; tree->nodes != 0 && step < RELEASE_NODES; step++) {
        paid += node_release(tree);
    }
    paid += before - pages_of_nodes(tree->nodes);
    if (paid != 0) {
        quota_return_pages(quota, paid);
    }
    ASSERT(tree->nodes != 0 || tree->present == 0);
    return tree->nodes == 0;
}

static uint64_t count_present(const uint64_t *entries, uint64_t count)
{
    uint64_t present = 0;
    for (uint64_t i = 0; i < count; i++) {
        present += entries[i] > ENTRY_FAILED;
    }
    return present;
}

// What is there is charged first, all that can be there if a reserve pays: the rest goes back.
static tes_status_t share_leaf(struct page_tree *clone, const struct page_payer *payer,
                               uint64_t page, const uint64_t *entries, uint64_t count)
{
    struct frame_info *const table = frame_table;
    bool is_paid = (payer->quota->flags & TES_QUOTA_CREATE_OVERCOMMIT) == 0;
    const uint64_t unpaid = is_paid ? 0 : ENTRY_UNPAID;
    bool is_reserved = payer->reserve != NULL && *payer->reserve >= count;
    uint64_t charged = !is_paid ? 0 : is_reserved ? count : count_present(entries, count);
    uint64_t shared = 0;
    uint64_t *slots = NULL;
    tes_status_t status = page_tree_prepare(clone, payer, page, charged, &slots);
    if (status != TES_OK) {
        return status;
    }
    ASSERT(slots != NULL);
    const uint64_t *first = entries;
    for (const uint64_t *end = entries + count; entries != end; entries++, slots++) {
        struct frame_info *info = &table[*entries >> PAGE_SHIFT];
        if (*entries <= ENTRY_FAILED) {
            continue;
        }
        if (__builtin_expect(info->count >> FRAME_PIN_SHIFT == 0, 1)) {
            *slots = (*entries & ~ENTRY_UNPAID) | unpaid;
            atomic_add_u32(&info->count, 1, ATOMIC_RELAXED);
            shared++;
            continue;
        }
        paddr_t frame = entry_frame(*entries);
        uint64_t *slot = slots;
        status = page_tree_fill(clone, payer, page + (uint64_t)(entries - first), &frame, &slot);
        if (status != TES_OK) { // what is pinned is charged on its own
            break;
        }
    }
    clone->present += shared;
    if (is_reserved && is_paid) {
        *payer->reserve += charged - shared;
    } else if (is_paid && charged != shared) {
        quota_return_pages(payer->quota, charged - shared);
    }
    return status;
}

tes_status_t page_tree_share(struct page_tree *clone, const struct page_payer *payer, uint64_t page,
                             const uint64_t *entries, uint64_t count)
{
    uint64_t first = page_leaf_end(page, page + count) - page;
    tes_status_t status = share_leaf(clone, payer, page, entries, first);
    if (status == TES_OK && first != count) {
        status = share_leaf(clone, payer, page + first, entries + first, count - first);
    }
    return status;
}

tes_status_t page_tree_own(const struct page_payer *payer, uint64_t *slot, bool *out_is_new)
{
    paddr_t frame = entry_frame(*slot);
    paddr_t copy = frame;
    bool is_shared = frame_shares(frame) > 1;
    tes_status_t status = is_shared ? frame_allocate(&copy) : TES_OK;
    if (status != TES_OK) {
        return status;
    }
    status = payer_charge(payer, (*slot & ENTRY_UNPAID) != 0);
    if (status != TES_OK) {
        if (is_shared) {
            frame_free(copy);
        }
        return status;
    }
    if (is_shared) {
        page_copy(frame_address(copy), frame_address(frame));
    }
    *slot = copy.value;
    *out_is_new = is_shared;
    return TES_OK;
}
