// SPDX-License-Identifier: MIT OR Apache-2.0
// Contexts: what may be asked for, priorities, lending with a call, budgets.
#include "test.h"

#include <rt/atomic.h>

#define LOW       10u
#define HIGH      28u
#define MIDDLE    20u
#define BUDGET_NS (1 * NS_PER_MS)
#define PERIOD_NS (10 * NS_PER_MS)

static void wrong_contexts_are_refused(void)
{
    tes_sched_context_t context = { 0 };
    const uint64_t no_core = 1ull << 40;
    EXPECT(CONTEXT_CREATE, INVALID, tes_context_create(test.quota, 1, 0, 64, 1, &context));
    EXPECT(CONTEXT_CREATE, INVALID, tes_context_create(test.quota, 0, 0, 1, 1, &context));
    EXPECT(CONTEXT_CREATE, INVALID, tes_context_create(test.quota, 2, 1, 1, 1, &context));
    EXPECT(CONTEXT_CREATE, INVALID,
           tes_context_create(test.quota, NS_PER_MS, 0, 1, no_core, &context));
    EXPECT(CONTEXT_CREATE, INVALID,
           tes_context_create(test.quota, NS_PER_MS, 0, WORKER_PRIORITY_DEFAULT + 1, 1, &context));
    OK(tes_context_create(test.quota, NS_PER_MS, 0, 1, 1, &context));
    EXPECT(CONTEXT_CONFIGURE, INVALID, tes_context_configure(context, NS_PER_MS, 0, 64, 1));
    EXPECT(CONTEXT_CONFIGURE, INVALID, tes_context_configure(context, 0, 0, 1, 1));
    EXPECT(CONTEXT_CONFIGURE, INVALID, tes_context_configure(context, NS_PER_MS, 0, 1, no_core));
    OK(tes_context_configure(context, 2 * NS_PER_MS, PERIOD_NS, 2, 1));
    struct tes_info_context info = { 0 };
    uint64_t written = 0;
    OK(tes_object_info(tes_sched_context_any(context), TES_INFO_CONTEXT, 0, (uint64_t)&info,
                       sizeof(info), &written));
    CHECK_EQUAL(info.budget_ns, 2 * NS_PER_MS);
    CHECK_EQUAL(info.priority, 2);
    test_destroy(tes_sched_context_any(context));
}

struct spin {
    uint64_t count, stop;
};

static void spinning_main(struct worker *self)
{
    struct spin *spin = self->argument;
    while (atomic_load_u64(&spin->stop, ATOMIC_RELAXED) == 0) {
        atomic_add_u64(&spin->count, 1, ATOMIC_RELAXED);
    }
}

static void a_higher_priority_runs_first(void)
{
    struct spin low = { 0 };
    struct spin high = { 0 };
    struct worker workers[2];
    test_worker_at(&workers[0], LOW, spinning_main, &low);
    test_worker_at(&workers[1], HIGH, spinning_main, &high);
    test_await_above(&high.count, 0);
    uint64_t counted = atomic_load_u64(&low.count, ATOMIC_RELAXED);
    program_sleep(5 * NS_PER_MS);
    CHECK_EQUAL(atomic_load_u64(&low.count, ATOMIC_RELAXED), counted);
    atomic_store_u64(&high.stop, 1, ATOMIC_RELAXED);
    test_join(&workers[1]);
    test_await_above(&low.count, counted);
    atomic_store_u64(&low.stop, 1, ATOMIC_RELAXED);
    test_join(&workers[0]);
}

static void equal_priorities_share_by_quantum(void)
{
    struct spin spins[2] = { { 0 } };
    struct worker workers[2];
    for (uint32_t i = 0; i < 2; i++) {
        test_worker_at(&workers[i], LOW, spinning_main, &spins[i]);
    }
    program_sleep(10 * WORKER_QUANTUM_NS);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(atomic_load_u64(&spins[i].count, ATOMIC_RELAXED) > 0);
        atomic_store_u64(&spins[i].stop, 1, ATOMIC_RELAXED);
    }
    test_join(&workers[0]);
    test_join(&workers[1]);
}

struct called {
    tes_endpoint_t endpoint;
    struct spin spin;
    tes_notification_t started;
};

static void slow_server(struct worker *self)
{
    struct called *called = self->argument;
    struct tes_message message = { 0 };
    if (message_receive(called->endpoint, &message) == TES_OK &&
        tes_notification_signal(called->started, 1) == TES_OK) {
        while (atomic_load_u64(&called->spin.stop, ATOMIC_RELAXED) == 0) {
            atomic_add_u64(&called->spin.count, 1, ATOMIC_RELAXED);
        }
    }
    (void)!message_reply((tes_reply_t){ 0 }, &message); // the caller may be gone
}

static void calling_main(struct worker *self)
{
    struct called *called = self->argument;
    struct tes_message message = { 0 };
    self->result = (uint64_t)(int64_t)message_call(called->endpoint, &message);
}

