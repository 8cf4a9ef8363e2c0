// SPDX-License-Identifier: MIT OR Apache-2.0
// Memory objects and Spaces.
#pragma once

#include <abi/fault.h>
#include <abi/objects.h>
#include <kernel/limits.h>
#include <kernel/object.h>
#include <kernel/thread.h>
#include <kernel/types.h>
#include <rt/tree.h>

enum memory_kind {
    MEMORY_ANONYMOUS = 0,
    MEMORY_CONTIGUOUS = 1,
    MEMORY_DEVICE = 2,
    MEMORY_PAGER = 3
};

#define PAGE_NODE_ENTRIES 64u
struct page_tree {       // radix tree of page number → frame (kernel/mm/page_tree.c)
    uint64_t size_pages; // constant
    uint64_t present;    // entries with a frame
    uint32_t height;     // levels of nodes; 0: the entries stand here
    uint32_t nodes;
    uint64_t cursor; // what is below was released
    union {
        uint64_t *root;
        uint64_t entries[MEMORY_INLINE_PAGES];
    };
};

struct clone_link {        // of an object that can be cloned; guarded by the source's lock
    struct object *clone;  // being made by a preempted clone call, or null
    struct object *source; // whose `clone` this is
    struct thread *cloner; // who makes this one; only compared
    uint64_t first, count; // what was asked for
    uint64_t next;         // where to go on: page or address
};

struct memory {
    struct object object; // object.lock guards all below
    uint64_t size_pages;  // constant
    uint32_t kind;        // constant: enum memory_kind
    uint32_t is_sealed;
    paddr_t base;             // contiguous, device: constant
    uint32_t is_cached;       // device mapped as normal memory
    uint32_t is_image;        // contiguous, over frames that are not the allocator's
    uint64_t reserve;         // pages charged ahead: a clone's, while it is being made
    uint64_t cursor;          // how far sealing, or the release of contiguous frames, has come
    struct page_tree pages;   // anonymous, pager
    struct list_node regions; // struct region.memory_link: where it is mapped
    struct endpoint *pager;   // with session, epoch and badge to call it under
    struct session *pager_session;
    uint64_t pager_epoch, pager_badge;
    struct clone_link cloning;
};

static inline uint64_t memory_present(const struct memory *memory) // for INSPECT
{
    bool has_tree = memory->kind == MEMORY_ANONYMOUS || memory->kind == MEMORY_PAGER;
    return has_tree ? memory->pages.present : memory->size_pages;
}

enum region_access { REGION_READ = 1, REGION_WRITE = 2, REGION_EXECUTE = 4 };

struct own_pages;
// From a slab; charged as an object of the Space's Quota. The Space's lock guards it; start, end,
// offset and memory change with the Memory's lock held as well (of its Memory: that one alone makes
// `memory` null and sets is_revoked).
struct region {
    struct tree_node node; // space->regions, by start
    uint64_t start, end;   // user addresses
    struct memory *memory; // null: reserved, pages of its own only, or its Memory was revoked
    struct list_node memory_link; // guarded by the memory's lock
    struct space *space;          // constant
    uint64_t offset;              // into memory, bytes
    uint8_t access;               // enum region_access, now
    uint8_t access_max;           // what protect may raise it to
    uint8_t is_private;           // writes go to pages of its own
    uint8_t is_revoked;           // its Memory is gone: zeros, in pages of its own
    uint32_t reserved;
    struct session *session; // of the Memory handle it was mapped with: revoked → entries cleared
    uint64_t epoch;
    struct own_pages *own; // pages that belong to the mapping; null: none yet
    uint64_t
        reserve; // pages paid when it was mapped, for when another Quota's Memory is taken away
};

struct space {
    struct object object;     // object.lock is the Space's lock
    uint64_t root;            // arch root register value (guest: the full one)
    uint64_t restricted_root; // guest Spaces: lower half only
    struct process *process;  // owner; guests: the personality
    uint32_t is_guest;
    uint32_t flags;      // TES_SPACE_CREATE_*
    uint32_t has_guests; // its upper entries are in guests' roots too
    uint32_t region_count;
    struct tree regions;
    struct list_node guest_link; // process->guest_spaces
    uint64_t table_pages;        // frames of its page tables, roots included (charged)
    uint64_t table_credit;       // charged for the next tables
    uint64_t map_base;           // random: where the kernel starts to look for a free range
    uint64_t map_hint;           // no free page is between map_base and here
    struct clone_link cloning;
};

