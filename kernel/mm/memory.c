// SPDX-License-Identifier: MIT OR Apache-2.0
// Memory objects: creation, destruction. A Memory holds one share of each frame in its tree and is
// charged for it; regions that show it stand in its list. Destroyed, it first detaches its regions
// (entries cleared, shot down), then gives frames and nodes back.
// Contiguous ones hold a share of each frame of their block. memory_pages.c: single pages and
// ranges. memory_clone.c: copy-on-write.
#include "mm.h"

#include <kernel/sched.h>
#include <kernel/type_operations.h>

struct page_payer memory_payer(struct memory *memory)
{
    return (struct page_payer){ .quota = memory->object.quota, .reserve = &memory->reserve };
}

tes_status_t memory_create(struct quota *quota, uint64_t size_pages, enum memory_kind kind,
                           struct memory **out_memory)
{
    struct object *object = NULL;
    tes_status_t status = object_create(quota, TES_TYPE_MEMORY, &object);
    if (status != TES_OK) {
        return status;
    }
    struct memory *memory = (struct memory *)object;
    memory->size_pages = size_pages;
    memory->kind = kind;
    list_init(&memory->regions);
    page_tree_init(&memory->pages, memory_has_tree(memory) ? size_pages : 0);
    *out_memory = memory;
    return TES_OK;
}

tes_status_t memory_create_anonymous(struct quota *quota, uint64_t size_pages,
                                     struct memory **out_memory)
{
    return memory_create(quota, size_pages, MEMORY_ANONYMOUS, out_memory);
}

tes_status_t memory_create_image(struct quota *quota, paddr_t base, uint64_t size_pages,
                                 struct memory **out_memory)
{
    tes_status_t status = memory_create(quota, size_pages, MEMORY_CONTIGUOUS, out_memory);
    if (status == TES_OK) {
        (*out_memory)->base = base;
        (*out_memory)->is_image = 1;
        (*out_memory)->is_sealed = 1;
    }
    return status;
}

void region_detach_locked(struct region *region, struct memory *memory)
{
    ASSERT(region->memory == memory);
    list_remove(&region->memory_link);
    region->is_revoked = 1;
    atomic_store_pointer(&region->memory, NULL, ATOMIC_RELEASE); // pairs with region_memory_lock
}

void memory_handle_revoked(struct memory *memory, struct session *session)
{
    spinlock_acquire(&memory->object.lock);
    list_for_each_safe (node, next, &memory->regions) {
        struct region *region = container_of(node, struct region, memory_link);
        if (region->session == session && !session_is_live(session, region->epoch)) {
            for (uint64_t at = region->start; at < region->end;) {
                at = region_entries_lower(region, at, region->end, false);
            }
            region_detach_locked(region, memory);
        }
    }
    spinlock_release(&memory->object.lock);
}

// A batch of entries of one region, or of pages that no entry shows any more. True: all is gone.
static bool destroy_step_locked(struct memory *memory)
{
    if (list_is_empty(&memory->regions)) {
        return !memory_has_tree(memory) || page_tree_release(&memory->pages, memory->object.quota);
    }
    struct region *region = container_of(memory->regions.next, struct region, memory_link);
    if (region_entries_lower(region, region->start, region->end, false) == region->end) {
        region_detach_locked(region, memory);
    }
    return false;
}

tes_status_t memory_destroy(struct object *object)
{
    struct memory *memory = (struct memory *)object;
    clone_forget(object);
    for (;;) {
        spinlock_acquire(&object->lock);
        bool is_done = destroy_step_locked(memory);
        memory->cursor = 0; // sealing may have stopped half-way
        spinlock_release(&object->lock);
        if (is_done) {
            return TES_OK;
        }
        if (sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
}

static bool release_contiguous(struct memory *memory)
{
    uint64_t end = memory->cursor + MEMORY_BATCH;
    end = end < memory->size_pages ? end : memory->size_pages;
    for (uint64_t page = memory->cursor; page < end; page++) {
        frame_put(paddr_make(memory->base.value + (page << PAGE_SHIFT)));
    }
    quota_return_pages(memory->object.quota, end - memory->cursor);
    memory->cursor = end;
    return end == memory->size_pages;
}

bool memory_release(struct object *object)
{
    struct memory *memory = (struct memory *)object;
    if (memory->reserve != 0) {
        quota_return_pages(object->quota, memory->reserve);
        memory->reserve = 0;
    }
    return memory->kind != MEMORY_CONTIGUOUS || memory->is_image || memory->base.value == 0 ||
           release_contiguous(memory);
}
