// SPDX-License-Identifier: MIT OR Apache-2.0
// Handing a message to a receiver, and starting one: what ipc_call, ipc_send, faults and page
// requests share. A sender's wait fields (message_kind, call_session, wait_badge, wait_epoch) are
// set before message_start; from then to call_end_locked the call counts in its Session.
#include "ipc.h"

#include <kernel/log.h>

void deliver_kernel_message_locked(struct thread *receiver, enum tes_message_kind kind,
                                   uint64_t badge, uint64_t word)
{
    const uint64_t words[TES_MESSAGE_WORDS] = { word };
    frame_set_words(&receiver->frame, words);
    frame_set_label(&receiver->frame, (uint64_t)kind << TES_LABEL_KIND_SHIFT);
    frame_set_badge(&receiver->frame, badge);
    frame_set_status(&receiver->frame, TES_OK);
    receiver->caller = NULL;
}

static void set_received_words(struct thread *sender, struct thread *receiver)
{
    bool is_kernel_message =
        sender->message_kind == TES_MESSAGE_FAULT || sender->message_kind == TES_MESSAGE_PAGE;
    uint64_t label = (uint64_t)sender->message_kind << TES_LABEL_KIND_SHIFT;
    if (is_kernel_message) {
        static_assert(sizeof(struct tes_fault) == TES_MESSAGE_WORDS * sizeof(uint64_t),
                      "a fault fills the words");
        frame_set_words(&receiver->frame, (const uint64_t *)(const void *)&sender->fault);
    } else {
        frame_copy_words(&receiver->frame, &sender->frame);
        label |= frame_label(&sender->frame);
    }
    frame_set_label(&receiver->frame, label);
    frame_set_badge(&receiver->frame, sender->wait_badge);
    frame_set_status(&receiver->frame, TES_OK);
}

static enum tes_thread_state served_state(const struct thread *sender)
{
    switch (sender->message_kind) {
    case TES_MESSAGE_FAULT:
        return TES_THREAD_WAIT_FAULT;
    case TES_MESSAGE_PAGE:
        return TES_THREAD_WAIT_PAGE;
    default:
        return TES_THREAD_WAIT_REPLY;
    }
}

// The server runs on what its caller runs on, at least at the caller's priority.
static void lend_context(struct thread *caller, struct thread *server)
{
    server->context = caller->context;
    server->lend_depth = caller->lend_depth + 1;
    server->priority = caller->priority;
}

tes_status_t transfer_locked(struct endpoint *endpoint, struct thread *from, struct thread *to,
                             uint64_t label)
{
    ASSERT(spinlock_is_held(&endpoint->object.lock));
    if (to->message_page != NULL) {
        to->message_page->received_count = 0;
    }
    if (LABEL_HANDLES(label) == 0) {
        return TES_OK;
    }
    from->in_transfer = 1;
    to->in_transfer = 1;
    spinlock_release(&endpoint->object.lock);
    tes_status_t status = message_transfer(from, to, label);
    spinlock_acquire(&endpoint->object.lock);
    from->in_transfer = 0;
    to->in_transfer = 0;
    return status;
}

tes_status_t deliver_locked(struct endpoint *endpoint, struct thread *sender,
                            struct thread *receiver)
{
    uint64_t label = 0;
    if (sender->message_kind == TES_MESSAGE_CALL || sender->message_kind == TES_MESSAGE_SEND) {
        label = frame_label(&sender->frame);
    }
    tes_status_t status = transfer_locked(endpoint, sender, receiver, label);
    if (status != TES_OK) {
        return status;
    }
    set_received_words(sender, receiver);
    message_tell_leases(receiver, sender);
    if (sender->message_kind == TES_MESSAGE_SEND) {
        receiver->caller = NULL;
        return TES_OK;
    }
    receiver->caller = sender;
    sender->server = receiver;
    sender->state = served_state(sender);
    sender->wait_object = &endpoint->object;
    lend_context(sender, receiver);
    return TES_OK;
}

