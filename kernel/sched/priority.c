// SPDX-License-Identifier: MIT OR Apache-2.0
// What a thread runs on and how urgently: its caller's context and priority while it handles a
// call, else its own; at least the priority of the most urgent caller that queues where it receives
// (THREAD_SLOW_BOOSTED). A change travels along the chain of calls by THREAD_OP_UPDATE, one thread
// at a time, each on its home core: from a caller to its server, from a queued caller to the
// servers of its endpoint. Chains end at LENDING_DEPTH_MAX, and a thread that finds nothing changed
// sends nothing on.
#include "core.h"

#include <kernel/endpoint.h>

// The order of endpoint->callers, as kernel/ipc keeps it.
static bool caller_is_less(const struct tree_node *a, const struct tree_node *b)
{
    const struct thread *left = container_of_const(a, struct thread, wait_node);
    const struct thread *right = container_of_const(b, struct thread, wait_node);
    return left->priority != right->priority ? left->priority > right->priority
                                             : left->wait_order < right->wait_order;
}

// Null stays null.
static struct endpoint *lock_endpoint(struct endpoint *endpoint)
{
    if (endpoint != NULL) {
        spinlock_acquire(&endpoint->object.lock);
    }
    return endpoint;
}

static void unlock_endpoint(struct endpoint *endpoint)
{
    if (endpoint != NULL) {
        spinlock_release(&endpoint->object.lock);
    }
}

static uint32_t most_urgent_locked(const struct endpoint *endpoint)
{
    const struct tree_node *first = endpoint == NULL ? NULL : tree_first(&endpoint->callers);
    return first == NULL ? 0 : container_of_const(first, struct thread, wait_node)->priority;
}

struct standing { // what a thread runs on, and its priority before and after callers that queue
    struct sched_context *context;
    uint32_t base;
    uint32_t priority;
    uint32_t depth;
};

static struct standing standing_locked(struct sched_core *core, const struct thread *thread,
                                       const struct endpoint *endpoint)
{
    const struct thread *caller = thread->caller;
    struct standing standing = { .context = thread_own_context(core, thread) };
    bool is_on_reserve =
        (thread->slow_flags & THREAD_SLOW_RESERVE) != 0 && thread->own_context != NULL;
    if (caller != NULL) {
        standing.depth = caller->lend_depth + 1;
    }
    if (caller != NULL && !is_on_reserve && caller->context != NULL) {
        standing.context = caller->context;
        standing.base = caller->priority;
    } else {
        standing.base = standing.context->priority;
    }
    standing.priority = standing.base;
    uint32_t urgent = most_urgent_locked(endpoint);
    if (urgent > standing.priority) {
        standing.priority = urgent;
    }
    return standing;
}

// True: something changed that those down the chain go by.
static bool apply(struct thread *thread, const struct standing *standing)
{
    bool is_changed =
        thread->context != standing->context || thread->priority != standing->priority;
    uint32_t flags = thread->slow_flags & ~(uint32_t)THREAD_SLOW_BOOSTED;
    if (thread->caller == NULL || thread->own_context == NULL) {
        flags &= ~(uint32_t)THREAD_SLOW_RESERVE;
    }
    thread->slow_flags = flags | (standing->priority > standing->base ? THREAD_SLOW_BOOSTED : 0u);
    thread->context = standing->context;
    thread->priority = standing->priority;
    thread->lend_depth = standing->depth;
    return is_changed;
}

static void tell_servers_locked(const struct endpoint *endpoint)
{
    list_for_each (node, &endpoint->servers) {
        thread_post(container_of(node, struct thread, server_link), THREAD_OP_UPDATE);
    }
}

// The thread waits at an endpoint with a call: who handles it, or could, is to follow.
static void update_waiting_caller(struct thread *thread, const struct standing *standing)
{
    struct thread *server = thread->server;
    struct endpoint *endpoint =
        lock_endpoint(server != NULL ? server->receive_endpoint : thread->call_endpoint);
    bool is_queued = endpoint != NULL && thread->call_endpoint == endpoint &&
                     thread->wait_node.parent_color != 0;
    if (is_queued) {
        tree_remove(&endpoint->callers, &thread->wait_node);
    }
    bool is_changed = apply(thread, standing);
    if (is_queued) {
        tree_insert(&endpoint->callers, &thread->wait_node, caller_is_less);
        tell_servers_locked(endpoint);
    } else if (is_changed && endpoint != NULL && thread->server != NULL &&
               thread->server == server) {
        thread_post(server, THREAD_OP_UPDATE);
    }
    unlock_endpoint(endpoint);
}

static bool is_waiting_caller(uint32_t state)
{
    return state == TES_THREAD_WAIT_SEND || state == TES_THREAD_WAIT_REPLY ||
           state == TES_THREAD_WAIT_FAULT || state == TES_THREAD_WAIT_PAGE;
}

static void drop_dead_context(struct thread *thread)
{
    if (thread->own_context != NULL && !object_is_live(&thread->own_context->object)) {
        context_unbind(thread);
    }
}

void thread_update(struct sched_core *core, struct thread *thread)
{
    bool is_current = thread == self_thread();
    bool is_running = is_current && core->is_blocked == 0;
    drop_dead_context(thread);
    if (thread->state == TES_THREAD_DEAD ||
        (!is_running && thread->state == TES_THREAD_WAIT_RECEIVE)) {
        return; // a receiver gets its standing when it is woken
    }
    struct endpoint *endpoint = lock_endpoint(thread->receive_endpoint);
    struct standing standing = standing_locked(core, thread, endpoint);
    unlock_endpoint(endpoint);
    if (!is_running && is_waiting_caller(thread->state)) {
        update_waiting_caller(thread, &standing);
        return;
    }
    (void)apply(thread, &standing); // nobody is below a thread that makes no call
    if (thread->state == TES_THREAD_WAIT_BUDGET && !is_running) {
        timer_disarm(&thread->wait_timer);
        thread_ready(core, thread, false); // picked, it gets the budget that it has now
    }
    if (is_running) {
        core->must_move =
            thread->own_context != NULL && (thread->own_context->core_mask >> core->id & 1) == 0;
        cpu_local()->need_reschedule |= SCHED_SWITCH;
    }
}

void sched_update_priority(struct thread *thread)
{
    const struct endpoint *endpoint = thread->receive_endpoint;
    bool is_alone = endpoint == NULL || (endpoint->pending & ENDPOINT_PENDING_CALLERS) == 0;
    if (thread->caller != NULL || thread->own_context == NULL || !is_alone) {
        thread_post(thread, THREAD_OP_UPDATE);
        return;
    }
    struct sched_core *core = cpu_local()->sched;
    uint32_t before = thread->priority;
    thread->slow_flags &= ~(uint32_t)(THREAD_SLOW_BOOSTED | THREAD_SLOW_RESERVE);
    thread->context = thread->own_context;
    thread->priority = thread->context->priority;
    thread->lend_depth = 0;
    if (thread->priority < before && core->bitmap != 0 &&
        bits_highest(core->bitmap) > thread->priority) {
        cpu_local()->need_reschedule |= SCHED_SWITCH;
    }
}
