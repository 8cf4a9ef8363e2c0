// SPDX-License-Identifier: MIT OR Apache-2.0
// Ends of waits from outside: the thread's own deadline, and cancellation. A deadline costs nothing
// until its thread really waits: then it is armed on the way out, and disarmed when the thread is
// woken.
#include "core.h"

#include <kernel/endpoint.h>
#include <kernel/notification.h>

bool thread_wait_cancel(struct thread *thread, tes_status_t status)
{
    const struct sched_core *core = cpu_local()->sched;
    if (thread == self_thread() && core->is_blocked == 0) {
        return false; // it runs: its state may be stale
    }
    switch (thread->state) {
    case TES_THREAD_WAIT_NOTIFICATION:
        return notification_cancel(thread, status);
    case TES_THREAD_WAIT_SEND:
    case TES_THREAD_WAIT_REPLY:
    case TES_THREAD_WAIT_RECEIVE:
    case TES_THREAD_WAIT_FAULT:
    case TES_THREAD_WAIT_PAGE:
        return ipc_cancel(thread, status);
    default:
        return false;
    }
}

static void deadline_expired(struct timer *timer)
{
    struct thread *thread = container_of(timer, struct thread, wait_timer);
    (void)thread_wait_cancel(thread, TES_ERROR_TIMED_OUT); // false: it was answered just now
}

static bool has_deadline(uint32_t state)
{
    return state == TES_THREAD_WAIT_SEND || state == TES_THREAD_WAIT_REPLY ||
           state == TES_THREAD_WAIT_RECEIVE || state == TES_THREAD_WAIT_NOTIFICATION;
}

void deadline_begin(struct sched_core *core, struct thread *self, uint64_t now_ns)
{
    ASSERT(core->is_blocked != 0);
    if (!has_deadline(self->state)) {
        return;
    }
    if (self->deadline_ns <= now_ns) {
        (void)thread_wait_cancel(self, TES_ERROR_TIMED_OUT); // false: it was answered just now
        return;
    }
    self->wait_timer.expire = deadline_expired;
    timer_arm(&self->wait_timer, self->deadline_ns);
}
