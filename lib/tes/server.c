// SPDX-License-Identifier: MIT OR Apache-2.0
// The main loop of components. Every call is checked against its method's row before any code of
// the component sees it: number, handles, leases and their direction.
#include <rt/checked.h>
#include <rt/string.h>
#include <tes/memory.h>
#include <tes/server.h>
#include <tes/thread.h>

static const struct tes_method *method_find(const struct tes_server *server, uint32_t number)
{
    for (const struct tes_interface *const *at = server->interfaces; *at != NULL; at++) {
        uint32_t index = number & TES_METHOD_NUMBER_MASK;
        if ((*at)->number == number >> TES_METHOD_INTERFACE_SHIFT && index < (*at)->method_count) {
            const struct tes_method *method =
                &(*at)->methods[array_index_clamp(index, (*at)->method_count)];
            return method->run != NULL ? method : NULL;
        }
    }
    return NULL;
}

static bool fits(const struct tes_method *method, const struct tes_request *request)
{
    if (request->handle_count < method->handles_min ||
        request->handle_count > method->handles_max ||
        request->lease_count != method->lease_count) {
        return false;
    }
    for (uint32_t i = 0; i < request->lease_count; i++) {
        if ((request->leases[i].flags & method->lease_flags) != method->lease_flags) {
            return false;
        }
    }
    return true;
}

static void request_fill(struct tes_request *request, const struct tes_message *message)
{
    request->badge = message->badge;
    memcpy(request->words, message->words, sizeof(request->words));
    request->handle_count = tes_label_handles(message->label);
    request->lease_count = tes_label_leases(message->label);
    if ((request->handle_count | request->lease_count) != 0) {
        const struct tes_message_page *page = tes_thread_block()->message_page;
        memcpy(request->handles, page->received_handles, sizeof(request->handles));
        memcpy(request->leases, page->received_leases, sizeof(request->leases));
    }
}

static void handles_close(struct tes_request *request)
{
    for (uint32_t i = 0; i < request->handle_count; i++) {
        tes_close(request->handles[i]);
    }
}

uint64_t tes_request_take_handle(struct tes_request *request, uint32_t index)
{
    uint64_t handle = request->handles[index];
    request->handles[index] = 0;
    return handle;
}

static tes_status_t method_run(struct tes_server *server, struct tes_request *request,
                               uint32_t number)
{
    const struct tes_method *method = method_find(server, number);
    if (method == NULL) {
        server->bad_messages++;
        return TES_ERROR_NOT_SUPPORTED;
    }
    if (!fits(method, request)) {
        server->bad_messages++;
        return TES_ERROR_INVALID;
    }
    return method->run(server->context, request);
}

static void answer_fill(struct tes_message *message, const struct tes_request *request,
                        tes_status_t status)
{
    message->label = tes_label_make((uint32_t)status, request->reply_handle_count, 0);
    if (request->moves_handles) {
        message->label |= TES_LABEL_MOVE;
    }
    memcpy(message->words, request->words, sizeof(message->words));
    struct tes_message_page *page = tes_thread_block()->message_page;
    if (status == TES_ERROR_FAULT) {
        message->words[0] = page->fault_address;
    }
    if (request->reply_handle_count != 0) {
        memcpy(page->handles, request->reply_handles, sizeof(page->handles));
    }
}

// True if message now holds an answer to be sent.
static bool call_handle(struct tes_server *server, struct tes_message *message, bool wants_answer)
{
    struct tes_request request;
    memset(&request, 0, sizeof(request));
    request.server = server;
    request_fill(&request, message);
    tes_status_t status = method_run(server, &request, tes_label_method(message->label));
    handles_close(&request);
    if (request.deferred.value != 0 || !wants_answer) {
        return false;
    }
    answer_fill(message, &request, status);
    return true;
}

