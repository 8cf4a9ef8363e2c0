// SPDX-License-Identifier: MIT OR Apache-2.0
// Handle tables: slots in pages that are added on demand and stay until the process ends, so that a
// slot can be read without a lock at any time. An empty slot has an even generation; a new handle
// makes it odd, after the slot was filled; closing makes it even, before the slot is emptied: a
// reader that finds the generation it looks for has read one handle. Handles of dead Sessions stay
// in their slots until somebody needs the slot or has time (handle_sweep.c).
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/frame.h>
#include <kernel/handle.h>
#include <rt/checked.h>

#define INDEX_NONE  UINT32_MAX
#define INDEX_FIRST 1u // handle 0 is no handle; the kernel gives the first component's from 1 on

static_assert(HANDLES_PER_PAGE * sizeof(struct handle_slot) == PAGE_SIZE, "a page of slots");
static_assert(HANDLE_PAGES_MAX * sizeof(struct handle_slot *) <= PAGE_SIZE, "one directory page");

void handle_table_init(struct handle_table *table)
{
    table->pages = table->inline_pages;
    table->first_free = INDEX_NONE;
}

struct handle_slot *handle_table_slot(const struct handle_table *table, uint32_t index)
{
    return &table->pages[index / HANDLES_PER_PAGE][index % HANDLES_PER_PAGE];
}

// The slot that value may name, or null: its index is past the table.
static inline struct handle_slot *slot_of_value(const struct handle_table *table, uint64_t value)
{
    uint32_t page = (uint32_t)value >> PAGE_SHIFT;
    // Pairs with the release in table_extend: a page that is counted can be found.
    uint32_t count = atomic_load_u32(&table->page_count, ATOMIC_ACQUIRE);
    if (page >= count) {
        return NULL;
    }
    char *slots = (char *)table->pages[array_index_clamp(page, count)];
    return (struct handle_slot *)(void *)(slots + HANDLE_SLOT_OFFSET(value) % PAGE_SIZE);
}

// Why a slot was not good. It may have changed meanwhile: any of the errors is right then.
static tes_status_t __attribute__((noinline, cold))
resolve_error(const struct handle_slot *slot, const struct handle_view *view, uint8_t type)
{
    uint32_t generation = (uint32_t)(view->value >> 32);
    if (slot->generation != generation || (generation & 1) == 0) {
        bool is_swept = (generation & 1) != 0 && slot->generation == generation + 1 &&
                        (slot->flags & HANDLE_SWEPT) != 0;
        return is_swept ? TES_ERROR_REVOKED : TES_ERROR_BAD_HANDLE;
    }
    if (!session_is_live(view->session, view->epoch)) {
        return TES_ERROR_REVOKED;
    }
    return type != TES_TYPE_NONE && type != view->type ? TES_ERROR_BAD_TYPE : TES_ERROR_NO_RIGHT;
}

// No slot has epoch 0, and an empty one (even generation) has one that no Session ever has.
tes_status_t handle_resolve(struct process *process, uint64_t value, enum tes_object_type type,
                            uint32_t rights, struct handle_view *out_view)
{
    const struct handle_slot *slot = slot_of_value(&process->handles, value);
    if (slot == NULL) {
        return TES_ERROR_BAD_HANDLE;
    }
    const struct session *session = slot->session;
    uint64_t epoch = slot->epoch;
    uint32_t traits = slot->traits;
    *out_view = (struct handle_view){ .object = slot->object,
                                      .session = slot->session,
                                      .epoch = epoch,
                                      .badge = slot->badge,
                                      .value = value,
                                      .traits = traits };
    // The generation is read last: pairs with the order of stores in slot_fill_locked and
    // handle_slot_empty.
    atomic_fence_acquire();
    if (atomic_load_u32(&slot->generation, ATOMIC_RELAXED) != (uint32_t)(value >> 32) ||
        (type != TES_TYPE_NONE && type != out_view->type) || (rights & ~traits) != 0 ||
        atomic_load_u64(&session->epoch, ATOMIC_ACQUIRE) != epoch) { // pairs with its death
        return resolve_error(slot, out_view, (uint8_t)type);
    }
    return TES_OK;
}

static uint64_t slot_fill_locked(struct handle_table *table, const struct handle_grant *grant,
                                 bool is_counted)
{
    uint32_t index = table->first_free;
    struct handle_slot *slot = handle_table_slot(table, index);
    uint32_t generation = slot->generation + 1;
    ASSERT((generation & 1) != 0);
    table->first_free = slot->next_free;
    table->free_count--;
    table->used++;
    slot->object = grant->object;
    slot->session = grant->session;
    slot->epoch = grant->epoch != 0 ? grant->epoch : HANDLE_EPOCH_NONE; // the object just died
    slot->badge = grant->badge;
    slot->flags = (uint8_t)((grant->flags & ~HANDLE_COUNTED) | (is_counted ? HANDLE_COUNTED : 0));
    slot->type = grant->object->type;
    slot->rights = grant->rights;
    atomic_store_u32(&slot->generation, generation,
                     ATOMIC_RELEASE); // pairs with the fence in handle_resolve
    return (uint64_t)generation << 32 | (uint64_t)index << HANDLE_INDEX_SHIFT;
}

