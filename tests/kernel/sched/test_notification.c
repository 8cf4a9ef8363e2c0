// SPDX-License-Identifier: MIT OR Apache-2.0
// Notifications, their timers, and deadlines.
#include "fake.h"

static tes_status_t poll(struct notification *notification, uint64_t mask, uint64_t *out_bits)
{
    const struct handle_view view = { .object = &notification->object };
    return sys_notification_wait(&view, mask, TES_NOTIFICATION_WAIT_POLL, out_bits);
}

static tes_status_t set(struct notification *notification, uint64_t slot, uint64_t deadline_ns,
                        uint64_t period_ns)
{
    const struct handle_view view = { .object = &notification->object };
    return sys_timer_set(&view, slot, 1ull << slot, deadline_ns, period_ns);
}

void test_notification(void)
{
    struct notification *notification = fake_notification();
    struct thread *waiter = fake_simple_thread(10);
    struct thread *other = fake_simple_thread(9);
    uint64_t bits = 0;
    CHECK(fake_leave() == waiter);
    CHECK(fake_wait(notification, 0) == TES_ERROR_INVALID);
    CHECK(poll(notification, 1, &bits) == TES_ERROR_WOULD_BLOCK);
    notification_signal(notification, 6);
    CHECK(poll(notification, 2, &bits) == TES_OK && bits == 2);
    CHECK(fake_wait(notification, 12) == TES_OK && notification->bits == 0);
    CHECK(fake_wait(notification, 12) == TES_ERROR_BLOCKED);
    CHECK(fake_leave() == other);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BUSY);
    notification_signal(notification, 3); // none of the mask: they stay
    CHECK(fake_leave() == other && notification->bits == 3);
    notification_signal(notification, 4);
    CHECK(fake_leave() == waiter && waiter->frame.status == TES_OK &&
          waiter->frame.results[0] == 4);
    CHECK(notification->waiter == NULL && notification->bits == 3);
    // Woken before it is switched from: nothing is switched.
    CHECK(fake_wait(notification, 8) == TES_ERROR_BLOCKED);
    notification_signal(notification, 8);
    CHECK(fake_leave() == waiter);
    // Cancelled, destroyed.
    CHECK(fake_wait(notification, 8) == TES_ERROR_BLOCKED);
    CHECK(fake_leave() == other);
    CHECK(notification_cancel(waiter, TES_ERROR_CANCELLED));
    CHECK(!notification_cancel(waiter, TES_ERROR_CANCELLED));
    CHECK(fake_leave() == waiter && waiter->frame.status == TES_ERROR_CANCELLED);
    CHECK(fake_wait(notification, 8) == TES_ERROR_BLOCKED);
    CHECK(fake_leave() == other);
    CHECK(fake_destroy(&notification->object) == TES_OK);
    CHECK(waiter->frame.status == TES_ERROR_DEAD && waiter->state == TES_THREAD_RUNNING);
    CHECK(fake_wait(notification, 8) == TES_ERROR_DEAD);
    // Bound: the endpoint's receivers get all.
    struct endpoint *endpoint = fake_endpoint();
    struct notification *bound = fake_notification();
    bound->bound = endpoint;
    endpoint->bound = bound;
    notification_signal(bound, 5);
    CHECK(fake.endpoint_bits == 5 && bound->bits == 0);
    CHECK(fake_wait(bound, 1) == TES_ERROR_BUSY);
    CHECK(fake_destroy(&bound->object) == TES_OK && endpoint->bound == NULL);
}

void test_notification_timers(void)
{
    struct notification *notification = fake_notification();
    uint64_t start = fake.now_ns;
    CHECK(set(notification, TES_TIMER_SLOTS, start, 0) == TES_ERROR_INVALID);
    CHECK(set(notification, 0, start, TES_TIMER_PERIOD_MIN_NS - 1) == TES_ERROR_INVALID);
    CHECK(set(notification, 0, start + 2 * MS, 0) == TES_OK);
    CHECK(set(notification, 1, start + MS, 10 * MS) == TES_OK);
    CHECK(set(notification, 2, start + MS, 0) == TES_OK);
    CHECK(set(notification, 2, 0, 0) == TES_OK);
    CHECK(set(notification, 3, 1, 0) == TES_OK); // past: at once
    fake_run(MS / 2);
    CHECK(notification_take(notification, UINT64_MAX) == 8);
    fake_run(3 * MS);
    CHECK(notification_take(notification, UINT64_MAX) == 3);
    fake_run(8 * MS);
    CHECK(notification_take(notification, UINT64_MAX) == 2);
    fake.now_ns += 35 * MS; // late: three periods are one signal, the beat stays
    fake_run(1);
    CHECK(notification_take(notification, UINT64_MAX) == 2);
    CHECK(notification->timers[1].timer.deadline_ns == start + 51 * MS);
    struct thread *waiter = fake_simple_thread(10);
    CHECK(fake_leave() == waiter && fake_wait(notification, 2) == TES_ERROR_BLOCKED);
    fake_run(20 * MS);
    CHECK(fake_current() == waiter && waiter->frame.results[0] == 2);
    CHECK(fake_destroy(&notification->object) == TES_OK &&
          notification->timers[1].timer.is_armed == 0);
}

void test_deadline(void)
{
    struct notification *notification = fake_notification();
    struct endpoint *endpoint = fake_endpoint();
    struct thread *waiter = fake_simple_thread(10);
    CHECK(fake_leave() == waiter);
    CHECK(sys_thread_deadline(fake.now_ns + 5 * MS) == TES_OK);
    CHECK((waiter->slow_flags & THREAD_SLOW_DEADLINE) != 0 && waiter->wait_timer.is_armed == 0);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED);
    CHECK(fake_leave() == NULL && waiter->wait_timer.is_armed != 0);
    notification_signal(notification, 1); // in time
    CHECK(fake_leave() == waiter && waiter->frame.status == TES_OK &&
          waiter->wait_timer.is_armed == 0);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED);
    fake_run(10 * MS); // too late
    CHECK(fake_current() == waiter && waiter->frame.status == TES_ERROR_TIMED_OUT &&
          notification->waiter == NULL);
    CHECK(fake_wait(notification, 1) == TES_ERROR_BLOCKED); // the deadline stays: it has passed
    CHECK(fake_leave() == waiter && waiter->frame.status == TES_ERROR_TIMED_OUT);
    notification_signal(notification, 1);
    CHECK(fake_wait(notification, 1) == TES_OK);
    // A call is cancelled by the message paths.
    waiter->state = TES_THREAD_WAIT_SEND;
    waiter->wait_object = &endpoint->object;
    sched_block_current();
    CHECK(fake_leave() == waiter && fake.cancelled == 1 &&
          waiter->frame.status == TES_ERROR_TIMED_OUT);
    CHECK(sys_thread_deadline(0) == TES_OK && (waiter->slow_flags & THREAD_SLOW_DEADLINE) == 0);
}