// A middle thread would keep a low server from running, had it not its caller's priority.
static void a_server_runs_at_its_callers_priority(void)
{
    struct called called = { .endpoint = test_endpoint(), .started = test_notification() };
    struct spin middle = { 0 };
    struct worker server;
    struct worker caller;
    struct worker spinner;
    test_worker_at(&server, LOW, slow_server, &called);
    test_await(server.thread, TES_THREAD_WAIT_RECEIVE);
    test_worker_at(&spinner, MIDDLE, spinning_main, &middle);
    test_worker_at(&caller, HIGH, calling_main, &called);
    CHECK_EQUAL(test_wait(called.started, 1), 1);
    test_await_above(&called.spin.count, 0);
    atomic_store_u64(&called.spin.stop, 1, ATOMIC_RELAXED);
    test_join(&caller);
    CHECK_EQUAL(caller.result, TES_OK);
    atomic_store_u64(&middle.stop, 1, ATOMIC_RELAXED);
    test_join(&spinner);
    test_join(&server);
    test_destroy(tes_endpoint_any(called.endpoint));
    test_destroy(tes_notification_any(called.started));
}

// While a low server handles a low caller's call, a high caller queues: the server inherits from
// it.
static void a_queued_caller_lends_its_priority(void)
{
    struct called called = { .endpoint = test_endpoint(), .started = test_notification() };
    struct spin middle = { 0 };
    struct worker server;
    struct worker callers[2];
    struct worker spinner;
    test_worker_at(&server, LOW, slow_server, &called);
    test_worker_at(&callers[0], LOW, calling_main, &called);
    CHECK_EQUAL(test_wait(called.started, 1), 1);
    test_worker_at(&spinner, MIDDLE, spinning_main, &middle);
    program_sleep(2 * NS_PER_MS);
    uint64_t counted = atomic_load_u64(&called.spin.count, ATOMIC_RELAXED);
    test_worker_at(&callers[1], HIGH, calling_main, &called);
    test_await_above(&called.spin.count, counted);
    atomic_store_u64(&called.spin.stop, 1, ATOMIC_RELAXED);
    atomic_store_u64(&middle.stop, 1, ATOMIC_RELAXED);
    test_join(&callers[0]);
    CHECK_EQUAL(callers[0].result, TES_OK);
    test_join(&server);
    test_join(&spinner);
    OK(worker_destroy(&callers[1]));
    test_destroy(tes_endpoint_any(called.endpoint));
    test_destroy(tes_notification_any(called.started));
}

static void a_budget_bounds_what_a_thread_uses(void)
{
    struct spin spin = { 0 };
    struct worker worker;
    const struct worker_options options = {
        .priority = HIGH,
        .core_mask = test.peer_core_mask,
        .budget_ns = BUDGET_NS,
        .period_ns = PERIOD_NS,
        .quota = test.quota,
    };
    struct tes_info_thread info = { 0 };
    uint64_t written = 0;
    OK(worker_start(&worker, &options, spinning_main, &spin));
    program_sleep(10 * PERIOD_NS);
    OK(tes_object_info(tes_thread_any(worker.thread), TES_INFO_THREAD, 0, (uint64_t)&info,
                       sizeof(info), &written));
    // 10 % of the time, with room for how late a timer may come on a busy host.
    CHECK(info.runtime_ns > 2 * BUDGET_NS);
    CHECK(info.runtime_ns < 10 * PERIOD_NS / 2);
    atomic_store_u64(&spin.stop, 1, ATOMIC_RELAXED);
    test_join(&worker);
}

static void a_call_must_bring_the_budget_that_is_asked(void)
{
    struct called called = { .endpoint = test_endpoint(), .started = test_notification() };
    struct worker worker;
    const struct worker_options options = {
        .budget_ns = BUDGET_NS,
        .period_ns = PERIOD_NS,
        .core_mask = test.peer_core_mask,
        .quota = test.quota,
    };
    OK(tes_endpoint_control(called.endpoint, TES_ENDPOINT_CONTROL_MIN_BUDGET, 2 * BUDGET_NS, 0));
    OK(worker_start(&worker, &options, calling_main, &called));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_LOW_BUDGET);
    test_covered(TES_CALL_IPC_CALL, TES_ERROR_LOW_BUDGET);
    test_destroy(tes_endpoint_any(called.endpoint));
    test_destroy(tes_notification_any(called.started));
}

static const struct test_case sched_tests[] = {
    { "wrong contexts are refused", wrong_contexts_are_refused, 0 },
    { "a higher priority runs first", a_higher_priority_runs_first, TEST_PATHS },
    { "equal priorities share by quantum", equal_priorities_share_by_quantum, TEST_PATHS },
    { "a server runs at its caller's priority", a_server_runs_at_its_callers_priority, TEST_PATHS },
    { "a queued caller lends its priority", a_queued_caller_lends_its_priority, TEST_PATHS },
    { "a budget bounds what a thread uses", a_budget_bounds_what_a_thread_uses, TEST_PATHS },
    { "a call must bring the budget that is asked", a_call_must_bring_the_budget_that_is_asked,
      TEST_PATHS },
};
const struct test_group sched_group = TEST_GROUP(sched);
