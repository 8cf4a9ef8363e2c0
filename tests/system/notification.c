// SPDX-License-Identifier: MIT OR Apache-2.0
// Notifications and timers.
#include "test.h"

#define DELAY_NS  (2 * NS_PER_MS)
#define PERIOD_NS NS_PER_MS

static void signalled_bits_are_taken_once(void)
{
    const tes_notification_t n = test_notification();
    uint64_t bits = 0;
    OK(tes_notification_signal(n, 5));
    OK(tes_notification_signal(n, 2));
    OK(tes_notification_wait(n, 6, 0, &bits));
    CHECK_EQUAL(bits, 6);
    CHECK_EQUAL(test_wait(n, UINT64_MAX), 1);
    EXPECT(NOTIFICATION_WAIT, WOULD_BLOCK,
           tes_notification_wait(n, UINT64_MAX, TES_NOTIFICATION_WAIT_POLL, &bits));
    EXPECT(NOTIFICATION_WAIT, INVALID, tes_notification_wait(n, 0, 0, &bits));
    test_destroy(tes_notification_any(n));
}

struct waiter {
    tes_notification_t notification;
    uint64_t mask, bits;
};

static void waiting_worker(struct worker *self)
{
    struct waiter *waiter = self->argument;
    self->result = (uint64_t)(int64_t)tes_notification_wait(waiter->notification, waiter->mask, 0,
                                                            &waiter->bits);
}

static void a_waiter_gets_the_bits_it_waits_for(void)
{
    struct waiter waiter = { .notification = test_notification(), .mask = 4 };
    struct worker worker;
    test_worker(&worker, waiting_worker, &waiter);
    test_await(worker.thread, TES_THREAD_WAIT_NOTIFICATION);
    OK(tes_notification_signal(waiter.notification, 1)); // not its bit
    program_sleep(DELAY_NS);
    CHECK_EQUAL(thread_state(worker.thread), TES_THREAD_WAIT_NOTIFICATION);
    OK(tes_notification_signal(waiter.notification, 6));
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    CHECK_EQUAL(waiter.bits, 4);
    CHECK_EQUAL(test_wait(waiter.notification, UINT64_MAX), 3);
    test_destroy(tes_notification_any(waiter.notification));
}

static void a_second_waiter_is_refused(void)
{
    struct waiter waiter = { .notification = test_notification(), .mask = 1 };
    struct worker worker;
    uint64_t bits = 0;
    test_worker(&worker, waiting_worker, &waiter);
    test_await(worker.thread, TES_THREAD_WAIT_NOTIFICATION);
    EXPECT(NOTIFICATION_WAIT, BUSY, tes_notification_wait(waiter.notification, 1, 0, &bits));
    OK(tes_notification_signal(waiter.notification, 1));
    test_join(&worker);
    test_destroy(tes_notification_any(waiter.notification));
}

static void destroying_it_wakes_the_waiter(void)
{
    struct waiter waiter = { .notification = test_notification(), .mask = 1 };
    struct worker worker;
    test_worker(&worker, waiting_worker, &waiter);
    test_await(worker.thread, TES_THREAD_WAIT_NOTIFICATION);
    test_destroy(tes_notification_any(waiter.notification));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_DEAD);
    test_covered(TES_CALL_NOTIFICATION_WAIT, TES_ERROR_DEAD);
}

static void a_timer_signals_at_its_deadline(void)
{
    const tes_notification_t n = test_notification();
    uint64_t deadline = time_now() + DELAY_NS;
    OK(tes_timer_set(n, 1, 8, deadline, 0));
    CHECK_EQUAL(test_wait(n, UINT64_MAX), 8);
    CHECK(time_now() >= deadline);
    OK(tes_timer_set(n, 2, 1, time_now() + DELAY_NS, 0));
    OK(tes_timer_set(n, 2, 0, 0, 0)); // disarmed
    OK(tes_timer_set(n, 3, 2, time_now() + 2 * DELAY_NS, 0));
    CHECK_EQUAL(test_wait(n, UINT64_MAX), 2);
    test_destroy(tes_notification_any(n));
}

static void a_periodic_timer_goes_on(void)
{
    const tes_notification_t n = test_notification();
    uint64_t start = time_now();
    OK(tes_timer_set(n, 0, 1, start + PERIOD_NS, PERIOD_NS));
    for (uint32_t i = 1; i <= 5; i++) {
        CHECK_EQUAL(test_wait(n, 1), 1);
        CHECK(time_now() >= start + i * PERIOD_NS || i > 1); // late ones may fall together
    }
    test_destroy(tes_notification_any(n)); // disarms
}

static void wrong_timers_are_refused(void)
{
    const tes_notification_t n = test_notification();
    const uint64_t later = time_now() + NS_PER_SECOND;
    EXPECT(TIMER_SET, INVALID, tes_timer_set(n, TES_TIMER_SLOTS, 1, later, 0));
    EXPECT(TIMER_SET, INVALID, tes_timer_set(n, 0, 0, later, 0));
    EXPECT(TIMER_SET, INVALID, tes_timer_set(n, 0, 1, later, TES_TIMER_PERIOD_MIN_NS - 1));
    test_destroy(tes_notification_any(n));
}

static void wait_ends_at_the_deadline_or_when_cancelled(void)
{
    struct waiter waiter = { .notification = test_notification(), .mask = 1 };
    struct worker worker;
    uint64_t bits = 0;
    OK(tes_thread_deadline(time_now() + DELAY_NS));
    EXPECT(NOTIFICATION_WAIT, TIMED_OUT, tes_notification_wait(waiter.notification, 1, 0, &bits));
    EXPECT(NOTIFICATION_WAIT, TIMED_OUT, tes_notification_wait(waiter.notification, 1, 0, &bits));
    OK(tes_notification_signal(waiter.notification, 1));
    OK(tes_notification_wait(waiter.notification, 1, 0, &bits)); // can finish at once
    OK(tes_thread_deadline(0));
    test_worker(&worker, waiting_worker, &waiter);
    test_await(worker.thread, TES_THREAD_WAIT_NOTIFICATION);
    OK(tes_thread_cancel(worker.thread, 0));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_CANCELLED);
    test_covered(TES_CALL_NOTIFICATION_WAIT, TES_ERROR_CANCELLED);
    test_destroy(tes_notification_any(waiter.notification));
}

static const struct test_case notification_tests[] = {
    { "signalled bits are taken once", signalled_bits_are_taken_once, 0 },
    { "a waiter gets the bits it waits for", a_waiter_gets_the_bits_it_waits_for, TEST_PATHS },
    { "a second waiter is refused", a_second_waiter_is_refused, 0 },
    { "destroying a notification wakes the waiter", destroying_it_wakes_the_waiter, TEST_PATHS },
    { "a timer signals at its deadline", a_timer_signals_at_its_deadline, 0 },
    { "a periodic timer goes on", a_periodic_timer_goes_on, 0 },
    { "wrong timers are refused", wrong_timers_are_refused, 0 },
    { "a wait ends at the deadline or when cancelled", wait_ends_at_the_deadline_or_when_cancelled,
      TEST_PATHS },
};
const struct test_group notification_group = TEST_GROUP(notification);
