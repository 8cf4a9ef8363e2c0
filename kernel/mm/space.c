// SPDX-License-Identifier: MIT OR Apache-2.0
// Spaces: creation, destruction, page tables and their charge, the time page. A native Space has
// one root. A guest has two that share the tables of the lower half: the restricted one that
// foreign code runs on, and the full one, whose upper entries are the personality's (its Space then
// counts as being on every core). Tables are charged ahead: `table_credit` holds what one more
// entry can need.
#include "mm.h"

#include <abi/time_page.h>
#include <arch/cpu.h>
#include <kernel/boot.h>
#include <kernel/endpoint.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/type_operations.h>

#define TABLE_CREDIT 3u // tables that one entry can need
#define GUEST_MAP_BASE                                                                             \
    0x0000700000000000ull // the kernel's choice of addresses starts here, above a random offset
#define MAP_RANDOM_MASK 0x0000003fffe00000ull // 256 GiB in steps of what one table covers
#define ROOT_ENTRY_SPAN (1ull << 39)

static paddr_t time_frame;

void mm_time_page_init(void)
{
    if (frame_allocate_zeroed(&time_frame) != TES_OK) {
        panic("no frame for the time page");
    }
}

struct tes_time_page *time_page_kernel(void)
{
    return frame_address(time_frame);
}

struct space *thread_space(const struct thread *thread, uint64_t address)
{
    bool is_guests = thread->guest != NULL && address < TES_PERSONALITY_BASE;
    return is_guests ? thread->guest : thread->process->space;
}

static uint64_t map_base_choose(const struct space *space)
{
    uint64_t random = 0;
    char buffer[2];
    if (boot_option("norandom", buffer, sizeof(buffer)) != NULL || !cpu_random(&random)) {
        random = 0;
    }
    return (space->is_guest ? GUEST_MAP_BASE : TES_PERSONALITY_BASE) + (random & MAP_RANDOM_MASK);
}

// The personality's upper tables exist from its first guest on.
static tes_status_t personality_prepare(struct space *space)
{
    tes_status_t status = TES_OK;
    spinlock_acquire(&space->object.lock);
    if (!space->has_guests) {
        status = quota_charge_pages(space->object.quota, SPACE_ROOT_PERSONALITY_ENTRIES);
        uint32_t tables = 0;
        if (status == TES_OK) {
            status = mmu_preallocate_personality(space->root, &tables);
            quota_return_pages(space->object.quota, SPACE_ROOT_PERSONALITY_ENTRIES - tables);
        }
        space->table_pages += tables;
        space->has_guests = status == TES_OK;
    }
    spinlock_release(&space->object.lock);
    return status;
}

static tes_status_t roots_create(struct space *space)
{
    tes_status_t status = mmu_root_create(&space->root);
    if (status == TES_OK && space->is_guest) {
        status = mmu_root_create(&space->restricted_root);
        if (status != TES_OK) {
            mmu_root_destroy(space->root);
        } else {
            mmu_root_share_personality(space->root, space->process->space->root);
        }
    }
    return status;
}

static tes_status_t guest_link(struct process *process, struct space *space)
{
    tes_status_t status = TES_ERROR_DEAD;
    spinlock_acquire(&process->object.lock);
    if (object_is_live(&process->object)) {
        list_append(&process->guest_spaces, &space->guest_link);
        status = TES_OK;
    }
    spinlock_release(&process->object.lock);
    return status;
}

tes_status_t space_create_root(struct process *process, struct quota *quota, bool is_guest,
                               struct space **out_space)
{
    tes_status_t status = is_guest ? personality_prepare(process->space) : TES_OK;
    struct object *object = NULL;
    if (status == TES_OK) {
        status = object_create(quota, TES_TYPE_SPACE, &object);
    }
    if (status != TES_OK) {
        return status;
    }
    struct space *space = (struct space *)object;
    space->process = process;
    space->is_guest = is_guest;
    space->table_pages = is_guest ? 2 : 1;
    space->table_credit = TABLE_CREDIT;
    list_init(&space->guest_link);
    status = quota_charge_pages(quota, space->table_pages + TABLE_CREDIT);
    if (status != TES_OK) {
        goto fail_object;
    }
    status = roots_create(space);
    if (status != TES_OK) {
        goto fail_charge;
    }
    space->map_base = map_base_choose(space);
    space->map_hint = space->map_base;
    if (is_guest && guest_link(process, space) != TES_OK) {
        object_destroy_later(object);
        return TES_ERROR_REVOKED;
    }
    *out_space = space;
    return TES_OK;
fail_charge:
    quota_return_pages(quota, space->table_pages + TABLE_CREDIT);
fail_object:
    object_abandon(object);
    return status;
}

// Entries and tables:

