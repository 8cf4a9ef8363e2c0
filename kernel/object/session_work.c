// SPDX-License-Identifier: MIT OR Apache-2.0
// Deferred work on Sessions: freeing nodes that are UNLINKED and DONE (needs the quota's lock,
// which comes before those held where that shows), ending closed nodes, finishing expired ones.
// Notices of endpoints. Lists are per core.
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/frame.h>

static struct {
    struct session *queued; // linked by notice_next: such a node is in no queue of notices
    struct session_extra *expired;
    struct session *ended; // lent for a call that is over; linked by notice_next too
} work[CORES_MAX];

void session_queue(struct session *session)
{
    // Pairs with the clearing in queued_step: one list at a time.
    if ((atomic_or_u32(&session->flags, SESSION_QUEUED, ATOMIC_ACQ_REL) & SESSION_QUEUED) == 0) {
        uint32_t core = cpu_local()->id;
        session->notice_next = work[core].queued;
        work[core].queued = session;
        work_later();
    }
}

void session_queue_expired(struct session_extra *extra)
{
    uint32_t core = cpu_local()->id;
    extra->next = work[core].expired;
    work[core].expired = extra;
    work_later();
}

void session_end_later(struct session *session, uint64_t epoch)
{
    if (!session_kill_node(session, epoch)) {
        return;
    }
    uint32_t core = cpu_local()->id;
    session->notice_next = work[core].ended; // never minted: it is in no queue of notices
    work[core].ended = session;
    work_later();
}

static void ended_step(uint32_t core)
{
    struct session *session = work[core].ended;
    if (session == NULL) {
        return;
    }
    work[core].ended = session->notice_next;
    session->notice_next = NULL;
    tes_status_t status = session_finish_expired(session);
    if (status != TES_OK) {
        session->notice_next = work[core].ended;
        work[core].ended = session;
    }
}

static void session_bury(struct session *session)
{
    ASSERT(session->epoch == 0);
    quota_detach_session(session);
    quiesce_session(session);
}

// A closed node that its server has let go of: dies when nothing is below it.
static void session_end_closed(struct session *session)
{
    struct object *object = session->object;
    spinlock_acquire(&object->tree_lock);
    bool is_ending = session->epoch != 0 && list_is_empty(&session->children);
    if (is_ending) {
        atomic_store_u64(&session->epoch, 0, ATOMIC_RELEASE); // pairs with session_is_live
    }
    spinlock_release(&object->tree_lock);
    if (is_ending) {
        if (session->extra != NULL) {
            timer_disarm(&session->extra->timer);
        }
        session_unlink(session);
    }
}

static void queued_step(struct session *session)
{
    const uint32_t both = SESSION_UNLINKED | SESSION_DONE;
    // What is set later by others queues the node again.
    uint32_t flags = atomic_and_u32(&session->flags, ~(uint32_t)SESSION_QUEUED, ATOMIC_ACQ_REL);
    if ((flags & both) == both) {
        session_bury(session);
    } else if ((flags & SESSION_DONE) != 0) {
        session_end_closed(session);
    }
}

bool session_work_step(void)
{
    uint32_t core = cpu_local()->id;
    for (uint32_t count = 0; count < PREEMPT_BATCH && work[core].queued != NULL; count++) {
        struct session *session = work[core].queued;
        work[core].queued = session->notice_next;
        session->notice_next = NULL;
        queued_step(session);
    }
    struct session_extra *extra = work[core].expired;
    if (extra != NULL) {
        work[core].expired = extra->next;
        if (session_finish_expired(extra->session) != TES_OK) {
            session_queue_expired(extra);
        }
    }
    ended_step(core);
    return work[core].queued != NULL || work[core].expired != NULL || work[core].ended != NULL;
}

void session_end_locked(struct session *session)
{
    struct endpoint *endpoint = (struct endpoint *)session->object;
    if ((session->flags & SESSION_MINTED) == 0 || !object_is_live(&endpoint->object)) {
        session_flag_end(session, SESSION_DONE);
        return;
    }
    const uint32_t notices = SESSION_NOTICE_CLOSED | SESSION_NOTICE_CANCELLED;
    if ((atomic_or_u32(&session->flags, SESSION_NOTICE_CLOSED, ATOMIC_RELAXED) & notices) == 0) {
        endpoint_queue_notice_locked(endpoint, session);
    }
}

void session_notice_taken_locked(struct session *session)
{
    const uint32_t notices = SESSION_NOTICE_CLOSED | SESSION_NOTICE_CANCELLED;
    atomic_and_u32(&session->flags, ~notices, ATOMIC_RELAXED);
    if ((session->flags & SESSION_CLOSED) != 0 && session->calls == 0) {
        session_flag_end(session, SESSION_DONE);
    }
}

tes_status_t session_notices_drop(struct object *object)
{
    struct endpoint *endpoint = (struct endpoint *)object;
    spinlock_acquire(&object->lock);
    for (uint32_t count = 0; count < PREEMPT_BATCH && endpoint->notices != NULL; count++) {
        struct session *session = endpoint->notices;
        endpoint->notices = session->notice_next;
        session->notice_next = NULL;
        session_notice_taken_locked(session);
    }
    bool is_done = endpoint->notices == NULL;
    if (is_done) {
        endpoint->notices_last = NULL;
    }
    spinlock_release(&object->lock);
    return is_done ? TES_OK : TES_ERROR_RESTART;
}