// Makes room for a ninth page: the inline array's entries move to a directory page, which replaces
// it at once.
static void directory_create(struct handle_table *table, void *directory)
{
    struct handle_slot **pages = directory;
    for (uint32_t page = 0; page < HANDLE_PAGES_INLINE; page++) {
        pages[page] = table->inline_pages[page];
    }
    atomic_store_pointer(&table->pages, pages, ATOMIC_RELEASE); // pairs with slot_of_value
}

static void table_extend(struct handle_table *table, struct handle_slot *slots)
{
    uint32_t first = table->page_count * HANDLES_PER_PAGE;
    uint32_t start = first == 0 ? INDEX_FIRST : 0;
    for (uint32_t index = HANDLES_PER_PAGE; index-- > 0;) {
        slots[index].object = &object_none;
        slots[index].session = &session_none;
        slots[index].epoch = HANDLE_EPOCH_NONE;
        if (index >= start) {
            slots[index].next_free = table->first_free;
            table->first_free = first + index;
            table->free_count++;
        }
    }
    table->pages[table->page_count] = slots;
    atomic_store_u32(&table->page_count, table->page_count + 1,
                     ATOMIC_RELEASE); // pairs with slot_of_value
}

static tes_status_t page_buy(struct quota *quota, void **out_page)
{
    tes_status_t status = quota_charge_pages(quota, 1);
    if (status != TES_OK) {
        return status;
    }
    paddr_t frame;
    status = frame_allocate_zeroed(&frame);
    if (status != TES_OK) {
        quota_return_pages(quota, 1);
        return status;
    }
    *out_page = frame_address(frame);
    return TES_OK;
}

static void page_sell(struct quota *quota, void *page)
{
    frame_free(frame_of_address(page));
    quota_return_pages(quota, 1);
}

// Adds a page to the table. No lock is held; another core may do the same meanwhile.
static tes_status_t table_grow(struct process *process)
{
    struct handle_table *table = &process->handles;
    void *page = NULL;
    if (table->page_count == HANDLE_PAGES_MAX) {
        return TES_ERROR_NO_HANDLES;
    }
    tes_status_t status = page_buy(process->quota, &page);
    if (status != TES_OK) {
        return status;
    }
    spinlock_acquire(&process->object.lock);
    bool is_directory =
        table->page_count == HANDLE_PAGES_INLINE && table->pages == table->inline_pages;
    bool is_taken = is_directory || table->page_count < HANDLE_PAGES_MAX;
    if (is_directory) {
        directory_create(table, page);
    } else if (is_taken) {
        table_extend(table, page);
    }
    spinlock_release(&process->object.lock);
    if (!is_taken) {
        page_sell(process->quota, page);
    }
    return TES_OK;
}

// The process is locked and live, but has no such slot. OK: look again; unlocked in any case.
static tes_status_t __attribute__((noinline)) make_room_unlock(struct process *process)
{
    struct handle_table *table = &process->handles;
    uint32_t swept = handle_sweep_page_locked(process, &table->cursor);
    spinlock_release(&process->object.lock);
    return swept != 0 ? TES_OK : table_grow(process);
}

// On success the process is locked and has that many empty slots, paid for, beyond those reserved.
static inline tes_status_t lock_with_slots(struct process *process, uint32_t count)
{
    const struct handle_table *table = &process->handles;
    for (;;) {
        spinlock_acquire(&process->object.lock);
        tes_status_t status = object_is_live(&process->object) ? TES_OK : TES_ERROR_DEAD;
        if (status == TES_OK && table->free_count < table->reserved + count) {
            status = make_room_unlock(process);
            if (status != TES_OK) {
                return status;
            }
            continue;
        }
        if (status == TES_OK && quota_handles_take(process->quota, count)) {
            return TES_OK;
        }
        spinlock_release(&process->object.lock);
        return status == TES_OK ? TES_ERROR_NO_HANDLES : status;
    }
}

static void session_count_put(struct session *session, bool is_counted)
{
    if (is_counted) {
        session_handle_put(session);
    } else {
        atomic_sub_u32(&session->handles, 1, ATOMIC_RELAXED);
    }
}

tes_status_t handle_install(struct process *process, const struct handle_grant *grant,
                            uint64_t *out_value)
{
    bool is_counted = (grant->session->flags & SESSION_MINTED) != 0;
    if (is_counted && !session_handle_get(grant->session)) {
        return TES_ERROR_REVOKED;
    }
    tes_status_t status = lock_with_slots(process, 1);
    if (status == TES_OK) {
        *out_value = slot_fill_locked(&process->handles, grant, is_counted);
        if (!is_counted) {
            atomic_add_u32(&grant->session->handles, 1, ATOMIC_RELAXED);
        }
        spinlock_release(&process->object.lock);
    } else if (is_counted) {
        session_handle_put(grant->session);
    }
    return status;
}

