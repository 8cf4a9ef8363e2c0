// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads: registers, scheduling state, IPC state. The frame is first: the CPU's entry stack
// pointer points just behind it, so that interrupts from user space store registers straight into
// the thread, and "current thread" is that pointer.
//
// Who may change what: fields under "home core" only the core that the thread is on (others post to
// the core's inbox); fields under "wait object's lock" only with the lock of `wait_object` held.
#pragma once

#include <abi/fault.h>
#include <abi/info.h>
#include <abi/message.h>
#include <arch/frame.h>
#include <kernel/limits.h>
#include <kernel/object.h>
#include <kernel/timer.h>
#include <rt/tree.h>

struct process;
struct space;
struct sched_context;
struct endpoint;
struct notification;
struct session;

// Bits of slow_flags: any set bit keeps the thread off the fast paths.
enum thread_slow {
    THREAD_SLOW_VECTOR = 1u << 8,     // has vector state
    THREAD_SLOW_DEADLINE = 1u << 9,   // has a deadline: the slow path arms it when it really waits
    THREAD_SLOW_BOOSTED = 1u << 10,   // runs with a priority lent by a waiting caller
    THREAD_SLOW_ATTENTION = 1u << 11, // kill, stop, cancel or kick is pending
    THREAD_SLOW_RESERVE =
        1u << 12,                 // runs on its own reserve context (notification or orphaned call)
    THREAD_SLOW_FAULT = 1u << 13, // its fault or page request is under way, not a call
    THREAD_SLOW_NEW_STATE =
        1u << 14, // not resumed by a plain system-call return (interrupted, new registers)
    THREAD_SLOW_GUEST = 1u << 15, // bound to a guest: the guest's calls are not messages
    // bits 0-7: home core number; fast path compares the whole word with its own core number
};

// Operations posted to a thread's home core.
enum thread_operation {
    THREAD_OP_WAKE = 1, // make ready: what it waited for has come
    THREAD_OP_CANCEL = 2,
    THREAD_OP_KILL = 4,
    THREAD_OP_STOP = 8,
    THREAD_OP_CONTINUE = 16,
    THREAD_OP_KICK = 32,
    THREAD_OP_UPDATE = 64, // priority or context changed
};

struct thread_lease {
    uint64_t address;
    uint64_t size;
    uint32_t flags;
    uint32_t reserved;
    struct space *space; // bound when the call was made
};

struct fault_target { // fault endpoint with the Session it was given under
    struct endpoint *endpoint;
    struct session *session;
    uint64_t epoch, badge;
};

struct signal_target { // notification with the Session it was given under
    struct notification *notification;
    struct session *session;
    uint64_t epoch, bits;
};

struct lent_session { // of a handle lent with a call
    struct session *session;
    uint64_t epoch;
};

struct thread {
    struct arch_frame frame
        __attribute__((aligned(64))); // must be first; the CPU wants the end of it aligned
    struct object object;             // .lock guards configuration fields

    // Hot: read by the fast paths. Home core. While the thread is its core's current one, `state`
    // may be stale; while it waits in WAIT_RECEIVE, `caller` is.
    uint32_t slow_flags;     // core number | enum thread_slow
    uint32_t state;          // enum tes_thread_state
    struct process *process; // constant
    uint64_t address_space;  // root register value to run with (arch's encoding)
    uint64_t thread_pointer;
    struct sched_context *context; // what it runs on now: own, or lent by its caller
    // Wait object's lock (for a caller and its server: the endpoint the call came over).
    struct object *wait_object;     // endpoint or notification it waits at; null: none
    struct thread *receiver_next;   // endpoint's list of waiting receivers
    struct thread *caller;          // whose call it is handling
    struct thread *server;          // who handles its call
    struct endpoint *call_endpoint; // over which its call goes while it is queued or kept; else
                                    // server->receive_endpoint
    struct session *call_session;   // Session of that call (counts in session->calls)

