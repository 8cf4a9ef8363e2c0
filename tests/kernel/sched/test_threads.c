// SPDX-License-Identifier: MIT OR Apache-2.0
// Life of threads, on one core and across cores.
#include "fake.h"

static tes_status_t control(struct thread *thread, uint64_t setting, uint64_t value)
{
    const struct handle_view view = { .object = thread == NULL ? NULL : &thread->object };
    return sys_thread_control(&view, setting, value, 1);
}

static tes_status_t cancel(struct thread *thread, uint64_t flags)
{
    const struct handle_view view = { .object = &thread->object };
    return sys_thread_cancel(&view, flags);
}

static void test_settings(struct thread *running, struct thread *other)
{
    CHECK(control(NULL, 99, 0) == TES_ERROR_INVALID);
    CHECK(control(other, TES_THREAD_VECTOR_STATE, 1) == TES_ERROR_BUSY);
    CHECK(control(NULL, TES_THREAD_VECTOR_STATE, 1) == TES_OK && fake.pages_charged == 1);
    CHECK((running->slow_flags & THREAD_SLOW_VECTOR) != 0 && running->vector_state != NULL);
    CHECK(control(NULL, TES_THREAD_VECTOR_STATE, 0) == TES_OK && fake.pages_charged == 0);
    CHECK(control(NULL, TES_THREAD_MESSAGE_PAGE, 1) == TES_ERROR_BAD_ADDRESS);
    CHECK(control(NULL, TES_THREAD_MESSAGE_PAGE, PAGE_SIZE) == TES_OK && fake.pins == 1);
    CHECK(control(NULL, TES_THREAD_MESSAGE_PAGE, 2 * PAGE_SIZE) == TES_OK && fake.pins == 1);
    CHECK(control(NULL, TES_THREAD_MESSAGE_PAGE, 0) == TES_OK && fake.pins == 0);
    CHECK(control(NULL, TES_THREAD_THREAD_POINTER, UINT64_MAX) == TES_ERROR_INVALID);
    CHECK(control(NULL, TES_THREAD_CONTEXT, (uint64_t)(uintptr_t)other->own_context) ==
          TES_ERROR_BUSY);
    CHECK(control(NULL, TES_THREAD_CONTEXT, 0) == TES_ERROR_BAD_HANDLE);
}

void test_threads(void)
{
    struct notification *notification = fake_notification();
    struct thread *first = fake_simple_thread(10);
    struct thread *second = fake_simple_thread(10);
    CHECK(thread_start(first, PAGE_SIZE, PAGE_SIZE, 0, 0) == TES_ERROR_BUSY);
    CHECK(fake_leave() == first && fake_process.thread_count == 2);
    test_settings(first, second);
    CHECK(sys_yield() == TES_OK && fake_leave() == second);
    CHECK(sys_yield() == TES_OK && fake_leave() == first);
    // Stop and go on: ready, waiting, running.
    CHECK(control(second, TES_THREAD_STOP, 1) == TES_OK && fake_leave() == first);
    CHECK(second->state == TES_THREAD_STOPPED);
    CHECK(control(second, TES_THREAD_STOP, 0) == TES_OK && fake_leave() == first);
    CHECK(second->state == TES_THREAD_READY);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED && fake_leave() == second);
    CHECK(control(first, TES_THREAD_STOP, 1) == TES_OK && fake_leave() == second);
    CHECK(first->state == TES_THREAD_WAIT_NOTIFICATION &&
          (first->slow_flags & THREAD_SLOW_ATTENTION) != 0);
    notification_signal(notification, 1);
    CHECK(fake_leave() == second && first->state == TES_THREAD_STOPPED);
    CHECK(control(second, TES_THREAD_STOP, 1) == TES_OK && fake_leave() == NULL);
    CHECK(control(second, TES_THREAD_STOP, 0) == TES_OK && fake_leave() == second);
    CHECK(control(first, TES_THREAD_STOP, 0) == TES_OK && fake_leave() == second);
    // Cancel.
    CHECK(cancel(first, 0) == TES_ERROR_NOT_FOUND &&
          cancel(first, TES_THREAD_CANCEL_KICK) == TES_OK);
    CHECK(fake_leave() == second && first->kick_pending == 1);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED && fake_leave() == first);
    CHECK(cancel(second, 0) == TES_OK && fake_leave() == first);
    CHECK(second->frame.status == TES_ERROR_CANCELLED && second->state == TES_THREAD_READY);
    // Exit with a signal; the last one ends the process.
    struct notification *exited = fake_notification();
    CHECK(control(NULL, TES_THREAD_EXIT_SIGNAL, (uint64_t)(uintptr_t)exited) == TES_OK);
    CHECK(sys_thread_exit(7) == TES_ERROR_BLOCKED && fake_leave() == second);
    CHECK(exited->bits == 1 && first->state == TES_THREAD_DEAD && first->own_context == NULL);
    CHECK(fake.processes_ended == 0 && fake_process.exit_status == 7 && fake.servers_ended == 1);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED && fake_leave() == NULL);
    CHECK(fake_destroy(&second->object) == TES_OK && notification->waiter == NULL);
    CHECK(fake.processes_ended == 1 && second->state == TES_THREAD_DEAD);
    CHECK(fake_destroy(&first->object) == TES_OK && list_is_empty(&fake_process.threads));
}

