// SPDX-License-Identifier: MIT OR Apache-2.0
// Reclaiming slots of dead handles: revocation does not look at handles, so afterwards each handle
// table is swept once, a page at a time, on the way out of the kernel and in the idle loop; also
// when a table needs a slot. A swept slot remembers that its last handle was dead, so that using it
// still says REVOKED and closing it is still right.
#include "internal.h"

#include <kernel/handle.h>

static uint64_t wanted; // increases with each Session that dies

static uint32_t sweep_slots_locked(struct handle_table *table, struct handle_slot *slots,
                                   uint32_t first)
{
    uint32_t left = table->used; // no more slots than this can be in use
    uint32_t next_free = table->first_free;
    uint32_t freed = 0;
    uint32_t reusable = 0;
    for (uint32_t index = 0; index < HANDLES_PER_PAGE && left != 0; index++) {
        struct handle_slot *slot = &slots[index];
        if (slot->object == &object_none) {
            continue;
        }
        left--;
        // Pairs with the Session's death; a slot in use never has epoch 0.
        if (atomic_load_u64(&slot->session->epoch, ATOMIC_ACQUIRE) == slot->epoch) {
            continue;
        }
        freed++;
        if (handle_slot_empty(slot, HANDLE_SWEPT)) {
            slot->next_free = next_free;
            next_free = first + index;
            reusable++;
        }
    }
    table->first_free = next_free;
    table->free_count += reusable;
    table->used -= freed;
    return freed;
}

// Frees dead slots of the page at *cursor (behind the last: the first) and moves that on. Returns
// how many.
uint32_t handle_sweep_page_locked(struct process *process, uint32_t *cursor)
{
    struct handle_table *table = &process->handles;
    if (table->page_count == 0) {
        return 0;
    }
    uint32_t page = *cursor < table->page_count ? *cursor : 0;
    uint32_t freed = sweep_slots_locked(table, table->pages[page], page * HANDLES_PER_PAGE);
    *cursor = page + 1;
    if (freed != 0) {
        quota_handles_give(process->quota, freed);
    }
    return freed;
}

// Sweeps a page. True: that was the last.
static bool table_sweep(struct process *process)
{
    struct handle_table *table = &process->handles;
    bool is_done = true;
    spinlock_acquire(&process->object.lock);
    if (object_is_live(&process->object)) {
        (void)handle_sweep_page_locked(process, &table->sweep_cursor);
        is_done = table->sweep_cursor >= table->page_count;
        table->sweep_cursor = is_done ? 0 : table->sweep_cursor;
    }
    spinlock_release(&process->object.lock);
    return is_done;
}

bool handle_table_at(struct process *process, uint64_t n, struct handle_slot *out_slot,
                     uint64_t *out_value)
{
    struct handle_table *table = &process->handles;
    bool is_found = false;
    spinlock_acquire(&process->object.lock);
    uint32_t end = n < table->used ? table->page_count * HANDLES_PER_PAGE : 0;
    for (uint32_t index = 0; index < end && !is_found; index++) {
        const struct handle_slot *slot = handle_table_slot(table, index);
        if ((slot->generation & 1) != 0 && n-- == 0) {
            *out_slot = *slot;
            *out_value = (uint64_t)slot->generation << 32 | (uint64_t)index << HANDLE_INDEX_SHIFT;
            is_found = true;
        }
    }
    spinlock_release(&process->object.lock);
    return is_found;
}

void sweep_request(void)
{
    atomic_add_u64(&wanted, 1, ATOMIC_RELEASE); // pairs with the load in sweep_step
    work_later();
}

// Sweeps pages of the processes that were swept longest ago, a bounded number. False: all were
// swept since the last revocation.
bool sweep_step(void)
{
    uint64_t target = atomic_load_u64(&wanted, ATOMIC_ACQUIRE); // pairs with sweep_request
    struct process *swept = NULL;
    for (uint32_t pages = 1; pages <= SWEEPS_PER_EXIT; pages++) {
        struct process *process = process_to_sweep(swept, target);
        if (process == NULL) {
            return false;
        }
        swept = table_sweep(process) ? process : NULL;
        if (pages % SWEEPS_PER_LOOK == 0 && sched_should_preempt()) {
            break;
        }
    }
    if (swept != NULL) {
        (void)process_to_sweep(swept, target);
    }
    return true;
}
