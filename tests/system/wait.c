// SPDX-License-Identifier: MIT OR Apache-2.0
// Ends of waits: deadlines and cancellation in every state of a call, bound notifications, chains
// of calls.
#include "test.h"

#define SHORT_NS  (2 * NS_PER_MS)
#define CHAIN_MAX 20u

struct caller {
    tes_endpoint_t endpoint;
    struct tes_message message;
    uint64_t deadline_ns; // from its start
    tes_status_t (*run)(tes_endpoint_t endpoint, struct tes_message *message);
};

static void calling_main(struct worker *self)
{
    struct caller *caller = self->argument;
    if (caller->deadline_ns != 0) {
        (void)!tes_thread_deadline(time_now() + caller->deadline_ns); // cannot fail
    }
    self->result = (uint64_t)(int64_t)caller->run(caller->endpoint, &caller->message);
}

static void expect_result(struct worker *worker, uint32_t call, tes_status_t status)
{
    test_join(worker);
    CHECK_EQUAL((tes_status_t)worker->result, status);
    test_covered(call, status);
}

static void a_queued_call_ends_at_its_deadline(void)
{
    struct caller caller = { .endpoint = test_endpoint(), .deadline_ns = SHORT_NS };
    struct worker worker;
    caller.run = message_call;
    test_worker(&worker, calling_main, &caller);
    expect_result(&worker, TES_CALL_IPC_CALL, TES_ERROR_TIMED_OUT);
    caller.run = message_send;
    test_worker(&worker, calling_main, &caller);
    expect_result(&worker, TES_CALL_IPC_SEND, TES_ERROR_TIMED_OUT);
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void a_receiver_ends_at_its_deadline(void)
{
    struct caller caller = { .endpoint = test_endpoint(), .deadline_ns = SHORT_NS };
    struct worker worker;
    caller.run = message_receive;
    test_worker(&worker, calling_main, &caller);
    expect_result(&worker, TES_CALL_IPC_RECV, TES_ERROR_TIMED_OUT);
    caller.run = message_reply_receive;
    test_worker(&worker, calling_main, &caller);
    expect_result(&worker, TES_CALL_IPC_REPLY_RECV, TES_ERROR_TIMED_OUT);
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void a_received_call_that_ends_early_is_unknown(void)
{
    struct caller caller = { .endpoint = test_endpoint(),
                             .deadline_ns = SHORT_NS,
                             .run = message_call };
    struct worker worker;
    struct tes_message message = { 0 };
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(caller.endpoint, &message));
    expect_result(&worker, TES_CALL_IPC_CALL, TES_ERROR_CANCELLED_UNKNOWN);
    EXPECT(IPC_REPLY, NOT_CALLED, message_reply((tes_reply_t){ 0 }, &message));
    caller.deadline_ns = 0;
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(caller.endpoint, &message));
    OK(tes_thread_cancel(worker.thread, 0));
    expect_result(&worker, TES_CALL_IPC_CALL, TES_ERROR_CANCELLED_UNKNOWN);
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void a_kept_call_that_ends_early_kills_its_reply(void)
{
    struct caller caller = { .endpoint = test_endpoint(), .run = message_call };
    struct worker worker;
    struct tes_message message = { 0 };
    tes_reply_t reply = { 0 };
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(caller.endpoint, &message));
    OK(tes_reply_keep(&reply));
    OK(tes_thread_cancel(worker.thread, 0));
    expect_result(&worker, TES_CALL_IPC_CALL, TES_ERROR_CANCELLED_UNKNOWN);
    EXPECT(IPC_REPLY, NOT_CALLED, message_reply(reply, &message));
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void waits_are_cancelled(void)
{
    struct caller caller = { .endpoint = test_endpoint() };
    struct worker worker;
    static const struct {
        tes_status_t (*run)(tes_endpoint_t endpoint, struct tes_message *message);
        uint32_t call, state;
    } waits[] = {
        { message_call, TES_CALL_IPC_CALL, TES_THREAD_WAIT_SEND },
        { message_send, TES_CALL_IPC_SEND, TES_THREAD_WAIT_SEND },
        { message_receive, TES_CALL_IPC_RECV, TES_THREAD_WAIT_RECEIVE },
        { message_reply_receive, TES_CALL_IPC_REPLY_RECV, TES_THREAD_WAIT_RECEIVE },
    };
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        caller.run = waits[i].run;
        test_worker(&worker, calling_main, &caller);
        test_await(worker.thread, waits[i].state);
        OK(tes_thread_cancel(worker.thread, 0));
        expect_result(&worker, waits[i].call, TES_ERROR_CANCELLED);
    }
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void a_waiting_thread_can_be_killed_in_every_state(void)
{
    struct caller caller = { .endpoint = test_endpoint() };
    struct worker worker;
    struct tes_message message = { 0 };
    caller.run = message_receive;
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_RECEIVE);
    OK(worker_destroy(&worker));
    caller.run = message_call;
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    OK(worker_destroy(&worker));
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(caller.endpoint, &message));
    OK(worker_destroy(&worker));
    EXPECT(IPC_REPLY, NOT_CALLED, message_reply((tes_reply_t){ 0 }, &message));
    test_destroy(tes_endpoint_any(caller.endpoint));
}

