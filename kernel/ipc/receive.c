// SPDX-License-Identifier: MIT OR Apache-2.0
// Receiving: bound notification bits first, then notices of Sessions, then callers by priority.
#include "ipc.h"

#include <kernel/log.h>
#include <kernel/notification.h>

// Callers whose Session died while they queued get REVOKED; those whose message cannot be
// delivered, why.
static bool take_caller_locked(struct endpoint *endpoint, struct thread *self)
{
    for (struct thread *caller = callers_first(endpoint); caller != NULL;
         caller = callers_first(endpoint)) {
        callers_remove_locked(endpoint, caller);
        tes_status_t status = TES_ERROR_REVOKED;
        if (session_is_live(caller->call_session, caller->wait_epoch)) {
            status = deliver_locked(endpoint, caller, self);
        }
        if (status == TES_OK && caller->message_kind != TES_MESSAGE_SEND) {
            return true;
        }
        call_end_locked(endpoint, caller, status);
        if (status == TES_OK) {
            return true;
        }
    }
    return false;
}

static bool take_notice_locked(struct endpoint *endpoint, struct thread *self)
{
    struct session *session = endpoint->notices;
    if (session == NULL) {
        return false;
    }
    bool is_cancelled = (session->flags & SESSION_NOTICE_CANCELLED) != 0;
    deliver_kernel_message_locked(self, is_cancelled ? TES_MESSAGE_CANCELLED : TES_MESSAGE_CLOSED,
                                  session->badge, 0);
    if (is_cancelled && (session->flags & SESSION_NOTICE_CLOSED) != 0) {
        // Stays queued for its closed notice.
        atomic_and_u32(&session->flags, ~(uint32_t)SESSION_NOTICE_CANCELLED, ATOMIC_RELAXED);
        return true;
    }
    endpoint->notices = session->notice_next;
    session->notice_next = NULL;
    if (endpoint->notices == NULL) {
        endpoint->notices_last = NULL;
    }
    session_notice_taken_locked(session);
    return true;
}

static bool take_bits_locked(struct endpoint *endpoint, struct thread *self)
{
    if (endpoint->bound == NULL || self->own_context == NULL) {
        return false; // without a context of its own a server runs only on its callers'
    }
    uint64_t bits = notification_take(endpoint->bound, UINT64_MAX);
    if (bits == 0) {
        return false;
    }
    deliver_kernel_message_locked(self, TES_MESSAGE_NOTIFICATION, 0, bits);
    return true;
}

static bool must_hold_back_locked(const struct endpoint *endpoint)
{
    const struct thread *first = callers_first(endpoint);
    return first != NULL && endpoint->min_budget_ns > first->context->left_ns;
}

bool receive_pending_locked(struct endpoint *endpoint, struct thread *receiver)
{
    bool has_message =
        take_bits_locked(endpoint, receiver) || take_notice_locked(endpoint, receiver);
    if (has_message) {
        receiver->wait_object = NULL;
    }
    return has_message;
}

static tes_status_t receive_locked(struct endpoint *endpoint, struct thread *self)
{
    if (!object_is_live(&endpoint->object)) {
        return TES_ERROR_REVOKED;
    }
    if (endpoint->state == ENDPOINT_HOLD) {
        endpoint->state = ENDPOINT_UP;
        timer_disarm(&endpoint->hold_timer);
    }
    bool has_message = take_bits_locked(endpoint, self) || take_notice_locked(endpoint, self) ||
                       (!must_hold_back_locked(endpoint) && take_caller_locked(endpoint, self));
    endpoint_update_pending_locked(endpoint);
    if (has_message || !object_is_live(&endpoint->object)) { // the lock was dropped if handles came
        return has_message ? TES_OK : TES_ERROR_DEAD;
    }
    self->state = TES_THREAD_WAIT_RECEIVE;
    self->wait_object = &endpoint->object;
    self->caller = NULL;
    endpoint_push_receiver_locked(endpoint, self);
    return TES_ERROR_BLOCKED;
}

tes_status_t receive_next(struct thread *self, const struct handle_view *view)
{
    struct endpoint *endpoint = container_of(view->object, struct endpoint, object);
    if (self->receive_endpoint != endpoint) {
        endpoint_leave(self);
        tes_status_t joined = endpoint_join(endpoint, self);
        if (joined != TES_OK) {
            return joined;
        }
    }
    spinlock_acquire(&endpoint->object.lock);
    tes_status_t status = receive_locked(endpoint, self);
    spinlock_release(&endpoint->object.lock);
    if (status == TES_ERROR_BLOCKED) {
        sched_block_current();
    }
    return status;
}
