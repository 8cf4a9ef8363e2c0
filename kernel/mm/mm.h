// SPDX-License-Identifier: MIT OR Apache-2.0
// What the files of kernel/mm share. Locks: a Space's lock guards its regions, its tables and its
// regions' own pages; a Memory's lock guards its pages and where it is mapped. Page-table entries
// in the range of a region that shows a Memory are changed with that Memory's lock held, tables
// only with the Space's: so a Memory can clear its entries in every Space without their locks. A
// frame is given back only after the shoot-down of the last entry that showed it.
#pragma once

#include <abi/calls.h>
#include <arch/mmu.h>
#include <kernel/frame.h>
#include <kernel/handle.h>
#include <kernel/memory.h>
#include <kernel/quota.h>
#include <kernel/session.h>

// frame.c
struct frame_info {          // 16 bytes for each frame of the machine
    uint32_t next, previous; // free lists and slabs: frame numbers
    uint32_t count;          // shares | pins << FRAME_PIN_SHIFT; slab: objects in use
    uint16_t slab_free;      // slab: first free object + 1
    uint8_t order;           // free block: its order; slab: size class
    uint8_t state;           // enum frame_state
};
static_assert(sizeof(struct frame_info) == 16, "table size is part of the boot budget");
enum frame_state {
    FRAME_RESERVED = 0, // not ours, or inside of a free block
    FRAME_FREE = 1,     // head of a free block
    FRAME_USED = 2,     // or inside of a free block
    FRAME_CACHED = 3,   // in a core's stack, or inside of a free block
};
#define FRAME_NONE      UINT32_MAX
#define FRAME_PIN_SHIFT 20u
extern struct frame_info *frame_table; // constant after boot, like its length
extern uint64_t frame_limit;

static inline struct frame_info *frame_info_of(uint32_t number)
{
    ASSERT(number < frame_limit);
    return &frame_table[number];
}

// Gives a share back; true: it was the last.
static inline bool frame_info_put(struct frame_info *info)
{
    // Alone: nobody else can take a share. Else the last one sees what the others did to the frame.
    return atomic_load_u32(&info->count, ATOMIC_ACQUIRE) == 1 ||
           atomic_sub_u32(&info->count, 1, ATOMIC_ACQ_REL) == 1;
}

static inline uint32_t frame_number_of(paddr_t frame)
{
    return (uint32_t)(frame.value >> PAGE_SHIFT);
}

static inline paddr_t frame_at(uint64_t number)
{
    return paddr_make(number << PAGE_SHIFT);
}

// page.c: no overlap
void bytes_copy(void *to, const void *from, uint64_t size);

// page_tree.c: page number → entry. An entry is a frame's
// address and these bits; 0: nothing.
#define ENTRY_UNPAID ((uint64_t)1) // shared by an overcommitted clone, not charged yet
#define ENTRY_FAILED ((uint64_t)2) // no frame: the pager gave up

static inline paddr_t entry_frame(uint64_t entry)
{
    return paddr_make(entry & ~PAGE_MASK);
}

struct page_payer {
    struct quota *quota;
    uint64_t *reserve; // pages paid ahead, used first; null: none
};

tes_status_t payer_charge(const struct page_payer *payer, uint64_t pages) TES_MUST_CHECK;
// What that many pages in one range can cost, nodes included.
uint64_t page_tree_bound(uint64_t pages);
void page_tree_init(struct page_tree *tree, uint64_t size_pages);
uint64_t *page_tree_find(struct page_tree *tree, uint64_t page); // null: no node there
// Charges `pages` and what nodes are missing, makes them. On failure nothing has changed.
tes_status_t page_tree_prepare(struct page_tree *tree, const struct page_payer *payer,
                               uint64_t page, uint64_t pages, uint64_t **out_slot) TES_MUST_CHECK;
// The slot of the next entry that is not 0 in [*page, end); null: none. Slots of one leaf lie side
// by side.
uint64_t *page_tree_next(struct page_tree *tree, uint64_t *page, uint64_t end);

static inline uint64_t page_leaf_end(uint64_t page, uint64_t end)
{
    uint64_t next = (page | (PAGE_NODE_ENTRIES - 1)) + 1;
    return next < end ? next : end;
}