// A chain of calls that lend to each other ends at LENDING_DEPTH_MAX.
static tes_status_t check_start_locked(struct endpoint *endpoint, const struct thread *sender)
{
    if (!object_is_live(&endpoint->object) || endpoint->state == ENDPOINT_DOWN) {
        return TES_ERROR_PEER_DIED;
    }
    if (!session_is_live(sender->call_session, sender->wait_epoch)) {
        return TES_ERROR_REVOKED;
    }
    if (sender->message_kind == TES_MESSAGE_CALL && sender->lend_depth + 1 >= LENDING_DEPTH_MAX) {
        return TES_ERROR_TOO_DEEP;
    }
    if (endpoint->min_budget_ns > sender->context->budget_ns) {
        return TES_ERROR_LOW_BUDGET;
    }
    return TES_OK;
}

static void queue_locked(struct endpoint *endpoint, struct thread *sender)
{
    sender->state = TES_THREAD_WAIT_SEND;
    sender->wait_object = &endpoint->object;
    callers_insert_locked(endpoint, sender);
    endpoint_update_pending_locked(endpoint);
    endpoint_boost_servers_locked(endpoint);
}

void receive_failed(struct thread *receiver, tes_status_t status)
{
    receiver->wait_object = NULL;
    receiver->caller = NULL; // a fast reply leaves the last one there
    frame_set_status(&receiver->frame, status);
    frame_set_label(&receiver->frame, 0);
    frame_set_badge(&receiver->frame, 0);
}

static tes_status_t start_locked(struct endpoint *endpoint, struct thread *sender,
                                 struct thread **out_receiver)
{
    *out_receiver = NULL;
    tes_status_t status = check_start_locked(endpoint, sender);
    if (status != TES_OK) {
        return status;
    }
    bool must_wait = endpoint->min_budget_ns > sender->context->left_ns;
    struct thread *receiver = must_wait ? NULL : endpoint_pop_receiver_locked(endpoint);
    sender->call_endpoint = endpoint;
    sender->server = NULL; // a fast reply leaves the last one there
    sender->call_session->calls++;
    if (receiver == NULL) {
        queue_locked(endpoint, sender);
        return TES_ERROR_BLOCKED;
    }
    status = deliver_locked(endpoint, sender, receiver);
    if (status != TES_OK || sender->message_kind == TES_MESSAGE_SEND) {
        session_call_put_locked(sender->call_session);
    }
    bool is_live = object_is_live(&endpoint->object);
    if (status != TES_OK && is_live) {
        endpoint_push_receiver_locked(endpoint, receiver);
        return status;
    }
    *out_receiver = receiver;
    if (status != TES_OK) { // destroyed while handles were transferred
        receive_failed(receiver, TES_ERROR_DEAD);
        return TES_ERROR_PEER_DIED;
    }
    if (sender->message_kind == TES_MESSAGE_SEND) {
        return TES_OK;
    }
    if (!is_live) { // it was received, then the endpoint was destroyed
        call_end_locked(endpoint, sender, TES_ERROR_PEER_DIED);
        return TES_ERROR_PEER_DIED;
    }
    return TES_ERROR_BLOCKED;
}

tes_status_t message_start(struct endpoint *endpoint, struct thread *sender)
{
    struct thread *receiver = NULL;
    spinlock_acquire(&endpoint->object.lock);
    tes_status_t status = start_locked(endpoint, sender, &receiver);
    // Under the lock: its end takes that too, and frees no thread that is still to be woken.
    if (receiver != NULL && status == TES_ERROR_BLOCKED) {
        sched_wake_and_switch(receiver);
    } else if (receiver != NULL) {
        sched_wake(receiver);
    }
    spinlock_release(&endpoint->object.lock);
    if (status == TES_ERROR_BLOCKED && sender == current_thread()) {
        sched_block_current();
    }
    return status;
}