// --- bound notifications ---

static void bits_of_a_bound_notification_are_received(void)
{
    const tes_notification_t n = test_notification();
    const tes_endpoint_t endpoint = test_endpoint();
    struct tes_message message = { 0 };
    uint64_t bits = 0;
    OK(tes_endpoint_control(endpoint, TES_ENDPOINT_CONTROL_BIND, n.value, 0));
    OK(tes_notification_signal(n, 6));
    OK(message_receive(endpoint, &message));
    CHECK_EQUAL(kind_of(message.label), TES_MESSAGE_NOTIFICATION);
    CHECK_EQUAL(message.words[0], 6);
    EXPECT(NOTIFICATION_WAIT, BUSY, tes_notification_wait(n, 1, 0, &bits));
    OK(tes_timer_set(n, 0, 1, time_now() + SHORT_NS, 0));
    OK(message_receive(endpoint, &message)); // waits for it
    CHECK_EQUAL(message.words[0], 1);
    OK(tes_endpoint_control(endpoint, TES_ENDPOINT_CONTROL_BIND, 0, 0));
    OK(tes_notification_signal(n, 8));
    CHECK_EQUAL(test_wait(n, UINT64_MAX), 8);
    test_destroy(tes_endpoint_any(endpoint));
    test_destroy(tes_notification_any(n));
}

static void a_notification_is_bound_to_one_endpoint(void)
{
    const tes_notification_t n = test_notification();
    const tes_endpoint_t a = test_endpoint();
    const tes_endpoint_t b = test_endpoint();
    tes_handle_t weak = test_derive(tes_notification_any(n), TES_RIGHT_NOTIFICATION_SIGNAL);
    OK(tes_endpoint_control(a, TES_ENDPOINT_CONTROL_BIND, n.value, 0));
    EXPECT(ENDPOINT_CONTROL, BUSY, tes_endpoint_control(b, TES_ENDPOINT_CONTROL_BIND, n.value, 0));
    EXPECT(ENDPOINT_CONTROL, BAD_HANDLE,
           tes_endpoint_control(b, TES_ENDPOINT_CONTROL_BIND, weak.value, 0));
    EXPECT(ENDPOINT_CONTROL, BAD_HANDLE,
           tes_endpoint_control(b, TES_ENDPOINT_CONTROL_BIND, a.value, 0));
    test_destroy(tes_endpoint_any(a)); // unbinds
    OK(tes_endpoint_control(b, TES_ENDPOINT_CONTROL_BIND, n.value, 0));
    test_destroy(tes_notification_any(n));
    test_destroy(tes_endpoint_any(b));
    OK(tes_handle_close(weak.value));
}

static void bits_come_before_callers_that_wait(void)
{
    const tes_notification_t n = test_notification();
    struct caller caller = { .endpoint = test_endpoint(), .run = message_call };
    struct worker worker;
    struct tes_message message = { 0 };
    OK(tes_endpoint_control(caller.endpoint, TES_ENDPOINT_CONTROL_BIND, n.value, 0));
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    OK(tes_notification_signal(n, 1));
    OK(message_receive(caller.endpoint, &message));
    CHECK_EQUAL(kind_of(message.label), TES_MESSAGE_NOTIFICATION);
    OK(message_receive(caller.endpoint, &message));
    OK(message_reply((tes_reply_t){ 0 }, &message));
    expect_result(&worker, TES_CALL_IPC_CALL, TES_OK);
    test_destroy(tes_endpoint_any(caller.endpoint));
    test_destroy(tes_notification_any(n));
}