// Puts a frame with a copy of source (null: zeros) where nothing is, and charges it. *slot: as
// page_tree_find says, then where it is.
tes_status_t page_tree_fill(struct page_tree *tree, const struct page_payer *payer, uint64_t page,
                            const paddr_t *source, uint64_t **slot) TES_MUST_CHECK;
// Gives back the frames, and the charge, of the next entries in [page, end), one leaf's; returns
// where it stopped (end: all done).
uint64_t page_tree_drop_some(struct page_tree *tree, struct quota *quota, uint64_t page,
                             uint64_t end);
// Gives everything back, one bounded step; false: call again.
bool page_tree_release(struct page_tree *tree, struct quota *quota);
// Shares entries of one leaf with a clone's tree, from `page` of that on; pinned frames are copied.
// The clone pays, or its reserve does.
tes_status_t page_tree_share(struct page_tree *clone, const struct page_payer *payer, uint64_t page,
                             const uint64_t *entries, uint64_t count) TES_MUST_CHECK;
// Makes the entry's frame the tree's alone: *out_is_new when it is another one now (the old share
// is still held: the caller clears entries, then drops it with frame_put).
tes_status_t page_tree_own(const struct page_payer *payer, uint64_t *slot,
                           bool *out_is_new) TES_MUST_CHECK;

// tlb.c: entries of these addresses lost rights (end 0: none did). Returns when no core has a stale
// translation.
void tlb_flush(const struct space *space, uint64_t start, uint64_t end);

// clone.c: what clones of Memories and of Spaces have in common.
struct clone_request {
    struct quota *quota;
    uint64_t first, count; // Memories: pages
    // A new object, charged; and one bounded step with both locks held.
    tes_status_t (*begin)(struct object *source, const struct clone_request *request,
                          struct object **out_clone);
    tes_status_t (*step)(struct object *source, struct object *clone, bool *out_is_done);
};
tes_status_t clone_make(struct object *source, const struct clone_request *request,
                        struct object **out_clone) TES_MUST_CHECK;
// A clone under construction goes with its source; one that dies early is forgotten by it.
void clone_forget(struct object *object);

// memory.c, memory_pages.c, memory_clone.c
#define MEMORY_BATCH 64u // pages a step handles

static inline bool memory_has_tree(const struct memory *memory)
{
    return memory->kind == MEMORY_ANONYMOUS || memory->kind == MEMORY_PAGER;
}

static inline void memory_unlock(struct memory *memory)
{
    if (memory != NULL) {
        spinlock_release(&memory->object.lock);
    }
}

struct page_payer memory_payer(struct memory *memory);
// Takes the entries of [first, first + count) away in every Space, or (protect) only the right to
// write.
void memory_clear_entries(struct memory *memory, uint64_t first, uint64_t count,
                          bool is_protect_only);
// The frame of a page, for reading or writing. NO_MEMORY; BAD_ADDRESS (sealed); WOULD_BLOCK (ask
// the pager); DEAD (bus). *out_is_writable: entries may allow writing.
tes_status_t memory_page(struct memory *memory, uint64_t page, bool is_write, paddr_t *out_frame,
                         bool *out_is_writable) TES_MUST_CHECK;
// Takes the region off its Memory: what it showed is gone. Memory's lock held.
void region_detach_locked(struct region *region, struct memory *memory);
tes_status_t memory_create(struct quota *quota, uint64_t size_pages, enum memory_kind kind,
                           struct memory **out_memory) TES_MUST_CHECK;
tes_status_t memory_commit(struct memory *memory, uint64_t first, uint64_t count) TES_MUST_CHECK;
tes_status_t memory_discard(struct memory *memory, uint64_t first, uint64_t count) TES_MUST_CHECK;
tes_status_t memory_seal(struct memory *memory) TES_MUST_CHECK;
tes_status_t memory_clone(struct memory *memory, struct quota *quota, uint64_t first,
                          uint64_t count, struct memory **out_clone) TES_MUST_CHECK;

// region.c, region_pages.c
struct own_pages {  // pages that belong to a region (and to what was cut from it) of one Space; the
                    // Space's lock
    uint64_t base;  // address of page 0
    uint64_t users; // regions
    struct page_tree tree;
};

