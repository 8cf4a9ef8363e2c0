// SPDX-License-Identifier: MIT OR Apache-2.0
// Quiescence: what a lockless reader may still see is freed when every core has been in a quiescent
// state since. Each core has a counter: += 2 at quiesce_poll, odd while it is idle (which counts as
// quiescent). What dies on a core goes through its three lists: current → waiting (with a snapshot
// of all counters) → ready (freed, a few at a time). A core that stays in user space while others
// wait gets an interrupt, so that it polls. Frames of the Session table also wait for each core's
// TLB: a core flushes before it counts as quiescent.
#include "internal.h"

#include <arch/cpu.h>
#include <arch/mmu.h>

#define IPI_AFTER_NS 100000u // how long others may keep what waits

struct quiesce_page { // at the start of a page: bytes 0-7 stay 0 for stale readers
    uint64_t zero;
    struct quiesce_page *next;
};

struct quiesce_list {
    struct object *objects;
    struct session *sessions; // linked by notice_next
    struct quiesce_page *pages;
};

struct quiesce_core {
    uint64_t count;      // written by its core, read by all
    uint64_t flush_seen; // `flush_wanted` when its TLB was last flushed
    struct quiesce_list current, waiting, ready;
    uint64_t waiting_since[CORES_MAX];
    uint64_t ipi_ns; // when to remind the others
} __attribute__((aligned(64)));

static struct quiesce_core cores[CORES_MAX];
static uint64_t flush_wanted; // increases when an entry of the Session window changed

static bool list_is_unused(const struct quiesce_list *list)
{
    return list->objects == NULL && list->sessions == NULL && list->pages == NULL;
}

static void flush_if_wanted(struct quiesce_core *own)
{
    // Pairs with the increment in quiesce_session_page: the entry was changed before.
    uint64_t wanted = atomic_load_u64(&flush_wanted, ATOMIC_ACQUIRE);
    if (own->flush_seen != wanted) {
        mmu_flush_all();
        own->flush_seen = wanted;
    }
}

void quiesce_begin(uint64_t counts[CORES_MAX])
{
    atomic_fence_seq_cst(); // what was unlinked before is not found after: pairs with the fence in
                            // count_add
    for (uint32_t core = 0; core < cpu_count; core++) {
        counts[core] = atomic_load_u64(&cores[core].count, ATOMIC_RELAXED);
    }
}

static bool core_has_passed(uint32_t core, uint64_t before, bool idle_counts)
{
    // Pairs with the fence in count_add: the core's accesses from before are done.
    return (idle_counts && (before & 1) != 0) ||
           atomic_load_u64(&cores[core].count, ATOMIC_ACQUIRE) != before;
}

static bool others_have_passed(const uint64_t counts[CORES_MAX], bool idle_counts)
{
    uint32_t self = cpu_local()->id;
    for (uint32_t core = 0; core < cpu_count; core++) {
        if (core != self && !core_has_passed(core, counts[core], idle_counts)) {
            return false;
        }
    }
    return true;
}

// A core that stays in user space would not notice that others wait for it.
static void remind_others(const uint64_t counts[CORES_MAX], bool idle_counts)
{
    uint32_t self = cpu_local()->id;
    uint64_t now_ns = cpu_time_ns();
    if (now_ns < cores[self].ipi_ns) {
        return;
    }
    cores[self].ipi_ns = now_ns + IPI_AFTER_NS;
    for (uint32_t core = 0; core < cpu_count; core++) {
        if (core != self && !core_has_passed(core, counts[core], idle_counts)) {
            cpu_send_ipi(core);
        }
    }
}

bool quiesce_has_passed(const uint64_t counts[CORES_MAX])
{
    bool has_passed = others_have_passed(counts, true);
    if (!has_passed) {
        remind_others(counts, true);
    }
    return has_passed;
}

