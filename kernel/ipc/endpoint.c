// SPDX-License-Identifier: MIT OR Apache-2.0
// Endpoints. States: up (calls are received), on hold (callers queue while the server is restarted;
// ends by a receive or by its deadline), down (calls fail at once). Servers are the threads that
// last received here; when the last one ends the endpoint goes on hold. An endpoint with the SLOW
// bit pending (hold, down, minimum budget, fast path switched off) keeps its waiting receivers on a
// second list, so that the fast path needs no check of its own.
#include "ipc.h"

#include <kernel/log.h>
#include <kernel/notification.h>
#include <kernel_calls.h>

#define ENDPOINT_HOLD_DEFAULT_NS                                                                   \
    5000000000ull // five seconds: longer than any restart policy's first back-off

static bool caller_is_less(const struct tree_node *a, const struct tree_node *b)
{
    const struct thread *left = container_of_const(a, struct thread, wait_node);
    const struct thread *right = container_of_const(b, struct thread, wait_node);
    if (left->priority != right->priority) {
        return left->priority > right->priority;
    }
    return left->wait_order < right->wait_order;
}

void callers_insert_locked(struct endpoint *endpoint, struct thread *thread)
{
    thread->wait_order = endpoint->order++;
    tree_insert(&endpoint->callers, &thread->wait_node, caller_is_less);
}

void callers_remove_locked(struct endpoint *endpoint, struct thread *thread)
{
    tree_remove(&endpoint->callers, &thread->wait_node);
}

static bool is_slow(const struct endpoint *endpoint)
{
    return endpoint->state != ENDPOINT_UP || endpoint->min_budget_ns != 0 ||
           endpoint->allows_fast == 0;
}

static void move_receivers(struct thread **from, struct thread **to)
{
    while (*from != NULL) {
        struct thread *receiver = *from;
        *from = receiver->receiver_next;
        receiver->receiver_next = *to;
        *to = receiver;
    }
}

void endpoint_update_pending_locked(struct endpoint *endpoint)
{
    uint32_t pending = 0;
    pending |= tree_is_empty(&endpoint->callers) ? 0 : ENDPOINT_PENDING_CALLERS;
    pending |= endpoint->notices == NULL ? 0 : ENDPOINT_PENDING_NOTICES;
    pending |= endpoint->bound != NULL && endpoint->bound->bits != 0 ? ENDPOINT_PENDING_BITS : 0;
    pending |= is_slow(endpoint) ? ENDPOINT_PENDING_SLOW : 0;
    endpoint->pending = pending;
    if ((pending & ENDPOINT_PENDING_SLOW) != 0) {
        move_receivers(&endpoint->receivers, &endpoint->slow_receivers);
    } else {
        move_receivers(&endpoint->slow_receivers, &endpoint->receivers);
    }
}

void endpoint_push_receiver_locked(struct endpoint *endpoint, struct thread *receiver)
{
    struct thread **list = is_slow(endpoint) ? &endpoint->slow_receivers : &endpoint->receivers;
    receiver->receiver_next = *list;
    *list = receiver;
}

struct thread *endpoint_pop_receiver_locked(struct endpoint *endpoint)
{
    struct thread **list =
        endpoint->receivers != NULL ? &endpoint->receivers : &endpoint->slow_receivers;
    struct thread *receiver = *list;
    if (receiver != NULL) {
        *list = receiver->receiver_next;
        receiver->receiver_next = NULL;
    }
    return receiver;
}

static bool remove_from(struct thread **list, struct thread *receiver)
{
    for (struct thread **link = list; *link != NULL; link = &(*link)->receiver_next) {
        if (*link == receiver) {
            *link = receiver->receiver_next;
            receiver->receiver_next = NULL;
            return true;
        }
    }
    return false;
}

bool endpoint_remove_receiver_locked(struct endpoint *endpoint, struct thread *receiver)
{
    return remove_from(&endpoint->receivers, receiver) ||
           remove_from(&endpoint->slow_receivers, receiver);
}

void endpoint_boost_servers_locked(struct endpoint *endpoint)
{
    list_for_each (node, &endpoint->servers) {
        struct thread *server = container_of(node, struct thread, server_link);
        thread_post(server, THREAD_OP_UPDATE);
    }
}

tes_status_t endpoint_join(struct endpoint *endpoint, struct thread *server)
{
    spinlock_acquire(&endpoint->object.lock);
    bool is_live = object_is_live(&endpoint->object);
    if (is_live) {
        server->receive_endpoint = endpoint;
        list_append(&endpoint->servers, &server->server_link);
    }
    spinlock_release(&endpoint->object.lock);
    return is_live ? TES_OK : TES_ERROR_REVOKED;
}