static bool message_handle(struct tes_server *server, struct tes_message *message)
{
    switch (tes_label_kind(message->label)) {
    case TES_MESSAGE_CALL:
        return call_handle(server, message, true);
    case TES_MESSAGE_SEND:
        return call_handle(server, message, false);
    case TES_MESSAGE_NOTIFICATION:
        if (server->on_signal != NULL) {
            server->on_signal(server->context, message->words[0]);
        }
        return false;
    case TES_MESSAGE_CLOSED:
        if (server->on_closed != NULL) {
            server->on_closed(server->context, message->badge);
        }
        return false;
    case TES_MESSAGE_CANCELLED:
        if (server->on_cancelled != NULL) {
            server->on_cancelled(server->context, message->badge);
        }
        return false;
    case TES_MESSAGE_FAULT:
    case TES_MESSAGE_PAGE:
        break;
    }
    server->bad_messages++; // a fault or a page request was sent to a plain service
    return false;
}

static bool is_transient(tes_status_t status)
{
    return status == TES_ERROR_CANCELLED || status == TES_ERROR_TIMED_OUT ||
           status == TES_ERROR_NOT_CALLED;
}

tes_status_t tes_server_run(struct tes_server *server)
{
    struct tes_message message;
    bool has_answer = false;
    memset(&message, 0, sizeof(message));
    while (!server->is_stopping) {
        tes_thread_block()->message_page->accept = TES_MESSAGE_HANDLES_MAX;
        tes_status_t status = has_answer ? tes_ipc_reply_recv(server->endpoint, &message)
                                         : tes_ipc_recv(server->endpoint, &message);
        if (status == TES_ERROR_TOO_MANY_HANDLES && has_answer) {
            message.label = tes_label_make((uint32_t)TES_ERROR_TOO_MANY_HANDLES, 0, 0);
            continue;
        }
        has_answer = false;
        if (status == TES_OK) {
            has_answer = message_handle(server, &message);
        } else if (!is_transient(status)) {
            return status;
        }
    }
    if (has_answer) {
        return tes_ipc_reply((tes_reply_t){ 0 }, &message);
    }
    return TES_OK;
}

static tes_status_t lease_copy(tes_reply_t reply, uint32_t lease, uint64_t offset, uint64_t address,
                               uint64_t size, uint64_t flags)
{
    uint64_t copied = 0;
    if (size == 0) {
        return TES_OK;
    }
    tes_status_t status = tes_lease_copy(reply, lease, offset, address, size, flags, &copied);
    if (status != TES_OK) {
        return status;
    }
    return copied == size ? TES_OK : TES_ERROR_FAULT;
}

tes_status_t tes_request_read(struct tes_request *request, uint32_t lease, uint64_t offset,
                              void *buffer, uint64_t size)
{
    return lease_copy(request->deferred, lease, offset, (uint64_t)buffer, size, 0);
}

tes_status_t tes_request_write(struct tes_request *request, uint32_t lease, uint64_t offset,
                               const void *buffer, uint64_t size)
{
    return lease_copy(request->deferred, lease, offset, (uint64_t)buffer, size,
                      TES_LEASE_COPY_WRITE);
}

tes_status_t tes_request_defer(struct tes_request *request)
{
    return tes_reply_keep(&request->deferred);
}

tes_status_t tes_reply_lease_copy(tes_reply_t reply, uint32_t lease, void *buffer, uint64_t size,
                                  uint64_t flags)
{
    return lease_copy(reply, lease, 0, (uint64_t)buffer, size, flags);
}

void tes_reply_answer(tes_reply_t reply, tes_status_t status, uint64_t word0)
{
    struct tes_message message;
    memset(&message, 0, sizeof(message));
    message.label = tes_label_make((uint32_t)status, 0, 0);
    message.words[0] = word0;
    if (tes_ipc_reply(reply, &message) != TES_OK) {
        tes_close(reply.value); // the caller is gone
    }
}

void tes_reply_fault(tes_reply_t reply)
{
    tes_reply_answer(reply, TES_ERROR_FAULT, tes_thread_block()->message_page->fault_address);
}