static struct thread *thread_on(uint32_t core, uint32_t priority)
{
    struct thread *thread = NULL;
    struct sched_context *context = fake_context(MS, 0, priority);
    context->core_mask = 1ull << core;
    CHECK(thread_create(&fake_process, context, &thread) == TES_OK);
    CHECK(thread_start(thread, PAGE_SIZE, PAGE_SIZE, 0, 0) == TES_OK);
    return thread;
}

void test_inbox(void)
{
    struct notification *notification = fake_notification();
    struct thread *here = thread_on(0, 10);
    struct thread *there = thread_on(1, 10);
    struct thread *also = thread_on(1, 9);
    CHECK((there->slow_flags & 0xff) == 1 && fake.ipis[1] == 1); // one for both
    fake_take_ipis();
    CHECK(there->state == TES_THREAD_RUNNING && also->state == TES_THREAD_READY &&
          here == fake_current());
    fake.core = 1;
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED);
    fake.core = 0;
    notification_signal(notification, 1); // before core 1 switched
    CHECK(there->state == TES_THREAD_WAIT_NOTIFICATION && fake.ipis[1] == 1);
    fake.core = 1;
    sched_ipi();
    fake.ipis[1] = 0;
    CHECK(fake_leave() == there);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED && fake_leave() == also);
    // Woken, cancelled and killed at once: dead, and gone from everywhere.
    fake.core = 0;
    notification_signal(notification, 1);
    thread_post(there, THREAD_OP_CANCEL | THREAD_OP_KILL);
    fake_take_ipis();
    CHECK(there->state == TES_THREAD_DEAD && notification->waiter == NULL &&
          there->inbox_operations == 0);
    // Posted to where it was: sent on to where it is.
    struct thread *moving = fake_simple_thread(5);
    CHECK(moving->state == TES_THREAD_READY);
    thread_post(moving, THREAD_OP_KILL);
    fake.core = 2;
    CHECK(fake_leave() == moving && (moving->slow_flags & 0xff) == 2);
    fake.core = 0;
    CHECK(fake_leave() == here && moving->state == TES_THREAD_RUNNING);
    fake_take_ipis();
    CHECK(moving->state == TES_THREAD_DEAD);
    // Another mask: it moves, also while it runs.
    here->own_context->core_mask = 8;
    thread_post(here, THREAD_OP_UPDATE);
    CHECK(fake_leave() == NULL);
    fake_take_ipis();
    CHECK((here->slow_flags & 0xff) == 3 && here->state == TES_THREAD_RUNNING);
    // Many at once: a bounded number each time, the rest follows at once.
    struct thread *many[200];
    for (uint32_t index = 0; index < 200; index++) {
        many[index] = thread_on(1, 3);
    }
    CHECK(fake.ipis[1] == 1);
    fake.ipis[1] = 0;
    fake.core = 1;
    sched_ipi();
    CHECK(fake_leave() == also && many[199]->state == TES_THREAD_NEW &&
          fake.armed_ns[1] <= fake.now_ns);
    fake_run(MS);
    CHECK(many[199]->state == TES_THREAD_READY && many[0]->state == TES_THREAD_READY);
}

void test_pull(void)
{
    struct endpoint *endpoint = fake_endpoint();
    struct thread *running = fake_simple_thread(10);
    CHECK(fake_leave() == running);
    struct thread *low = fake_simple_thread(4);
    struct thread *high = fake_simple_thread(8);
    struct thread *bound = thread_on(0, 9);
    struct thread *client = fake_simple_thread(7);
    struct thread *server = fake_simple_thread(9);
    fake_serve(endpoint, server, client); // a server stays beside its caller
    fake.core = 1;
    CHECK(fake_leave() == high && high->state == TES_THREAD_RUNNING);
    fake.core = 2;
    client->state = TES_THREAD_READY; // as it is in the queue
    CHECK(fake_leave() == client);
    fake.core = 3;
    CHECK(fake_leave() == low);
    CHECK(bound->state == TES_THREAD_READY && (bound->slow_flags & 0xff) == 0);
    // A core that sleeps is told, but not before a thread has waited for a while.
    CHECK(fake_wait(fake_notification(), 1) == TES_ERROR_BLOCKED && fake_leave() == NULL);
    fake.core = 0;
    CHECK(fake_leave() == running);
    struct thread *late = fake_simple_thread(3);
    CHECK(fake_leave() == running);
    fake_run(MS);
    fake_take_ipis();
    CHECK((late->slow_flags & 0xff) == 3 && late->state == TES_THREAD_RUNNING);
    CHECK(fake_current() == running);
}
