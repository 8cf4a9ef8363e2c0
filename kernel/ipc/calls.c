// SPDX-License-Identifier: MIT OR Apache-2.0
// The message calls' slow path: entered with the whole frame saved. Words stay in the frames;
// results go there too.
#include "ipc.h"

#include <kernel/call.h>
#include <kernel/log.h>
#include <kernel_calls.h>
#include <rt/checked.h>

static tes_status_t start_message(const struct handle_view *view, enum tes_message_kind kind)
{
    struct thread *self = current_thread();
    tes_status_t status = message_read(self, frame_label(&self->frame), kind == TES_MESSAGE_CALL);
    if (status != TES_OK) {
        counter_add(TES_COUNTER_BAD_MESSAGES, 1);
        return status;
    }
    if (self->deadline_ns != 0 && self->deadline_ns <= time_now_ns()) {
        return TES_ERROR_TIMED_OUT;
    }
    self->message_kind = kind;
    self->call_session = view->session;
    self->wait_epoch = view->epoch;
    self->wait_badge = view->badge;
    status = message_start(container_of(view->object, struct endpoint, object), self);
    if (status != TES_ERROR_BLOCKED) {
        self->message_kind = TES_MESSAGE_CALL;
    }
    return status;
}

tes_status_t sys_ipc_call(const struct handle_view *endpoint)
{
    counter_add(TES_COUNTER_CALLS_SLOW, 1);
    current_thread()->slow_calls++;
    return start_message(endpoint, TES_MESSAGE_CALL);
}

tes_status_t sys_ipc_send(const struct handle_view *endpoint)
{
    return start_message(endpoint, TES_MESSAGE_SEND);
}

// Answers the call under way, if there is one and its caller still waits.
static tes_status_t answer_served(struct thread *self, uint64_t label)
{
    struct thread *caller = NULL;
    tes_status_t status = message_read(self, label, false);
    if (status != TES_OK) {
        return status;
    }
    struct endpoint *endpoint = served_endpoint_lock(self, &caller);
    if (endpoint == NULL) {
        return TES_OK;
    }
    status = reply_locked(endpoint, self, caller, label);
    spinlock_release(&endpoint->object.lock);
    return status;
}

tes_status_t sys_ipc_reply_recv(const struct handle_view *endpoint)
{
    struct thread *self = current_thread();
    counter_add(TES_COUNTER_REPLIES_SLOW, 1);
    tes_status_t status = answer_served(self, frame_label(&self->frame));
    return status != TES_OK ? status : receive_next(self, endpoint);
}

tes_status_t sys_ipc_recv(const struct handle_view *endpoint)
{
    struct thread *self = current_thread();
    struct thread *caller = NULL;
    struct endpoint *served = served_endpoint_lock(self, &caller);
    if (served != NULL) {
        call_end_locked(served, caller, TES_ERROR_PEER_DIED);
        spinlock_release(&served->object.lock);
    }
    return receive_next(self, endpoint);
}

tes_status_t sys_ipc_reply(const struct handle_view *reply)
{
    struct thread *self = current_thread();
    struct endpoint *endpoint = NULL;
    tes_status_t status = message_read(self, frame_label(&self->frame), false);
    if (status != TES_OK) {
        return status;
    }
    struct thread *caller = reply_caller_lock(reply, &endpoint);
    if (caller != NULL) {
        status = reply_locked(endpoint, self, caller, frame_label(&self->frame));
        spinlock_release(&endpoint->object.lock);
    }
    if (reply->object != NULL && status == TES_OK) {
        object_destroy_later(reply->object); // the handle may be closed by another thread meanwhile
        tes_status_t closed = handle_close(self->process, reply->value);
        (void)closed;
    }
    return caller == NULL ? TES_ERROR_NOT_CALLED : status;
}

tes_status_t sys_null(void)
{
    return TES_OK;
}

static void call_failed(struct thread *self, uint64_t number)
{
    if (((TES_CALL_MASK_MESSAGE >> number) & 1) != 0) { // no message: nothing of one
        frame_set_label(&self->frame, 0);
        frame_set_badge(&self->frame, 0);
    }
}

// Entry of calls that may wait, be preempted, or carry messages. The frame is the struct call.
void kernel_call(struct thread *self)
{
    struct call *call = frame_call(&self->frame);
    uint64_t number = call->number;
    counter_add(TES_COUNTER_SYSTEM_CALLS, 1);
    if (number >= TES_CALL_COUNT) {
        frame_set_status(&self->frame, TES_ERROR_BAD_CALL);
        return;
    }
    const uint64_t argument = call->arguments[0];
    tes_status_t status = call_decoders[array_index_clamp(number, TES_CALL_COUNT)](call);
    trace_point((uint16_t)number, status, argument);
    if (status == TES_ERROR_BLOCKED) {
        return;
    }
    if (status == TES_ERROR_RESTART) {
        counter_add(TES_COUNTER_CALLS_RESTARTED, 1);
        frame_restart_call(&self->frame);
        return;
    }
    if (status != TES_OK) {
        call_failed(self, number);
    }
    frame_set_status(&self->frame, status);
}
