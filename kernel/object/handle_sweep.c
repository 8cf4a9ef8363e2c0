// SPDX-License-Identifier: MIT OR Apache-2.0
// Reclaiming slots of dead handles: revocation does not look at handles, so afterwards each handle
// table is swept once, a page at a time, on the way out of the kernel and in the idle loop; also
// when a table needs a slot. A swept slot remembers that its last handle was dead, so that using it
// still says REVOKED and closing it is still right.
#include "internal.h"

#include <kernel/handle.h>

static uint64_t wanted; // increases with each Session that dies

static bool slot_is_dead(const struct handle_slot *slot)
{
    return (slot->generation & 1) != 0 && !session_is_live(slot->session, slot->epoch);
}

// Frees dead slots of the page at *cursor (behind the last: the first) and moves that on. Returns
// how many: their charge is the caller's to return.
uint32_t handle_sweep_page_locked(struct handle_table *table, uint32_t *cursor)
{
    if (table->page_count == 0) {
        return 0;
    }
    uint32_t page = *cursor < table->page_count ? *cursor : 0;
    struct handle_slot *slots = table->pages[page];
    uint32_t left = table->used; // no more slots than this can be in use
    uint32_t freed = 0;
    for (uint32_t index = 0; index < HANDLES_PER_PAGE && left != 0; index++) {
        if (slots[index].object == &object_none) {
            continue;
        }
        left--;
        if (slot_is_dead(&slots[index])) {
            handle_slot_clear_locked(table, &slots[index], page * HANDLES_PER_PAGE + index,
                                     HANDLE_SWEPT);
            freed++;
        }
    }
    *cursor = page + 1;
    return freed;
}

bool handle_table_sweep(struct process *process)
{
    struct handle_table *table = &process->handles;
    bool is_done = true;
    uint32_t freed = 0;
    spinlock_acquire(&process->object.lock);
    if (object_is_live(&process->object)) {
        freed = handle_sweep_page_locked(table, &table->sweep_cursor);
        is_done = table->sweep_cursor >= table->page_count;
        table->sweep_cursor = is_done ? 0 : table->sweep_cursor;
    }
    spinlock_release(&process->object.lock);
    if (freed != 0) {
        quota_return_handles(process->quota, freed);
    }
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
    work_wanted();
}

// Sweeps a page of the process that was swept longest ago. False: all were swept since the last
// revocation.
bool sweep_step(void)
{
    uint64_t target = atomic_load_u64(&wanted, ATOMIC_ACQUIRE); // pairs with sweep_request
    struct process *process = process_to_sweep(target);
    if (process == NULL) {
        return false;
    }
    if (handle_table_sweep(process)) {
        process_was_swept(process, target);
    }
    return true;
}