static void hold_expired(struct timer *timer)
{
    struct endpoint *endpoint = container_of(timer, struct endpoint, hold_timer);
    spinlock_acquire(&endpoint->object.lock);
    if (endpoint->state == ENDPOINT_HOLD) {
        endpoint->state = ENDPOINT_DOWN;
        endpoint_end_callers_locked(endpoint);
    }
    endpoint_update_pending_locked(endpoint);
    spinlock_release(&endpoint->object.lock);
}

static void hold_locked(struct endpoint *endpoint, uint64_t deadline_ns)
{
    endpoint->state = ENDPOINT_HOLD;
    if (deadline_ns != 0) {
        endpoint->hold_timer.expire = hold_expired;
        timer_arm(&endpoint->hold_timer, deadline_ns);
    }
    endpoint_update_pending_locked(endpoint);
}

void endpoint_leave(struct thread *server)
{
    struct endpoint *endpoint = server->receive_endpoint;
    if (endpoint == NULL) {
        return;
    }
    spinlock_acquire(&endpoint->object.lock);
    list_remove(&server->server_link);
    server->receive_endpoint = NULL;
    if (list_is_empty(&endpoint->servers) && endpoint->state == ENDPOINT_UP &&
        object_is_live(&endpoint->object)) {
        hold_locked(endpoint, endpoint->hold_ns == 0 ? 0 : time_now_ns() + endpoint->hold_ns);
    }
    spinlock_release(&endpoint->object.lock);
}

void endpoint_end_callers_locked(struct endpoint *endpoint)
{
    for (struct thread *caller = callers_first(endpoint); caller != NULL;
         caller = callers_first(endpoint)) {
        callers_remove_locked(endpoint, caller);
        call_end_locked(endpoint, caller, TES_ERROR_PEER_DIED);
    }
}

// A receiver that waits gets the message that has just come (bits or a notice).
static void wake_receiver_locked(struct endpoint *endpoint)
{
    struct thread *receiver = endpoint_pop_receiver_locked(endpoint);
    if (receiver == NULL) {
        return;
    }
    if (!receive_pending_locked(endpoint, receiver)) {
        endpoint_push_receiver_locked(endpoint, receiver);
        return;
    }
    receiver->context = receiver->own_context != NULL ? receiver->own_context : receiver->context;
    receiver->lend_depth = 0;
    sched_wake(receiver);
}

void endpoint_bits_arrived(struct endpoint *endpoint)
{
    spinlock_acquire(&endpoint->object.lock);
    wake_receiver_locked(endpoint);
    endpoint_update_pending_locked(endpoint);
    spinlock_release(&endpoint->object.lock);
}

void endpoint_queue_notice_locked(struct endpoint *endpoint, struct session *session)
{
    if (endpoint->notices_last == NULL) {
        endpoint->notices = session;
    } else {
        endpoint->notices_last->notice_next = session;
    }
    endpoint->notices_last = session;
    wake_receiver_locked(endpoint);
    endpoint_update_pending_locked(endpoint);
}

tes_status_t sys_endpoint_create(const struct handle_view *quota, uint64_t *out_endpoint)
{
    struct object *object = NULL;
    tes_status_t status = object_create(container_of(quota->object, struct quota, object),
                                        TES_TYPE_ENDPOINT, &object);
    if (status != TES_OK) {
        return status;
    }
    struct endpoint *endpoint = container_of(object, struct endpoint, object);
    endpoint->state = ENDPOINT_UP;
    endpoint->allows_fast = 1;
    endpoint->hold_ns = ENDPOINT_HOLD_DEFAULT_NS;
    list_init(&endpoint->servers);
    list_init(&endpoint->replies);
    status = handle_install_new(current_process(), object, out_endpoint);
    if (status != TES_OK) {
        object_abandon(object);
    }
    return status;
}

static void unbind_locked(struct endpoint *endpoint)
{
    if (endpoint->bound != NULL) {
        spinlock_acquire(&endpoint->bound->object.lock);
        endpoint->bound->bound = NULL;
        spinlock_release(&endpoint->bound->object.lock);
        endpoint->bound = NULL;
    }
}

