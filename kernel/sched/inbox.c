// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations on threads from other cores (and from this one, when the caller holds locks). A
// thread's run state changes on its home core only; others set bits in inbox_operations, and
// whoever sets the first pushes the thread on the home core's list, which needs no lock. The core
// looks at it on its way out of the kernel; it is interrupted when the list was empty before. A
// thread that moved meanwhile is sent on to where it is now.
#include "core.h"

#include <kernel/log.h>

// Updates posted and not done: while there are any, a thread may still run on a context that has
// died.
static uint64_t updates_pending;

bool inbox_updates_pending(void)
{
    return atomic_load_u64(&updates_pending, ATOMIC_SEQ_CST) != 0;
}

static void push(struct thread *thread, uint32_t home)
{
    struct cpu *target = cpus[home];
    uint64_t *head = (uint64_t *)(void *)&target->inbox;
    uint64_t first = atomic_load_u64(head, ATOMIC_RELAXED);
    do {
        thread->inbox_next = (struct thread *)(uintptr_t)first;
        // Pairs with the exchange in inbox_process: the link and the operations are seen with the
        // thread.
    } while (
        !atomic_compare_exchange_u64(head, &first, (uint64_t)(uintptr_t)thread, ATOMIC_SEQ_CST));
    struct cpu *cpu = cpu_local();
    if (target == cpu) {
        cpu->need_reschedule |= SCHED_INBOX;
    } else if (first == 0) {
        cpu_send_ipi(home);
        counter_add(TES_COUNTER_IPIS_SENT, 1);
    }
}

void thread_post(struct thread *thread, uint32_t operations)
{
    // Pairs with the exchange in take_operations: whoever finds 0 pushes, and the bits of the
    // others go along.
    uint32_t before = atomic_or_u32(&thread->inbox_operations, operations, ATOMIC_ACQ_REL);
    if ((operations & ~before & THREAD_OP_UPDATE) != 0) {
        atomic_add_u64(&updates_pending, 1, ATOMIC_SEQ_CST);
    }
    if (before == 0) {
        push(thread, thread_core(thread));
    }
}

static void run_operations(struct sched_core *core, struct thread *thread, uint32_t operations)
{
    if ((operations & THREAD_OP_WAKE) != 0 && thread_core(thread) == core->id) {
        thread_wake_local(core, thread, false); // it waits: it cannot be pulled
        operations &= ~(uint32_t)THREAD_OP_WAKE;
    }
    bool was_ready = operations != 0 && run_queue_remove(core, thread);
    if (thread_core(thread) != core->id) { // pulled by another core, or moved by its mask
        if (operations != 0) {
            thread_post(thread, operations);
        }
        return;
    }
    if ((operations & THREAD_OP_KILL) != 0) {
        thread_kill_local(thread);
    }
    if ((operations & THREAD_OP_CANCEL) != 0) {
        (void)thread_wait_cancel(thread, TES_ERROR_CANCELLED); // it may have ended its wait since
    }
    if ((operations & THREAD_OP_KICK) != 0) {
        thread_kick(thread);
    }
    if ((operations & (THREAD_OP_STOP | THREAD_OP_CONTINUE)) != 0) {
        thread_follow_stop(core, thread);
    }
    if ((operations & THREAD_OP_UPDATE) != 0) {
        thread_update(core, thread);
    }
    if (was_ready && thread->state == TES_THREAD_READY) {
        thread_ready(core, thread, false);
    }
}

// In order of arrival: the list is last come, first.
static struct thread *reverse(struct thread *list)
{
    struct thread *reversed = NULL;
    while (list != NULL) {
        struct thread *next = list->inbox_next;
        list->inbox_next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

void inbox_process(struct cpu *cpu, struct sched_core *core)
{
    for (uint32_t count = 0; count < INBOX_PER_EXIT; count++) {
        if (core->inbox_rest == NULL) {
            // Pairs with the exchange in push.
            core->inbox_rest = reverse(atomic_exchange_pointer(&cpu->inbox, NULL, ATOMIC_SEQ_CST));
        }
        struct thread *thread = core->inbox_rest;
        if (thread == NULL) {
            return;
        }
        core->inbox_rest =
            thread->inbox_next; // read before the exchange: then others may push it again
        uint32_t operations = atomic_exchange_u32(&thread->inbox_operations, 0,
                                                  ATOMIC_ACQ_REL); // pairs with thread_post
        run_operations(core, thread, operations);
        if ((operations & THREAD_OP_UPDATE) != 0) {
            atomic_sub_u64(&updates_pending, 1,
                           ATOMIC_SEQ_CST); // after those that it posted itself
        }
    }
}
