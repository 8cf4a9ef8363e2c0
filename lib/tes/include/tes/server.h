// SPDX-License-Identifier: MIT OR Apache-2.0
// A component's main loop: receives on one endpoint and its bound notification, checks each call
// against the table of its interface, runs the method, answers.
#pragma once

#include <tes/ipc.h>

struct tes_server;

// A call being handled. Methods read words, handles and leases and fill the answer.
struct tes_request {
    struct tes_server *server;
    uint64_t badge;
    uint64_t words[TES_MESSAGE_WORDS];         // in: the caller's; out: the answer's
    uint64_t handles[TES_MESSAGE_HANDLES_MAX]; // in: received, closed after the method unless taken
    uint32_t handle_count;
    uint32_t lease_count;
    struct tes_lease leases[TES_MESSAGE_LEASES_MAX]; // sizes and directions only
    uint64_t reply_handles[TES_MESSAGE_HANDLES_MAX];
    uint32_t reply_handle_count;
    bool moves_handles;   // the answer's handles leave this process
    tes_reply_t deferred; // set by tes_request_defer
};

// OK, a negative status or a positive result of the interface: goes into the answer's label.
typedef tes_status_t tes_method_run_t(void *context, struct tes_request *request);

struct tes_method {
    const char *name;
    tes_method_run_t *run; // NULL: no such method
    uint8_t handles_min, handles_max;
    uint8_t lease_count;
    uint8_t lease_flags; // what every lease must allow: TES_LEASE_READ or TES_LEASE_WRITE
};

struct tes_interface {
    const char *name;
    uint32_t number; // upper half of method numbers
    uint32_t method_count;
    const struct tes_method *methods;
};

struct tes_server {
    tes_endpoint_t endpoint;
    void *context;
    const struct tes_interface *const *interfaces; // ends with NULL
    void (*on_signal)(void *context, uint64_t bits);
    void (*on_closed)(void *context, uint64_t badge);
    void (*on_cancelled)(void *context, uint64_t badge);
    bool is_stopping;
    uint64_t bad_messages; // refused before any method ran
};

// Until is_stopping, or the endpoint cannot be received on any more.
tes_status_t tes_server_run(struct tes_server *server) TES_MUST_CHECK;

// Copies from or to what the caller lent. FAULT: return it from the method, which must not have
// changed anything; the caller touches the page and calls again.
tes_status_t tes_request_read(struct tes_request *request, uint32_t lease, uint64_t offset,
                              void *buffer, uint64_t size) TES_MUST_CHECK;
tes_status_t tes_request_write(struct tes_request *request, uint32_t lease, uint64_t offset,
                               const void *buffer, uint64_t size) TES_MUST_CHECK;

// Keeps the call for later; the method's status is then ignored. Copies and the answer go through
// the Reply.
tes_status_t tes_request_defer(struct tes_request *request) TES_MUST_CHECK;
// FAULT: answer with tes_reply_fault.
tes_status_t tes_reply_lease_copy(tes_reply_t reply, uint32_t lease, void *buffer, uint64_t size,
                                  uint64_t flags) TES_MUST_CHECK;
// Answers a deferred call; the Reply is closed. A caller that is gone is nobody's loss.
void tes_reply_answer(tes_reply_t reply, tes_status_t status, uint64_t word0);
void tes_reply_fault(tes_reply_t reply);

// Takes a received handle out of the request, so that it is not closed.
uint64_t tes_request_take_handle(struct tes_request *request, uint32_t index);