void quiesce_flush_begin(uint64_t counts[CORES_MAX])
{
    atomic_add_u64(&flush_wanted, 1, ATOMIC_RELEASE); // pairs with flush_if_wanted
    quiesce_begin(counts);
}

bool quiesce_flush_has_passed(const uint64_t counts[CORES_MAX])
{
    bool has_passed = others_have_passed(counts, false);
    if (!has_passed) {
        remind_others(counts, false);
    }
    return has_passed;
}

static void count_add(struct quiesce_core *own, uint64_t value)
{
    atomic_fence_seq_cst(); // see quiesce_begin and core_has_passed
    atomic_store_u64(&own->count, own->count + value, ATOMIC_RELEASE);
    atomic_fence_seq_cst();
}

void quiesce_idle_enter(void)
{
    struct quiesce_core *own = &cores[cpu_local()->id];
    if ((own->count & 1) == 0) {
        count_add(own, 1);
    }
}

void quiesce_idle_leave(void)
{
    struct quiesce_core *own = &cores[cpu_local()->id];
    if ((own->count & 1) != 0) {
        flush_if_wanted(own);
        count_add(own, 1);
    }
}

void object_reclaim_later(struct object *object)
{
    struct quiesce_list *list = &cores[cpu_local()->id].current;
    object->reclaim_next = list->objects;
    list->objects = object;
    work_later();
}

void quiesce_session(struct session *session)
{
    struct quiesce_list *list = &cores[cpu_local()->id].current;
    session->notice_next = list->sessions;
    list->sessions = session;
    work_later();
}

void quiesce_session_page(void *page)
{
    struct quiesce_list *list = &cores[cpu_local()->id].current;
    struct quiesce_page *link = page;
    link->next = list->pages;
    list->pages = link;
    atomic_add_u64(&flush_wanted, 1, ATOMIC_RELEASE); // pairs with flush_if_wanted
}

// Frees one thing; false: nothing is ready.
static bool free_one(struct quiesce_list *ready)
{
    struct object *object = ready->objects;
    if (object != NULL) {
        const struct object_type *type = &object_types[object->type];
        if (type->release != NULL && object->destroy_state != OBJECT_ABANDONED &&
            !type->release(object)) {
            return true;
        }
        ready->objects = object->reclaim_next;
        object_free(object);
        return true;
    }
    struct session *session = ready->sessions;
    if (session != NULL) {
        ready->sessions = session->notice_next;
        session_free(session);
        return true;
    }
    struct quiesce_page *page = ready->pages;
    if (page != NULL) {
        ready->pages = page->next;
        session_page_release(page);
    }
    return page != NULL;
}

static void start_waiting(struct quiesce_core *own)
{
    own->waiting = own->current;
    own->current = (struct quiesce_list){ 0 };
    quiesce_begin(own->waiting_since);
    own->ipi_ns = cpu_count > 1 ? cpu_time_ns() + IPI_AFTER_NS : 0;
}

void quiesce_poll(void)
{
    struct quiesce_core *own = &cores[cpu_local()->id];
    flush_if_wanted(own);
    count_add(own, 2);
    if (list_is_unused(&own->waiting) && !list_is_unused(&own->current)) {
        start_waiting(own);
    }
    if (list_is_unused(&own->ready) && !list_is_unused(&own->waiting)) {
        // An idle core's TLB could still show a page of the Session table: with such pages idle
        // does not count.
        if (others_have_passed(own->waiting_since, own->waiting.pages == NULL)) {
            own->ready = own->waiting;
            own->waiting = (struct quiesce_list){ 0 };
        } else {
            remind_others(own->waiting_since, own->waiting.pages == NULL);
        }
    }
    for (uint32_t count = 0; count < RECLAIMS_PER_EXIT && free_one(&own->ready); count++) {
    }
}

bool quiesce_has_work(void)
{
    const struct quiesce_core *own = &cores[cpu_local()->id];
    return !list_is_unused(&own->current) || !list_is_unused(&own->waiting) ||
           !list_is_unused(&own->ready);
}
