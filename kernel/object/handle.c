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
    return &table->pages[array_index_clamp(page, count)]
                        [HANDLE_SLOT_OFFSET(value) / sizeof(struct handle_slot) % HANDLES_PER_PAGE];
}

static tes_status_t __attribute__((noinline, cold))
resolve_error(const struct handle_slot *slot, const struct handle_view *view, uint32_t generation,
              uint8_t type)
{
    if (slot->generation != generation) {
        bool is_swept = slot->generation == generation + 1 && (slot->flags & HANDLE_SWEPT) != 0;
        return is_swept ? TES_ERROR_REVOKED : TES_ERROR_BAD_HANDLE;
    }
    if (!session_is_live(view->session, view->epoch)) {
        return TES_ERROR_REVOKED;
    }
    return type != TES_TYPE_NONE && type != view->type ? TES_ERROR_BAD_TYPE : TES_ERROR_NO_RIGHT;
}

tes_status_t handle_resolve(struct process *process, uint64_t value, enum tes_object_type type,
                            uint32_t rights, struct handle_view *out_view)
{
    uint32_t generation = (uint32_t)(value >> 32);
    const struct handle_slot *slot = slot_of_value(&process->handles, value);
    if (slot == NULL || (generation & 1) == 0) {
        return TES_ERROR_BAD_HANDLE;
    }
    struct handle_view view = { .object = slot->object,
                                .session = slot->session,
                                .epoch = slot->epoch,
                                .badge = slot->badge,
                                .value = value,
                                .rights = slot->rights,
                                .type = slot->type,
                                .flags = slot->flags };
    // The generation is read last: pairs with the order of stores in slot_fill_locked and
    // handle_slot_clear_locked.
    atomic_fence_acquire();
    if (atomic_load_u32(&slot->generation, ATOMIC_RELAXED) != generation ||
        (type != TES_TYPE_NONE && type != view.type) || (rights & ~(uint32_t)view.rights) != 0 ||
        !session_is_live(view.session, view.epoch)) {
        return resolve_error(slot, &view, generation, (uint8_t)type);
    }
    *out_view = view;
    return TES_OK;
}

void handle_slot_clear_locked(struct handle_table *table, struct handle_slot *slot, uint32_t index,
                              uint8_t flags)
{
    uint32_t generation = slot->generation + 1;
    atomic_store_u32(&slot->generation, generation, ATOMIC_RELAXED);
    atomic_fence_release(); // pairs with the fence in handle_resolve
    slot->rights = 0;
    slot->type = TES_TYPE_NONE;
    slot->flags = flags;
    slot->object = &object_none;
    slot->session = &session_none;
    slot->epoch = 1; // session_none's is 0
    table->used--;
    if (generation < UINT32_MAX - 1) { // else its generations are used up: never again
        slot->next_free = table->first_free;
        table->first_free = index;
        table->free_count++;
    }
}