    // Slow path, wait object's lock.
    struct tree_node wait_node; // endpoint's queue of callers, by priority then arrival
    uint64_t wait_order;
    uint64_t wait_badge;
    uint64_t wait_mask;  // notification
    uint64_t wait_epoch; // of the Session when the call was made: checked again when received
    uint32_t lease_count;
    struct thread_lease leases[TES_MESSAGE_LEASES_MAX];
    struct reply *kept_reply; // the server kept this call's Reply; server is null then
    uint32_t message_kind;    // enum tes_message_kind of the message it sends
    uint32_t in_transfer;     // handles of a message from or to it are being installed: wait before
                              // cancelling
    uint32_t lent_count;      // handles lent with its call: die at the reply
    struct lent_session lent[TES_MESSAGE_HANDLES_MAX];
    uint64_t send_handles[TES_MESSAGE_HANDLES_MAX]; // read once from the message page
    // As a server. The list is guarded by the endpoint's lock; receive_endpoint changes only on the
    // home core.
    struct endpoint *receive_endpoint; // where it receives; its `caller` came in here
    struct list_node server_link;

    // Home core.
    struct list_node run_link; // run queue or held list
    struct timer wait_timer;   // armed while it waits with a deadline, or for budget
    uint64_t deadline_ns;      // thread_deadline; 0 none
    struct sched_context *own_context;
    uint32_t lend_depth; // calls between it and the thread whose context it runs on; 8-aligned with
                         // priority:
    uint32_t priority;   // effective; the fast path copies both in one word
    uint32_t stop_count; // 1: to be stopped; written under object.lock, followed on the home core
    uint64_t runtime_ns;
    uint64_t is_started;       // thread_start was called; object.lock
    struct thread *inbox_next; // core's inbox (lock-free push)
    uint32_t inbox_operations; // enum thread_operation, atomic
    uint32_t kick_pending;     // latched kick
    void *vector_state;        // saved vector registers, null: none

    // Configuration: object.lock.
    struct list_node process_link;         // process->threads, guarded by the process's lock
    struct tes_message_page *message_page; // kernel address of the pinned page, null: none
    uint64_t message_page_user;
    struct memory *message_memory; // holds the pin
    uint64_t fault_vector;
    uint64_t fault_area; // user address of struct tes_fault_area
    struct fault_target fault_endpoint;
    struct signal_target exit_signal;
    struct tes_fault fault; // the one being handled
    // Guest mode.
    struct space *guest;                 // bound guest Space or null
    struct tes_guest_state *guest_state; // kernel address of the pinned state page
    struct memory *guest_memory;         // holds the pin
    uint32_t in_guest;                   // runs foreign code now
    uint32_t is_bound;                   // own_context is bound to it
    uint64_t guest_full_root, guest_restricted_root;
    uint64_t guest_resume_ip, guest_resume_sp,
        guest_resume_flags; // personality's return from guest_enter
    uint64_t fast_calls, slow_calls;
    char name[16];
};

struct thread *current_thread(void);

// Creates a stopped thread. NO_OBJECTS, NO_MEMORY, BUSY, DEAD.
tes_status_t thread_create(struct process *process, struct sched_context *context,
                           struct thread **out_thread) TES_MUST_CHECK;
tes_status_t thread_start(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument0,
                          uint64_t argument1) TES_MUST_CHECK;
// Posts operations to the thread's home core, executed on its next way out of the kernel (also when
// it is this core). Any core, any locks but run queue and timers. The caller holds a lock under
// which the thread cannot end for good.
void thread_post(struct thread *thread, uint32_t operations);
// Cancels what a thread of this core waits for; false: it does not wait in a way that can be
// cancelled.
bool thread_wait_cancel(struct thread *thread, tes_status_t status);
// Ends the thread: unlinked from whatever it waits for, its caller gets PEER_DIED, its context
// comes back. Runs on the home core. The object dies with its process or by object_destroy.
void thread_kill_local(struct thread *thread);
