// SPDX-License-Identifier: MIT OR Apache-2.0
// Calling a service: the bare kernel messages, and tes_call, which lends ranges, passes handles,
// touches and repeats when the server found lent memory absent, and gives back the answer's status.
#pragma once

#include <abi/message.h>
#include <stdbool.h>
#include <tes/calls.h>

// A method number is interface << 16 | number; the answer's label carries the status in its place:
// 0, a negative tes_status_t, or a positive number that the interface defines.
#define TES_METHOD(interface, number) (((uint32_t)(interface) << 16) | (uint32_t)(number))
#define TES_METHOD_INTERFACE_SHIFT    16u
#define TES_METHOD_NUMBER_MASK        0xffffu

static inline tes_status_t TES_MUST_CHECK tes_ipc_call(tes_endpoint_t endpoint,
                                                       struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_CALL, message);
}

static inline tes_status_t TES_MUST_CHECK tes_ipc_reply_recv(tes_endpoint_t endpoint,
                                                             struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_REPLY_RECV, message);
}

static inline tes_status_t TES_MUST_CHECK tes_ipc_recv(tes_endpoint_t endpoint,
                                                       struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_RECV, message);
}

static inline tes_status_t TES_MUST_CHECK tes_ipc_send(tes_endpoint_t endpoint,
                                                       struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_SEND, message);
}

static inline tes_status_t TES_MUST_CHECK tes_ipc_reply(tes_reply_t reply,
                                                        struct tes_message *message)
{
    message->handle = reply.value;
    return tes_arch_message(TES_CALL_IPC_REPLY, message);
}

static inline uint64_t tes_label_make(uint32_t method, uint32_t handle_count, uint32_t lease_count)
{
    return ((uint64_t)method << TES_LABEL_METHOD_SHIFT) |
           ((uint64_t)handle_count << TES_LABEL_HANDLES_SHIFT) |
           ((uint64_t)lease_count << TES_LABEL_LEASES_SHIFT);
}

static inline uint32_t tes_label_method(uint64_t label)
{
    return (uint32_t)(label >> TES_LABEL_METHOD_SHIFT);
}

static inline uint32_t tes_label_handles(uint64_t label)
{
    return (uint32_t)(label >> TES_LABEL_HANDLES_SHIFT) & TES_LABEL_COUNT_MASK;
}

static inline uint32_t tes_label_leases(uint64_t label)
{
    return (uint32_t)(label >> TES_LABEL_LEASES_SHIFT) & TES_LABEL_COUNT_MASK;
}

static inline enum tes_message_kind tes_label_kind(uint64_t label)
{
    return (enum tes_message_kind)((label >> TES_LABEL_KIND_SHIFT) & TES_LABEL_KIND_MASK);
}

struct tes_call {
    tes_endpoint_t endpoint;
    uint32_t method;
    uint32_t accept; // handles taken with the answer
    uint32_t handle_count;
    uint32_t lease_count;
    uint64_t words[TES_MESSAGE_WORDS]; // replaced by the answer's
    uint64_t handles[TES_MESSAGE_HANDLES_MAX];
    struct tes_lease leases[TES_MESSAGE_LEASES_MAX];
    uint32_t received_count;
    uint64_t received[TES_MESSAGE_HANDLES_MAX];
};

// Lends a range for the call. The server may read, or write, it.
void tes_call_lend(struct tes_call *call, const void *address, uint64_t size);
void tes_call_lend_writable(struct tes_call *call, void *address, uint64_t size);

// The transport's error, or the answer's status (see TES_METHOD).
tes_status_t tes_call(struct tes_call *call) TES_MUST_CHECK;
// The same, repeated while the server dies under it: only for methods that may run twice.
tes_status_t tes_call_idempotent(struct tes_call *call) TES_MUST_CHECK;