tes_status_t space_enter(struct space *space, const struct page_payer *payer,
                         const struct mmu_entry *entry)
{
    if (space->table_credit < TABLE_CREDIT) {
        tes_status_t status = payer_charge(payer, TABLE_CREDIT - space->table_credit);
        if (status != TES_OK) {
            return status;
        }
        space->table_credit = TABLE_CREDIT;
    }
    uint32_t tables = 0;
    tes_status_t status = mmu_map(space->root, entry->address, entry->frame, entry->flags, &tables);
    if (status == TES_OK && tables != 0) {
        ASSERT(tables <= TABLE_CREDIT);
        space->table_credit -= tables;
        space->table_pages += tables;
        if (space->is_guest) {
            mmu_root_sync_low(space->root, space->restricted_root, entry->address);
        }
    }
    return status;
}

// Tables taken out by mmu_free_tables on a core, linked through the frame table: their contents may
// still be walked.
static uint32_t tables_taken[CORES_MAX]; // first frame + 1

static void table_take(paddr_t table)
{
    uint32_t *head = &tables_taken[cpu_local()->id];
    frame_info_of(frame_number_of(table))->next = *head;
    *head = frame_number_of(table) + 1;
}

static void tables_return(struct space *space, uint64_t count)
{
    uint32_t *head = &tables_taken[cpu_local()->id];
    while (*head != 0) {
        paddr_t table = frame_at(*head - 1);
        *head = frame_info_of(*head - 1)->next;
        frame_free(table);
    }
    space->table_pages -= count;
    uint64_t credit = TABLE_CREDIT - space->table_credit;
    credit = credit < count ? credit : count;
    space->table_credit += credit;
    if (count > credit) {
        quota_return_pages(space->object.quota, count - credit);
    }
}

// The tables that root entries point to stay: guests' roots and a guest's restricted one have the
// same entries.
void space_free_tables(struct space *space, uint64_t start, uint64_t end)
{
    const struct region *above = region_find(space, end - 1);
    const struct region *below = region_before(space, start);
    uint64_t limit = above == NULL ? space_limit(space) : above->start;
    start = below == NULL ? 0 : below->end;
    uint32_t count = 0;
    while (start < limit) {
        uint64_t span_end = (start & ~(ROOT_ENTRY_SPAN - 1)) + ROOT_ENTRY_SPAN;
        uint64_t stop = limit < span_end ? limit : span_end - PAGE_SIZE; // never a whole root entry
        count += mmu_free_tables(space->root, start, stop, table_take);
        start = span_end;
    }
    if (count != 0) {
        tlb_flush(space, 0, space_limit(space));
        tables_return(space, count);
    }
}

// The end:

// RESTART: a thread on another core is still bound.
static tes_status_t guest_threads_leave(struct space *space)
{
    struct process *process = space->process;
    tes_status_t status = TES_OK;
    spinlock_acquire(&process->object.lock);
    list_for_each (node, &process->threads) {
        struct thread *thread = container_of(node, struct thread, process_link);
        if (thread->guest == space) {
            thread_post(thread, THREAD_OP_KICK);
            if ((thread->slow_flags & 0xff) == cpu_local()->id) {
                guest_unbind(thread);
            } else {
                status = TES_ERROR_RESTART;
            }
        }
    }
    if (status == TES_OK) {
        list_remove(&space->guest_link);
    }
    spinlock_release(&process->object.lock);
    return status;
}

tes_status_t space_destroy(struct object *object)
{
    struct space *space = (struct space *)object;
    clone_forget(object);
    if (space->is_guest && !list_is_empty(&space->guest_link)) {
        tes_status_t status = guest_threads_leave(space);
        if (status != TES_OK) {
            return status;
        }
    }
    spinlock_acquire(&object->lock);
    tes_status_t status = space_clear_locked(space, 0, space_limit(space), true);
    spinlock_release(&object->lock);
    return status;
}

static bool is_loaded(const struct space *space)
{
    bool is_found = false;
    for (uint32_t core = 0; core < cpu_count; core++) {
        uint64_t root =
            cpus[core] == NULL ? 0 : atomic_load_u64(&cpus[core]->arch.root, ATOMIC_RELAXED);
        if (root == space->root || (space->is_guest && root == space->restricted_root)) {
            cpu_send_ipi(core); // an idle core drops it on its way out
            is_found = true;
        }
    }
    return is_found;
}

bool space_release(struct object *object)
{
    struct space *space = (struct space *)object;
    if (is_loaded(space)) {
        return false;
    }
    uint64_t roots = space->is_guest ? 2 : 1;
    if (space->table_pages != roots) {
        uint64_t limit = space->is_guest ? TES_PERSONALITY_BASE : TES_USER_TOP + PAGE_SIZE;
        tables_return(space, mmu_free_all_tables(space->root, limit, table_take));
    }
    mmu_root_destroy(space->root);
    if (space->is_guest) {
        mmu_root_destroy(space->restricted_root);
    }
    ASSERT(space->table_pages == roots);
    quota_return_pages(object->quota, space->table_pages + space->table_credit);
    return true;
}
