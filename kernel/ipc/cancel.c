// SPDX-License-Identifier: MIT OR Apache-2.0
// Ends of waits that are not answers: cancellation, deadlines, death of the server, revocation.
#include "ipc.h"

#include <kernel/log.h>

static bool cancel_receiver_locked(struct endpoint *endpoint, struct thread *thread,
                                   tes_status_t status)
{
    bool is_waiting = endpoint_remove_receiver_locked(endpoint, thread);
    if (is_waiting) {
        receive_failed(thread, status);
        sched_wake(thread);
    }
    return is_waiting;
}

// The server hears of it: the Session's cancelled notice; its Reply for this call is dead.
static void cancel_served_locked(struct endpoint *endpoint, struct thread *thread)
{
    struct session *session = thread->call_session;
    bool was_received = thread->message_kind == TES_MESSAGE_CALL;
    if (was_received && (session->flags & SESSION_MINTED) != 0 && session->epoch != 0) {
        const uint32_t notices = SESSION_NOTICE_CLOSED | SESSION_NOTICE_CANCELLED;
        uint32_t before = atomic_or_u32(&session->flags, SESSION_NOTICE_CANCELLED, ATOMIC_RELAXED);
        if ((before & notices) == 0) {
            endpoint_queue_notice_locked(endpoint, session);
        }
    }
    call_end_locked(endpoint, thread, TES_ERROR_CANCELLED_UNKNOWN);
}

static struct endpoint *waited_endpoint(const struct thread *thread)
{
    switch (thread->state) {
    case TES_THREAD_WAIT_SEND:
        return thread->call_endpoint;
    case TES_THREAD_WAIT_REPLY:
    case TES_THREAD_WAIT_FAULT:
    case TES_THREAD_WAIT_PAGE:
        return thread->server != NULL ? thread->server->receive_endpoint : thread->call_endpoint;
    case TES_THREAD_WAIT_RECEIVE:
        return thread->receive_endpoint;
    default:
        return NULL;
    }
}

// Another core may be installing handles for the thread: a bounded piece of work, which needs
// nothing of this core's.
static void lock_without_transfer(struct endpoint *endpoint, const struct thread *thread)
{
    spinlock_acquire(&endpoint->object.lock);
    while (thread->in_transfer != 0) {
        spinlock_release(&endpoint->object.lock);
        cpu_relax();
        spinlock_acquire(&endpoint->object.lock);
    }
}

static bool cancel_locked(struct endpoint *endpoint, struct thread *thread, tes_status_t status)
{
    if (thread->state == TES_THREAD_WAIT_RECEIVE) {
        return cancel_receiver_locked(endpoint, thread, status);
    }
    if (thread->state == TES_THREAD_WAIT_SEND) {
        callers_remove_locked(endpoint, thread);
        call_end_locked(endpoint, thread, status);
        endpoint_update_pending_locked(endpoint);
    } else {
        cancel_served_locked(endpoint, thread);
    }
    return true;
}

bool ipc_cancel(struct thread *thread, tes_status_t status)
{
    for (;;) {
        const struct thread *server = atomic_load_pointer(&thread->server, ATOMIC_ACQUIRE);
        struct endpoint *endpoint = waited_endpoint(thread);
        bool has_moved = server != atomic_load_pointer(&thread->server, ATOMIC_ACQUIRE);
        if (endpoint == NULL && !has_moved) {
            return false;
        }
        if (endpoint == NULL) {
            continue; // its Reply was just kept (reply_keep): look again
        }
        lock_without_transfer(endpoint, thread);
        bool is_same = waited_endpoint(thread) == endpoint; // nobody answered it meanwhile
        bool is_cancelled = is_same && cancel_locked(endpoint, thread, status);
        spinlock_release(&endpoint->object.lock);
        if (is_same) {
            return is_cancelled;
        }
    }
}

void ipc_server_ended(struct thread *thread)
{
    struct thread *caller = NULL;
    struct endpoint *endpoint = served_endpoint_lock(thread, &caller);
    if (endpoint != NULL) {
        call_end_locked(endpoint, caller, TES_ERROR_PEER_DIED);
        spinlock_release(&endpoint->object.lock);
    }
    endpoint_leave(thread);
}

// Callers that queue under the Session, in a bounded walk: those who died with it get REVOKED when
// they are received or here, whichever is first.
void ipc_session_revoked(struct session *session)
{
    struct endpoint *endpoint = container_of(session->object, struct endpoint, object);
    spinlock_acquire(&endpoint->object.lock);
    for (struct tree_node *node = tree_first(&endpoint->callers), *next = NULL; node != NULL;
         node = next) {
        struct thread *caller = container_of(node, struct thread, wait_node);
        next = tree_next(node);
        if (caller->call_session == session) {
            callers_remove_locked(endpoint, caller);
            call_end_locked(endpoint, caller, TES_ERROR_REVOKED);
        }
    }
    endpoint_update_pending_locked(endpoint);
    spinlock_release(&endpoint->object.lock);
}