static uint64_t slot_fill_locked(struct handle_table *table, const struct handle_grant *grant,
                                 bool is_counted)
{
    uint32_t index = table->first_free;
    struct handle_slot *slot = handle_table_slot(table, index);
    ASSERT((slot->generation & 1) == 0);
    table->first_free = slot->next_free;
    table->free_count--;
    table->used++;
    slot->object = grant->object;
    slot->session = grant->session;
    slot->epoch = grant->epoch;
    slot->badge = grant->badge;
    slot->label = 0;
    slot->flags = (uint8_t)((grant->flags & ~HANDLE_COUNTED) | (is_counted ? HANDLE_COUNTED : 0));
    slot->type = grant->object->type;
    slot->rights = grant->rights;
    uint32_t generation = slot->generation + 1;
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
        slots[index].epoch = 1;
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

// On success the process is locked and has that many empty slots beyond those reserved.
static tes_status_t lock_with_slots(struct process *process, uint32_t count)
{
    struct handle_table *table = &process->handles;
    for (;;) {
        spinlock_acquire(&process->object.lock);
        if (!object_is_live(&process->object)) {
            spinlock_release(&process->object.lock);
            return TES_ERROR_DEAD;
        }
        if (table->free_count >= table->reserved + count) {
            return TES_OK;
        }
        uint32_t swept = handle_sweep_page_locked(table, &table->cursor);
        spinlock_release(&process->object.lock);
        tes_status_t status = TES_OK;
        if (swept != 0) {
            quota_return_handles(process->quota, swept);
        } else {
            status = table_grow(process);
        }
        if (status != TES_OK) {
            return status;
        }
    }
}

// Counts the handle in its Session. False: a minted Session that is closed.
static bool session_count_get(struct session *session)
{
    if ((session->flags & SESSION_MINTED) != 0) {
        return session_handle_get(session);
    }
    atomic_add_u32(&session->handles, 1, ATOMIC_RELAXED);
    return true;
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
    tes_status_t status = quota_charge_handles(process->quota, 1);
    if (status != TES_OK) {
        return status;
    }
    if (!session_count_get(grant->session)) {
        status = TES_ERROR_REVOKED;
        goto fail_charge;
    }
    status = lock_with_slots(process, 1);
    if (status != TES_OK) {
        goto fail_count;
    }
    *out_value = slot_fill_locked(&process->handles, grant, is_counted);
    spinlock_release(&process->object.lock);
    return TES_OK;
fail_count:
    session_count_put(grant->session, is_counted);
fail_charge:
    quota_return_handles(process->quota, 1);
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
    tes_status_t status = quota_charge_handles(process->quota, count);
    if (status != TES_OK) {
        return status;
    }
    status = lock_with_slots(process, count);
    if (status != TES_OK) {
        quota_return_handles(process->quota, count);
        return status;
    }
    process->handles.reserved += count;
    spinlock_release(&process->object.lock);
    return TES_OK;
}

void handle_unreserve(struct process *process, uint32_t count)
{
    spinlock_acquire(&process->object.lock);
    ASSERT(process->handles.reserved >= count);
    process->handles.reserved -= count;
    spinlock_release(&process->object.lock);
    quota_return_handles(process->quota, count);
}

uint64_t handle_install_reserved(struct process *process, const struct handle_grant *grant)
{
    uint64_t value = 0;
    bool is_counted = (grant->session->flags & SESSION_MINTED) != 0;
    bool is_open = session_count_get(grant->session);
    spinlock_acquire(&process->object.lock);
    ASSERT(process->handles.reserved != 0);
    process->handles.reserved--;
    if (is_open && object_is_live(&process->object)) {
        value = slot_fill_locked(&process->handles, grant, is_counted);
    }
    spinlock_release(&process->object.lock);
    if (value == 0) {
        quota_return_handles(process->quota, 1);
        if (is_open) {
            session_count_put(grant->session, is_counted);
        }
    }
    return value;
}

// What a closed slot leaves to do without the process's lock.
static void slot_closed(struct process *process, const struct handle_slot *closed)
{
    quota_return_handles(process->quota, 1);
    if (session_is_live(closed->session, closed->epoch)) {
        session_count_put(closed->session, (closed->flags & HANDLE_COUNTED) != 0);
    }
}

tes_status_t handle_close_as(struct process *process, uint64_t value, uint8_t flags)
{
    struct handle_table *table = &process->handles;
    uint32_t generation = (uint32_t)(value >> 32);
    struct handle_slot *slot = slot_of_value(table, value);
    if (slot == NULL || (generation & 1) == 0) {
        return TES_ERROR_BAD_HANDLE;
    }
    spinlock_acquire(&process->object.lock);
    const struct handle_slot closed = *slot;
    if (closed.generation == generation) {
        handle_slot_clear_locked(table, slot, HANDLE_SLOT_OFFSET(value) >> HANDLE_INDEX_SHIFT,
                                 flags);
        spinlock_release(&process->object.lock);
        slot_closed(process, &closed);
        return TES_OK;
    }
    bool is_swept = closed.generation == generation + 1 && (closed.flags & HANDLE_SWEPT) != 0;
    slot->flags &= (uint8_t)(is_swept ? ~HANDLE_SWEPT : 0xff);
    spinlock_release(&process->object.lock);
    return is_swept ? TES_OK : TES_ERROR_BAD_HANDLE;
}

tes_status_t handle_close(struct process *process, uint64_t value)
{
    return handle_close_as(process, value, 0);
}

// The process is dead: nobody else changes the table but commits of messages under way, which drop
// theirs.
tes_status_t handle_table_close_some(struct process *process)
{
    struct handle_table *table = &process->handles;
    uint32_t steps = 0;
    while (table->cursor < table->page_count * HANDLES_PER_PAGE) {
        uint32_t index = table->cursor++;
        struct handle_slot *slot = handle_table_slot(table, index);
        spinlock_acquire(&process->object.lock);
        const struct handle_slot closed = *slot;
        bool is_used = (closed.generation & 1) != 0;
        if (is_used) {
            handle_slot_clear_locked(table, slot, index, 0);
        }
        spinlock_release(&process->object.lock);
        if (is_used) {
            slot_closed(process, &closed);
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