// --- chains of calls ---

struct link {
    tes_endpoint_t own, next;
};

// Receives one call, makes one of its own, answers with what that said.
static void forwarding_main(struct worker *self)
{
    const struct link *link = self->argument;
    struct tes_message message = { 0 };
    if (message_receive(link->own, &message) != TES_OK) {
        return;
    }
    tes_status_t status = TES_OK;
    if (link->next.value != 0) {
        struct tes_message call = { 0 };
        status = message_call(link->next, &call);
        status = status == TES_OK ? (tes_status_t)(int32_t)call.words[0] : status;
    }
    message = (struct tes_message){ .words = { (uint64_t)(uint32_t)status } };
    (void)!message_reply((tes_reply_t){ 0 }, &message); // the caller may be gone
}

static tes_status_t chain_call(uint32_t length)
{
    static struct link links[CHAIN_MAX];
    static struct worker workers[CHAIN_MAX];
    struct tes_message message = { 0 };
    for (uint32_t i = 0; i < length; i++) {
        links[i].own = test_endpoint();
        links[i].next.value = 0;
        if (i != 0) {
            links[i - 1].next = links[i].own;
        }
    }
    for (uint32_t i = 0; i < length; i++) {
        test_worker(&workers[i], forwarding_main, &links[i]);
        test_await(workers[i].thread, TES_THREAD_WAIT_RECEIVE);
    }
    tes_status_t status = message_call(links[0].own, &message);
    for (uint32_t i = 0; i < length; i++) {
        OK(worker_destroy(&workers[i]));
        test_destroy(tes_endpoint_any(links[i].own));
    }
    return status == TES_OK ? (tes_status_t)(int32_t)message.words[0] : status;
}

static void chains_of_calls_end_at_sixteen(void)
{
    CHECK_EQUAL(chain_call(10), TES_OK);
    EXPECT(IPC_CALL, TOO_DEEP, chain_call(CHAIN_MAX));
}

static void a_caller_is_freed_when_the_middle_dies(void)
{
    const struct link link = { .own = test_endpoint(), .next = test_endpoint() };
    struct caller caller = { .endpoint = link.own, .run = message_call };
    struct worker middle;
    struct worker first;
    struct tes_message message = { 0 };
    test_worker(&middle, forwarding_main, (void *)(uintptr_t)&link);
    test_worker(&first, calling_main, &caller);
    OK(message_receive(link.next, &message)); // A called B, B calls us
    OK(worker_destroy(&middle));
    expect_result(&first, TES_CALL_IPC_CALL, TES_ERROR_PEER_DIED);
    EXPECT(IPC_REPLY, NOT_CALLED, message_reply((tes_reply_t){ 0 }, &message));
    test_destroy(tes_endpoint_any(link.own));
    test_destroy(tes_endpoint_any(link.next));
}

static const struct test_case wait_tests[] = {
    { "a queued call ends at its deadline", a_queued_call_ends_at_its_deadline, TEST_PATHS },
    { "a receiver ends at its deadline", a_receiver_ends_at_its_deadline, TEST_PATHS },
    { "a received call that ends early is unknown", a_received_call_that_ends_early_is_unknown,
      TEST_PATHS },
    { "a kept call that ends early kills its Reply", a_kept_call_that_ends_early_kills_its_reply,
      TEST_PATHS },
    { "waits are cancelled", waits_are_cancelled, TEST_PATHS },
    { "a waiting thread can be killed in every state",
      a_waiting_thread_can_be_killed_in_every_state, TEST_PATHS },
    { "bits of a bound notification are received", bits_of_a_bound_notification_are_received,
      TEST_PATHS },
    { "a notification is bound to one endpoint", a_notification_is_bound_to_one_endpoint, 0 },
    { "bits come before callers that wait", bits_come_before_callers_that_wait, TEST_PATHS },
    { "chains of calls end at sixteen", chains_of_calls_end_at_sixteen, TEST_PATHS },
    { "a caller is freed when the middle of a chain dies", a_caller_is_freed_when_the_middle_dies,
      TEST_PATHS },
};
const struct test_group wait_group = TEST_GROUP(wait);
