// SPDX-License-Identifier: MIT OR Apache-2.0
// Endpoints, Replies and the message paths.
#pragma once

#include <kernel/handle.h>
#include <kernel/object.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <rt/tree.h>

enum endpoint_state { ENDPOINT_DOWN = 0, ENDPOINT_UP = 1, ENDPOINT_HOLD = 2 };

struct endpoint {
    struct object
        object; // object.lock is the endpoint's lock: guards all below and its sessions' `calls`
    struct thread
        *receivers; // waiting receivers, last come first served; empty while SLOW is pending
    uint32_t
        pending;    // not 0: look before blocking or before the fast reply (enum endpoint_pending)
    uint32_t state; // enum endpoint_state
    struct tree callers;     // threads in WAIT_SEND, by priority then arrival
    struct session *notices; // Sessions with a notice, in order
    struct session *notices_last;
    struct notification *bound; // bound notification or null
    uint64_t min_budget_ns;
    uint64_t order; // arrival counter
    struct list_node
        servers; // threads that receive here (thread->server_link), waiting or handling a call
    struct list_node replies; // kept Replies of calls that came in here
    struct thread
        *slow_receivers;     // waiting receivers while SLOW is pending: the fast path finds none
    uint64_t hold_ns;        // how long the endpoint stays on hold when its last server ends
    uint32_t allows_fast;    // 0 keeps calls off the fast path
    struct timer hold_timer; // end of the hold
};

enum endpoint_pending {
    ENDPOINT_PENDING_CALLERS = 1,
    ENDPOINT_PENDING_NOTICES = 2,
    ENDPOINT_PENDING_BITS = 4,
    ENDPOINT_PENDING_SLOW = 8, // fast path switched off, on hold, down, or minimum budget
};

struct reply {
    struct object object;
    struct thread *caller;     // guarded by the endpoint's lock; null: gone
    struct endpoint *endpoint; // constant
    struct list_node link;     // endpoint->replies
};

// Notification side of a bound endpoint: bits came; wakes a receiver with them if one waits.
// Notification's lock is NOT held.
void endpoint_bits_arrived(struct endpoint *endpoint);
// A Session of this endpoint has a notice (flags set): queue it, wake a receiver.
void endpoint_queue_notice_locked(struct endpoint *endpoint, struct session *session);
// The thread ends or is cancelled while it waits at / is served through an endpoint. Home core of
// the thread. status: what it gets (CANCELLED, TIMED_OUT, …; WAIT_REPLY becomes CANCELLED_UNKNOWN).
// False: it did not wait there.
bool ipc_cancel(struct thread *thread, tes_status_t status);
// The server thread ends: its caller gets PEER_DIED, kept Replies stay with their handles.
void ipc_server_ended(struct thread *thread);
// A page fault in a pager-backed Memory: asks the pager; the thread waits (BLOCKED). FAULT: there
// is no pager any more.
struct memory;
tes_status_t ipc_page_request(struct memory *memory, struct thread *thread, uint64_t page,
                              uint64_t count, uint32_t access) TES_MUST_CHECK;
// thread_control GUEST: the calling thread and a guest Space of its process (view of no object:
// unbind). INVALID, BAD_ADDRESS, NO_MEMORY.
tes_status_t guest_bind(struct thread *thread, const struct handle_view *view,
                        uint64_t state) TES_MUST_CHECK;
// The thread's guest Space is being destroyed, or the thread ends. Home core of the thread.
void guest_unbind(struct thread *thread);
// Revocation touched this Session: callers queued under it get REVOKED, those being served are
// told.
void ipc_session_revoked(struct session *session);
// A fault of the current thread (or of its guest): vector, endpoint, personality, or crash report
// and death.
void fault_deliver(struct thread *thread, const struct tes_fault *fault);

// Entry code comes here with the full frame saved: calls that may wait or be preempted, and
// messages.
void kernel_call(struct thread *self);