tes_status_t handle_install_new(struct process *process, struct object *object, uint64_t *out_value)
{
    const struct handle_grant grant = { .object = object,
                                        .session = object->root,
                                        .epoch = object->root->epoch,
                                        .rights = object_types[object->type].rights };
    return handle_install(process, &grant, out_value);
}

tes_status_t handle_reserve(struct process *process, uint32_t count)
{
    tes_status_t status = lock_with_slots(process, count);
    if (status == TES_OK) {
        process->handles.reserved += count;
        spinlock_release(&process->object.lock);
    }
    return status;
}

static void unreserve_locked(struct process *process, uint32_t count)
{
    ASSERT(process->handles.reserved >= count);
    process->handles.reserved -= count;
}

void handle_unreserve(struct process *process, uint32_t count)
{
    spinlock_acquire(&process->object.lock);
    unreserve_locked(process, count);
    quota_handles_give(process->quota, count);
    spinlock_release(&process->object.lock);
}

uint64_t handle_install_reserved(struct process *process, const struct handle_grant *grant)
{
    uint64_t value = 0;
    bool is_counted = (grant->session->flags & SESSION_MINTED) != 0;
    bool is_open = !is_counted || session_handle_get(grant->session);
    spinlock_acquire(&process->object.lock);
    unreserve_locked(process, 1);
    if (is_open && object_is_live(&process->object)) {
        value = slot_fill_locked(&process->handles, grant, is_counted);
        if (!is_counted) {
            atomic_add_u32(&grant->session->handles, 1, ATOMIC_RELAXED);
        }
    } else {
        quota_handles_give(process->quota, 1);
    }
    spinlock_release(&process->object.lock);
    if (value == 0 && is_open && is_counted) {
        session_handle_put(grant->session);
    }
    return value;
}

// Empties a slot in use and releases the process's lock.
static inline void slot_close_unlock(struct process *process, struct handle_slot *slot,
                                     uint32_t index, uint8_t flags)
{
    struct session *session = slot->session;
    uint64_t epoch = slot->epoch;
    bool is_counted = (slot->flags & HANDLE_COUNTED) != 0;
    struct handle_table *table = &process->handles;
    table->used--;
    if (handle_slot_empty(slot, flags)) {
        slot->next_free = table->first_free;
        table->first_free = index;
        table->free_count++;
    }
    quota_handles_give(process->quota, 1);
    spinlock_release(&process->object.lock);
    if (session_is_live(session, epoch)) {
        session_count_put(session, is_counted);
    }
}

// A slot that was swept remembers its last handle until that is closed.
static tes_status_t __attribute__((noinline))
close_swept_unlock(struct process *process, struct handle_slot *slot, uint32_t generation)
{
    bool is_swept = (generation & 1) != 0 && slot->generation == generation + 1 &&
                    (slot->flags & HANDLE_SWEPT) != 0;
    slot->flags &= (uint8_t)(is_swept ? ~HANDLE_SWEPT : 0xff);
    spinlock_release(&process->object.lock);
    return is_swept ? TES_OK : TES_ERROR_BAD_HANDLE;
}

tes_status_t handle_close_as(struct process *process, uint64_t value, uint8_t flags)
{
    uint32_t generation = (uint32_t)(value >> 32);
    struct handle_slot *slot = slot_of_value(&process->handles, value);
    if (slot == NULL) {
        return TES_ERROR_BAD_HANDLE;
    }
    spinlock_acquire(&process->object.lock);
    if (slot->generation != generation || (generation & 1) == 0) {
        return close_swept_unlock(process, slot, generation);
    }
    slot_close_unlock(process, slot, HANDLE_SLOT_OFFSET(value) >> HANDLE_INDEX_SHIFT, flags);
    return TES_OK;
}

// The process is dead: nobody else changes the table but commits of messages under way, which drop
// theirs.
tes_status_t handle_table_close_some(struct process *process)
{
    struct handle_table *table = &process->handles;
    uint32_t steps = 0;
    while (table->used != 0 && table->cursor < table->page_count * HANDLES_PER_PAGE) {
        uint32_t index = table->cursor++;
        struct handle_slot *slot = handle_table_slot(table, index);
        if (slot->object != &object_none) {
            spinlock_acquire(&process->object.lock);
            slot_close_unlock(process, slot, index, 0);
        }
        if (++steps % PREEMPT_BATCH == 0 && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    return TES_OK;
}

void handle_table_release(struct process *process)
{
    struct handle_table *table = &process->handles;
    for (uint32_t page = 0; page < table->page_count; page++) { // at most HANDLE_PAGES_MAX
        page_sell(process->quota, table->pages[page]);
    }
    if (table->pages != table->inline_pages) {
        page_sell(process->quota, table->pages);
    }
    table->page_count = 0;
}
