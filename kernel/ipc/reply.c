// SPDX-License-Identifier: MIT OR Apache-2.0
// Answering calls, at once or through a kept Reply. The caller's Thread carries the Reply; a Reply
// object exists only for a call that the server keeps. The link server→caller and caller→server is
// guarded by the lock of the endpoint the call came in over.
#include "ipc.h"

#include <kernel/call.h>
#include <kernel/log.h>
#include <kernel_calls.h>

static struct endpoint *call_endpoint_of(const struct thread *server)
{
    return server->receive_endpoint; // a call under way came in where its server receives
}

struct endpoint *served_endpoint_lock(struct thread *server, struct thread **out_caller)
{
    struct endpoint *endpoint = call_endpoint_of(server);
    if (endpoint == NULL) {
        return NULL;
    }
    spinlock_acquire(&endpoint->object.lock);
    if (server->caller == NULL) {
        spinlock_release(&endpoint->object.lock);
        return NULL;
    }
    *out_caller = server->caller;
    return endpoint;
}

// The server goes back to its own context; without one it keeps what it runs on until it receives
// again.
static void return_context(struct thread *server)
{
    server->lend_depth = 0;
    if (server->own_context != NULL) {
        server->context = server->own_context;
        if (server == current_thread()) {
            sched_update_priority(server);
        } else {
            thread_post(server, THREAD_OP_UPDATE);
        }
    }
}

void call_end_locked(struct endpoint *endpoint, struct thread *caller, tes_status_t status)
{
    ASSERT(spinlock_is_held(&endpoint->object.lock));
    struct thread *server = caller->server;
    if (server != NULL) {
        sched_charge_reserve(server);
        server->caller = NULL;
        caller->server = NULL;
        return_context(server);
    }
    if (caller->kept_reply != NULL) {
        caller->kept_reply->caller = NULL;
        caller->kept_reply = NULL;
    }
    session_call_put_locked(caller->call_session);
    caller->call_session = NULL;
    caller->call_endpoint = NULL;
    caller->wait_object = NULL;
    caller->lease_count = 0;
    call_lent_end(caller);
    if (caller->message_kind == TES_MESSAGE_CALL || caller->message_kind == TES_MESSAGE_SEND) {
        frame_set_status(&caller->frame, status);
    }
    caller->message_kind = TES_MESSAGE_CALL; // the fast path sends calls only and does not say so
    atomic_and_u32(&caller->slow_flags, ~(uint32_t)THREAD_SLOW_FAULT, ATOMIC_RELAXED);
    sched_wake(caller);
}

// A fault handler's answer: method 0 resumes the thread, anything else ends it. A pager's: 0 the
// page is there.
static void answer_fault_locked(struct endpoint *endpoint, struct thread *caller, uint64_t label)
{
    bool must_end = label >> TES_LABEL_METHOD_SHIFT != 0;
    if (must_end) {
        caller->fault.cause =
            caller->message_kind == TES_MESSAGE_PAGE ? TES_FAULT_BUS : caller->fault.cause;
        fault_report(caller, &caller->fault);
        thread_post(caller, THREAD_OP_KILL);
    }
    call_end_locked(endpoint, caller, TES_OK);
}

tes_status_t reply_locked(struct endpoint *endpoint, struct thread *server, struct thread *caller,
                          uint64_t label)
{
    if (caller->message_kind != TES_MESSAGE_CALL) {
        answer_fault_locked(endpoint, caller, label);
        return TES_OK;
    }
    tes_status_t status = transfer_locked(endpoint, server, caller, label);
    if (status != TES_OK) {
        return status;
    }
    frame_copy_words(&caller->frame, &server->frame);
    frame_set_label(&caller->frame, label & ~(uint64_t)(TES_LABEL_MOVE | TES_LABEL_LEND));
    frame_set_badge(&caller->frame, 0);
    call_end_locked(endpoint, caller, TES_OK);
    return TES_OK;
}

tes_status_t sys_reply_keep(uint64_t *out_reply)
{
    struct thread *self = current_thread();
    struct object *object = NULL;
    struct thread *caller = NULL;
    tes_status_t status = object_create(self->process->quota, TES_TYPE_REPLY, &object);
    if (status != TES_OK) {
        return status;
    }
    struct reply *reply = container_of(object, struct reply, object);
    list_init(&reply->link);
    status = handle_install_new(self->process, object, out_reply);
    if (status != TES_OK) {
        object_abandon(object);
        return status;
    }
    struct endpoint *endpoint = served_endpoint_lock(self, &caller);
    if (endpoint == NULL) {
        tes_status_t closed = handle_close(self->process, *out_reply);
        ASSERT(closed == TES_OK);
        object_abandon(object);
        return TES_ERROR_NOT_CALLED;
    }
    reply->caller = caller;
    reply->endpoint = endpoint;
    list_append(&endpoint->replies, &reply->link);
    caller->kept_reply = reply;
    caller->call_endpoint = endpoint;
    atomic_store_pointer(&caller->server, NULL,
                         ATOMIC_RELEASE); // pairs with ipc_cancel: then call_endpoint is there
    sched_charge_reserve(self);
    self->caller = NULL;
    return_context(self);
    spinlock_release(&endpoint->object.lock);
    return TES_OK;
}

struct thread *reply_caller_lock(const struct handle_view *view, struct endpoint **out_endpoint)
{
    struct thread *caller = NULL;
    if (view->object == NULL) {
        *out_endpoint = served_endpoint_lock(current_thread(), &caller);
        return *out_endpoint == NULL ? NULL : caller;
    }
    struct reply *reply = container_of(view->object, struct reply, object);
    struct endpoint *endpoint = reply->endpoint;
    if (endpoint == NULL) {
        return NULL;
    }
    spinlock_acquire(&endpoint->object.lock);
    if (reply->caller == NULL) {
        spinlock_release(&endpoint->object.lock);
        return NULL;
    }
    *out_endpoint = endpoint;
    return reply->caller;
}

tes_status_t reply_destroy(struct object *object)
{
    struct reply *reply = container_of(object, struct reply, object);
    struct endpoint *endpoint = reply->endpoint;
    if (endpoint == NULL) {
        return TES_OK;
    }
    spinlock_acquire(&endpoint->object.lock);
    if (!list_is_empty(&reply->link)) {
        list_remove(&reply->link);
    }
    if (reply->caller != NULL) {
        call_end_locked(endpoint, reply->caller, TES_ERROR_PEER_DIED);
    }
    spinlock_release(&endpoint->object.lock);
    return TES_OK;
}
