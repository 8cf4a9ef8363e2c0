// SPDX-License-Identifier: MIT OR Apache-2.0
// Inside kernel/ipc: the steps that the message paths share. "Locked" functions need the endpoint's
// lock.
#pragma once

#include <kernel/endpoint.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/session.h>
#include <kernel/type_operations.h>

#define LABEL_HANDLES(label) ((uint32_t)((label) >> TES_LABEL_HANDLES_SHIFT) & TES_LABEL_COUNT_MASK)
#define LABEL_LEASES(label)  ((uint32_t)((label) >> TES_LABEL_LEASES_SHIFT) & TES_LABEL_COUNT_MASK)

// message.c: reads what the current thread's label asks for out of its message page, once, and
// checks it.
tes_status_t message_read(struct thread *self, uint64_t label, bool may_lend) TES_MUST_CHECK;
// Gives the handles that `from` sends to `to`'s process: all or none. lend: they die at the reply.
tes_status_t message_transfer(struct thread *from, struct thread *to,
                              uint64_t label) TES_MUST_CHECK;
void message_tell_leases(struct thread *receiver, const struct thread *caller);

// deliver.c
// message_transfer without the endpoint's lock, which is dropped meanwhile: neither thread is
// cancelled until it is back, but the endpoint may be destroyed.
tes_status_t transfer_locked(struct endpoint *endpoint, struct thread *from, struct thread *to,
                             uint64_t label) TES_MUST_CHECK;
// Results of a receive that ends without a message; the caller wakes the thread.
void receive_failed(struct thread *receiver, tes_status_t status);
tes_status_t deliver_locked(struct endpoint *endpoint, struct thread *sender,
                            struct thread *receiver) TES_MUST_CHECK;
void deliver_kernel_message_locked(struct thread *receiver, enum tes_message_kind kind,
                                   uint64_t badge, uint64_t word);
// Starts the message that the thread's wait fields describe; blocks or delivers. Thread: the
// current one, or one that already waits (a fault).
tes_status_t message_start(struct endpoint *endpoint, struct thread *sender) TES_MUST_CHECK;

// reply.c
tes_status_t reply_locked(struct endpoint *endpoint, struct thread *server, struct thread *caller,
                          uint64_t label) TES_MUST_CHECK;
// Ends the caller's call with a status of the transport. Wakes it.
void call_end_locked(struct endpoint *endpoint, struct thread *caller, tes_status_t status);
// Endpoint over which the call that `server` handles came in, locked; null if there is no such call
// any more.
struct endpoint *served_endpoint_lock(struct thread *server, struct thread **out_caller);
// Ends the Sessions under which the caller's lent handles hang.
void call_lent_end(struct thread *caller);
struct thread *reply_caller_lock(const struct handle_view *view, struct endpoint **out_endpoint);

// endpoint.c
void endpoint_end_callers_locked(struct endpoint *endpoint); // all that queue get PEER_DIED
void endpoint_update_pending_locked(struct endpoint *endpoint);
tes_status_t endpoint_join(struct endpoint *endpoint,
                           struct thread *server) TES_MUST_CHECK; // REVOKED
void endpoint_leave(struct thread *server);
void endpoint_push_receiver_locked(struct endpoint *endpoint, struct thread *receiver);
struct thread *endpoint_pop_receiver_locked(struct endpoint *endpoint);
bool endpoint_remove_receiver_locked(struct endpoint *endpoint, struct thread *receiver);
void endpoint_boost_servers_locked(struct endpoint *endpoint);
void callers_insert_locked(struct endpoint *endpoint, struct thread *thread);
void callers_remove_locked(struct endpoint *endpoint, struct thread *thread);

static inline struct thread *callers_first(const struct endpoint *endpoint)
{
    struct tree_node *node = tree_first(&endpoint->callers);
    return node == NULL ? NULL : container_of(node, struct thread, wait_node);
}

// receive.c: bits or a notice for a receiver that was taken off the list; false: none.
bool receive_pending_locked(struct endpoint *endpoint, struct thread *receiver);
// The next message for self on the endpoint; blocks.
tes_status_t receive_next(struct thread *self, const struct handle_view *view) TES_MUST_CHECK;

// fault.c: the crash report in the log.
void fault_report(const struct thread *thread, const struct tes_fault *fault);