// Used by other parts of the kernel:
tes_status_t space_create_root(struct process *process, struct quota *quota, bool is_guest,
                               struct space **out_space) TES_MUST_CHECK;
// Resolves a user page fault of the current thread. OK: retry the instruction. FAULT: deliver
// *out_fault's cause and access. BLOCKED: a pager was asked, the thread waits.
tes_status_t space_fault(struct thread *thread, uint64_t address, uint32_t access,
                         struct tes_fault *out_fault) TES_MUST_CHECK;
// The Space that an address of this thread is in (its guest's lower half while bound, else its
// process's own).
struct space *thread_space(const struct thread *thread, uint64_t address);
// The Session died: regions mapped with handles of it lose their entries and show zeros from now
// on.
void memory_handle_revoked(struct memory *memory, struct session *session);
// Pins the page at a user address (faulting it in); gives its kernel address. Unpin with
// memory_unpin, which looks at the address only: the Memory may be gone by then, the frame is not.
// BAD_ADDRESS, NO_MEMORY.
tes_status_t memory_pin_user(struct space *space, uint64_t address, bool is_writable,
                             struct memory **out_memory, void **out_address) TES_MUST_CHECK;
void memory_unpin(struct memory *memory, void *address);
// Pins a page of a Memory for a device (filled, unshared). Unpin with frame_unpin. BAD_ADDRESS,
// NO_MEMORY, OUT_OF_RANGE.
tes_status_t memory_pin_page(struct memory *memory, uint64_t page, bool is_write,
                             paddr_t *out_frame) TES_MUST_CHECK;
tes_status_t
memory_create_image(struct quota *quota, paddr_t base, uint64_t size_pages,
                    struct memory **out_memory) TES_MUST_CHECK; // over boot-loaded frames
tes_status_t memory_create_anonymous(struct quota *quota, uint64_t size_pages,
                                     struct memory **out_memory) TES_MUST_CHECK;
tes_status_t
space_map_memory(struct space *space, struct memory *memory, uint64_t offset, uint64_t address,
                 uint64_t size,
                 uint32_t access) TES_MUST_CHECK; // fixed address, kernel's own use at boot

// The n-th region, for INSPECT; false: past the end.
struct tes_info_region;
bool space_region_at(struct space *space, uint64_t n, struct tes_info_region *out_region);
// The time page, and the kernel's pointer to it.
void mm_time_page_init(void);
struct tes_time_page *time_page_kernel(void);
// Does what other cores' shoot-downs ask of this one. From the IPI handler, and by whatever spins
// with interrupts off (spinlock_acquire_slow must): the asking core waits with locks held.
void tlb_ipi(void);

// Copying: page by page through the direct map; user addresses are looked up in the Space's
// tables. Faults in anonymous and copy-on-write pages; BAD_ADDRESS if the range is not
// mapped with the access, NO_MEMORY.
tes_status_t copy_in(struct space *space, void *to, uaddr_t from, uint64_t size) TES_MUST_CHECK;
tes_status_t copy_out(struct space *space, uaddr_t to, const void *from,
                      uint64_t size) TES_MUST_CHECK;
// Between two Spaces; copies as far as it can: *out_copied, and the status of what stopped it on
// which side (FAULT: `from_fault`/`to_fault` address in *out_fault_address of the peer;
// BAD_ADDRESS: own side). Bounded: at most 16 pages a step, then RESTART with *out_copied advanced.
struct copy_request {
    struct space *own_space;
    uint64_t own_address;
    struct space *peer_space;
    uint64_t peer_address;
    uint64_t size;
    bool is_to_peer;
};
tes_status_t copy_between(const struct copy_request *request, uint64_t *out_copied,
                          uint64_t *out_fault_address) TES_MUST_CHECK;