struct region *region_find(const struct space *space,
                           uint64_t address); // containing it, or the next; null
struct region *region_before(const struct space *space,
                             uint64_t address); // the last that ends there or before
struct region *region_next(const struct region *region);
tes_status_t region_allocate(struct space *space,
                             struct region **out_region) TES_MUST_CHECK; // charged
void region_free(struct region *region);
// Into the Space's tree; memory (with session and epoch set) null or dead: shows none.
void region_insert(struct region *region, struct memory *memory);
// Charges what showing another Quota's Memory could cost this Space once it is taken away.
tes_status_t region_reserve(struct region *region, const struct memory *memory) TES_MUST_CHECK;
// The same as `from` shows from `start` on, up to its end; without Memory and pages.
void region_copy_shape(struct region *region, const struct region *from, uint64_t start);
// Cuts at an address inside: what is above goes to `upper`, a fresh region.
void region_cut(struct region *region, uint64_t address, struct region *upper);
struct memory *region_memory_lock(struct region *region); // null: shows none (any more)
// Takes entries and own pages away, a bounded number; returns how far it came (end: all done).
uint64_t region_clear_some(struct region *region, uint64_t start, uint64_t end);
// Takes everything away in [start, end), cutting regions. RESTART with progress made (only if
// may_stop); NO_OBJECTS.
tes_status_t space_clear_locked(struct space *space, uint64_t start, uint64_t end,
                                bool may_stop) TES_MUST_CHECK;
struct page_hold {
    paddr_t frame;
    bool is_pinned; // else a frame that never goes
};
// Enters the page for the access (enum region_access), holds its frame if asked to. Statuses of
// memory_page.
tes_status_t region_enter(struct region *region, uint64_t address, uint32_t access,
                          struct page_hold *out_hold) TES_MUST_CHECK;
struct page_payer region_payer(struct region *region);
tes_status_t region_own_pages(struct region *region, uint64_t base,
                              uint64_t size_pages) TES_MUST_CHECK; // makes region->own
// Takes away a batch of entries in [start, end), or (protect) only the right to write; returns how
// far it came. The lock of the region's Memory is held, if it has one.
uint64_t region_entries_lower(const struct region *region, uint64_t start, uint64_t end,
                              bool is_protect_only);

// space.c, space_map.c, space_clone.c
static inline uint64_t space_lowest(const struct space *space)
{
    return space->is_guest ? PAGE_SIZE : TES_USER_BASE;
}

static inline uint64_t space_limit(const struct space *space) // first that cannot be mapped
{
    return space->is_guest ? TES_PERSONALITY_BASE : TES_TIME_PAGE_ADDRESS;
}

// Enters a page; tables are charged to the payer. NO_MEMORY.
struct mmu_entry {
    uint64_t address;
    paddr_t frame;
    uint32_t flags;
};
tes_status_t space_enter(struct space *space, const struct page_payer *payer,
                         const struct mmu_entry *entry) TES_MUST_CHECK;
// Frees tables that hold no entry in a range that was just emptied.
void space_free_tables(struct space *space, uint64_t start, uint64_t end);

struct space_mapping {
    struct memory *memory; // null: reserve, or pages of the mapping's own
    struct session *session;
    uint64_t epoch;
    uint64_t offset, address, size;
    uint32_t flags; // TES_SPACE_MAP_*
    uint32_t access_max;
};
tes_status_t space_map_locked(struct space *space, const struct space_mapping *mapping,
                              uint64_t *out_address) TES_MUST_CHECK;
tes_status_t space_protect_locked(struct space *space, uint64_t start, uint64_t end,
                                  uint32_t access) TES_MUST_CHECK;
tes_status_t space_clone(struct space *space, struct quota *quota,
                         struct space **out_clone) TES_MUST_CHECK;
// Finds the region, enters the page and holds its frame. BAD_ADDRESS and the statuses of
// memory_page.
tes_status_t space_hold_page(struct space *space, uint64_t address, uint32_t access,
                             struct page_hold *out_hold) TES_MUST_CHECK;
void page_hold_end(const struct page_hold *hold);