static void end_served_locked(struct endpoint *endpoint)
{
    list_for_each_safe (node, next, &endpoint->servers) {
        struct thread *server = container_of(node, struct thread, server_link);
        // A caller whose answer is on its way gets it.
        if (server->caller != NULL && server->caller->server == server &&
            server->caller->in_transfer == 0) {
            call_end_locked(endpoint, server->caller, TES_ERROR_PEER_DIED);
        }
        list_remove(&server->server_link);
        server->receive_endpoint = NULL;
    }
    list_for_each_safe (node, next, &endpoint->replies) {
        struct reply *reply = container_of(node, struct reply, link);
        if (reply->caller != NULL && reply->caller->in_transfer == 0) {
            call_end_locked(endpoint, reply->caller, TES_ERROR_PEER_DIED);
        }
        list_remove(&reply->link);
        reply->endpoint = NULL;
    }
}

tes_status_t endpoint_destroy(struct object *object)
{
    struct endpoint *endpoint = container_of(object, struct endpoint, object);
    timer_disarm(&endpoint->hold_timer);
    spinlock_acquire(&object->lock);
    endpoint->state = ENDPOINT_DOWN;
    endpoint_end_callers_locked(endpoint);
    for (struct thread *receiver = endpoint_pop_receiver_locked(endpoint); receiver != NULL;
         receiver = endpoint_pop_receiver_locked(endpoint)) {
        receive_failed(receiver, TES_ERROR_DEAD);
        sched_wake(receiver);
    }
    end_served_locked(endpoint);
    unbind_locked(endpoint);
    endpoint->notices = NULL;
    endpoint->notices_last = NULL;
    spinlock_release(&object->lock);
    return TES_OK;
}

static tes_status_t bind_notification(struct endpoint *endpoint, uint64_t value)
{
    struct handle_view view = { 0 };
    struct notification *notification = NULL;
    if (value != 0) {
        tes_status_t status = handle_resolve(current_process(), value, TES_TYPE_NOTIFICATION,
                                             TES_RIGHT_NOTIFICATION_WAIT, &view);
        if (status != TES_OK) {
            return TES_ERROR_BAD_HANDLE;
        }
        notification = container_of(view.object, struct notification, object);
    }
    spinlock_acquire(&endpoint->object.lock);
    tes_status_t status = TES_OK;
    if (notification != NULL) {
        spinlock_acquire(&notification->object.lock);
        bool is_taken = notification->waiter != NULL ||
                        (notification->bound != NULL && notification->bound != endpoint) ||
                        !object_is_live(&notification->object) ||
                        !object_is_live(&endpoint->object);
        status = is_taken ? TES_ERROR_BUSY : TES_OK;
        if (!is_taken) {
            notification->bound = endpoint;
        }
        spinlock_release(&notification->object.lock);
    }
    if (status == TES_OK && endpoint->bound != notification) {
        unbind_locked(endpoint);
        endpoint->bound = notification;
        wake_receiver_locked(endpoint);
        endpoint_update_pending_locked(endpoint);
    }
    spinlock_release(&endpoint->object.lock);
    return status;
}

static tes_status_t set_state(struct endpoint *endpoint, uint64_t value, uint64_t deadline_ns)
{
    if (value > ENDPOINT_HOLD) {
        return TES_ERROR_INVALID;
    }
    timer_disarm(&endpoint->hold_timer);
    spinlock_acquire(&endpoint->object.lock);
    if (value == ENDPOINT_HOLD) {
        hold_locked(endpoint, deadline_ns);
    } else {
        endpoint->state = (uint32_t)value;
    }
    if (value == ENDPOINT_DOWN) {
        endpoint_end_callers_locked(endpoint);
    }
    endpoint_update_pending_locked(endpoint);
    spinlock_release(&endpoint->object.lock);
    return TES_OK;
}

tes_status_t sys_endpoint_control(const struct handle_view *view, uint64_t operation,
                                  uint64_t value, uint64_t value2)
{
    struct endpoint *endpoint = container_of(view->object, struct endpoint, object);
    switch (operation) {
    case TES_ENDPOINT_CONTROL_STATE:
        return set_state(endpoint, value, value2);
    case TES_ENDPOINT_CONTROL_BIND:
        return bind_notification(endpoint, value);
    case TES_ENDPOINT_CONTROL_MIN_BUDGET:
    case TES_ENDPOINT_CONTROL_FAST:
        break;
    default:
        return TES_ERROR_INVALID;
    }
    if (operation == TES_ENDPOINT_CONTROL_FAST && value > 1) {
        return TES_ERROR_INVALID;
    }
    spinlock_acquire(&endpoint->object.lock);
    if (operation == TES_ENDPOINT_CONTROL_FAST) {
        endpoint->allows_fast = (uint32_t)value;
    } else {
        endpoint->min_budget_ns = value;
    }
    endpoint_update_pending_locked(endpoint);
    spinlock_release(&endpoint->object.lock);
    return TES_OK;
}
