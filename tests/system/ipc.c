// SPDX-License-Identifier: MIT OR Apache-2.0
// Messages of words: call, reply_recv, send, deferred replies, ends of endpoints and servers. Every
// test runs with the fast path on, off, and with the server on another core; what it sees must be
// the same.
#include "test.h"

#define METHOD_STOP  1u
#define METHOD_ECHO  2u
#define METHOD_DIE   3u // ends the server without an answer
#define METHOD_LEAVE 4u // receives again without an answer
#define CALLS        50u
#define LONG_NS      (2 * NS_PER_MS)

// Adds 1 to each word and to the method.
static void echo(struct tes_message *message)
{
    message->label += label_of(1);
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        message->words[i]++;
    }
}

static void serve(tes_endpoint_t endpoint)
{
    struct tes_message message = { 0 };
    tes_status_t status = message_receive(endpoint, &message);
    while (status == TES_OK && method_of(message.label) != METHOD_DIE) {
        if (method_of(message.label) == METHOD_STOP) {
            (void)!message_reply((tes_reply_t){ 0 }, &message); // a stop by send has no answer
            return;
        }
        if (method_of(message.label) == METHOD_LEAVE ||
            kind_of(message.label) != TES_MESSAGE_CALL) {
            status = message_receive(endpoint, &message);
            continue;
        }
        echo(&message);
        status = message_reply_receive(endpoint, &message);
    }
}

static void server_worker(struct worker *self)
{
    serve((tes_endpoint_t){ (uint64_t)self->argument });
}

static void server_child(struct child_block *block)
{
    serve((tes_endpoint_t){ block->handles[1] });
}

static void stop_server(tes_endpoint_t endpoint)
{
    struct tes_message stop = { .label = label_of(METHOD_STOP) };
    OK(message_call(endpoint, &stop));
}

static void call_and_check(tes_endpoint_t endpoint, uint64_t seed)
{
    struct tes_message message = { .label = label_of(METHOD_ECHO) };
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        message.words[i] = seed * (i + 1);
    }
    OK(message_call(endpoint, &message));
    CHECK_EQUAL(message.label, label_of(METHOD_ECHO + 1));
    CHECK_EQUAL(message.badge, 0);
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        CHECK_EQUAL(message.words[i], seed * (i + 1) + 1);
    }
}

static void all_words_and_the_label_travel_both_ways(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    struct worker server;
    test_worker(&server, server_worker, (void *)endpoint.value);
    for (uint64_t i = 1; i <= CALLS; i++) {
        call_and_check(endpoint, i * 0x123456789abcdull);
    }
    stop_server(endpoint);
    test_join(&server);
    test_destroy(tes_endpoint_any(endpoint));
}

static void they_travel_between_address_spaces(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    struct child child;
    const struct child_options options = { .quota = test.quota, .core_mask = test.peer_core_mask };
    OK(child_create(&child, &options));
    OK(child_give(&child, 1, endpoint.value));
    OK(child_run(&child, server_child));
    for (uint64_t i = 1; i <= CALLS; i++) {
        call_and_check(endpoint, i);
    }
    stop_server(endpoint);
    OK(child_wait(&child));
    OK(child_destroy(&child));
    test_destroy(tes_endpoint_any(endpoint));
}

struct caller {
    tes_endpoint_t endpoint;
    struct tes_message message;
    uint64_t accept;
};

static void calling_main(struct worker *self)
{
    struct caller *caller = self->argument;
    self->page->accept = (uint32_t)caller->accept;
    self->result = (uint64_t)(int64_t)message_call(caller->endpoint, &caller->message);
}

static void sending_main(struct worker *self)
{
    struct caller *caller = self->argument;
    self->result = (uint64_t)(int64_t)message_send(caller->endpoint, &caller->message);
}

static void the_receiver_sees_words_label_and_badge(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    tes_session_t session = { 0 };
    tes_handle_t minted = { 0 };
    struct worker worker;
    struct tes_message message = { 0 };
    OK(tes_session_create(tes_endpoint_any(endpoint), test.quota, 4711, 0, &session));
    OK(tes_handle_derive(tes_endpoint_any(endpoint), ALL_RIGHTS, session, &minted));
    struct caller caller = {
        .endpoint = { minted.value },
        .message = { .label = label_of(9), .words = { 1, 2, 3, 4, 5, 6, 7, 8 } },
    };
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(endpoint, &message));
    CHECK_EQUAL(message.badge, 4711);
    CHECK_EQUAL(message.label, label_of(9));
    CHECK_EQUAL(message.words[7], 8);
    message.words[0] = 99;
    OK(message_reply((tes_reply_t){ 0 }, &message));
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    CHECK_EQUAL(caller.message.words[0], 99);
    OK(tes_handle_close(minted.value));
    OK(message_receive(endpoint, &message)); // its last handle is gone
    CHECK_EQUAL(kind_of(message.label), TES_MESSAGE_CLOSED);
    CHECK_EQUAL(message.badge, 4711);
    test_destroy(tes_session_any(session));
    test_destroy(tes_endpoint_any(endpoint));
}

static void a_sent_message_needs_no_answer(void)
{
    struct caller caller = { .endpoint = test_endpoint(), .message = { .words = { 5 } } };
    struct worker worker;
    struct tes_message message = { 0 };
    test_worker(&worker, sending_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    OK(message_receive(caller.endpoint, &message));
    CHECK_EQUAL(kind_of(message.label), TES_MESSAGE_SEND);
    CHECK_EQUAL(message.words[0], 5);
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    message.label = 0;
    EXPECT(IPC_REPLY, NOT_CALLED, message_reply((tes_reply_t){ 0 }, &message));
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void wrong_labels_are_refused(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    const uint64_t wrong[] = {
        5,        5 << TES_LABEL_LEASES_SHIFT, 1 << 16,
        1u << 31, 1 << TES_LABEL_KIND_SHIFT,   TES_LABEL_MOVE | TES_LABEL_LEND,
        1 << 8
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct tes_message message = { .label = wrong[i] };
        EXPECT(IPC_CALL, INVALID, message_call(endpoint, &message));
        message.label = wrong[i];
        EXPECT(IPC_SEND, INVALID, message_send(endpoint, &message));
        message.label = wrong[i];
        EXPECT(IPC_REPLY_RECV, INVALID, message_reply_receive(endpoint, &message));
        message.label = wrong[i];
        EXPECT(IPC_REPLY, INVALID, message_reply((tes_reply_t){ 0 }, &message));
    }
    struct tes_message lending = { .label = 1 << TES_LABEL_LEASES_SHIFT };
    EXPECT(IPC_SEND, INVALID, message_send(endpoint, &lending));
    test_destroy(tes_endpoint_any(endpoint));
}

static void a_server_that_dies_fails_the_call_and_holds_the_endpoint(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    struct worker server;
    struct tes_message message = { .label = label_of(METHOD_DIE) };
    struct tes_info_endpoint info = { 0 };
    uint64_t written = 0;
    test_worker(&server, server_worker, (void *)endpoint.value);
    EXPECT(IPC_CALL, PEER_DIED, message_call(endpoint, &message));
    test_join(&server);
    OK(tes_object_info(tes_endpoint_any(endpoint), TES_INFO_ENDPOINT, 0, (uint64_t)&info,
                       sizeof(info), &written));
    CHECK_EQUAL(info.state, 2);                                  // on hold
    test_worker(&server, server_worker, (void *)endpoint.value); // the next instance
    call_and_check(endpoint, 3);
    stop_server(endpoint);
    test_join(&server);
    test_destroy(tes_endpoint_any(endpoint));
}

static void receiving_again_without_an_answer_fails_the_call(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    struct worker server;
    struct tes_message message = { .label = label_of(METHOD_LEAVE) };
    test_worker(&server, server_worker, (void *)endpoint.value);
    EXPECT(IPC_CALL, PEER_DIED, message_call(endpoint, &message));
    call_and_check(endpoint, 3);
    stop_server(endpoint);
    test_join(&server);
    test_destroy(tes_endpoint_any(endpoint));
}

static void an_endpoint_that_is_down_fails_calls_at_once(void)
{
    struct caller caller = { .endpoint = test_endpoint() };
    struct worker worker;
    struct tes_message message = { 0 };
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    OK(tes_endpoint_control(caller.endpoint, TES_ENDPOINT_CONTROL_STATE, 0, 0));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_PEER_DIED);
    EXPECT(IPC_CALL, PEER_DIED, message_call(caller.endpoint, &message));
    EXPECT(IPC_SEND, PEER_DIED, message_send(caller.endpoint, &message));
    EXPECT(ENDPOINT_CONTROL, INVALID,
           tes_endpoint_control(caller.endpoint, TES_ENDPOINT_CONTROL_STATE, 3, 0));
    EXPECT(ENDPOINT_CONTROL, INVALID, tes_endpoint_control(caller.endpoint, 0, 0, 0));
    EXPECT(ENDPOINT_CONTROL, INVALID,
           tes_endpoint_control(caller.endpoint, TES_ENDPOINT_CONTROL_FAST, 2, 0));
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void callers_queue_while_on_hold_until_its_deadline(void)
{
    struct caller caller = { .endpoint = test_endpoint() };
    struct worker worker;
    struct worker server;
    OK(tes_endpoint_control(caller.endpoint, TES_ENDPOINT_CONTROL_STATE, 2, 0));
    caller.message.label = label_of(METHOD_ECHO);
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    test_worker(&server, server_worker, (void *)caller.endpoint.value); // a receive ends the hold
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    stop_server(caller.endpoint);
    test_join(&server);
    OK(tes_endpoint_control(caller.endpoint, TES_ENDPOINT_CONTROL_STATE, 2, time_now() + LONG_NS));
    test_worker(&worker, calling_main, &caller);
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_PEER_DIED);
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void a_kept_reply_is_answered_later(void)
{
    struct caller callers[2] = { { .endpoint = test_endpoint() } };
    struct worker workers[2];
    tes_reply_t replies[2] = { { 0 } };
    struct tes_message message = { 0 };
    callers[1].endpoint = callers[0].endpoint;
    for (uint32_t i = 0; i < 2; i++) {
        callers[i].message.words[0] = i;
        test_worker(&workers[i], calling_main, &callers[i]);
        OK(message_receive(callers[0].endpoint, &message));
        CHECK_EQUAL(message.words[0], i);
        OK(tes_reply_keep(&replies[i]));
    }
    EXPECT(REPLY_KEEP, NOT_CALLED, tes_reply_keep(&replies[0]));
    for (uint32_t i = 2; i-- > 0;) { // the other way round
        message = (struct tes_message){ .words = { 10 + i } };
        OK(message_reply(replies[i], &message));
        CHECK_EQUAL(message_reply(replies[i], &message), TES_ERROR_BAD_HANDLE);
    }
    for (uint32_t i = 0; i < 2; i++) {
        test_join(&workers[i]);
        CHECK_EQUAL(workers[i].result, TES_OK);
        CHECK_EQUAL(callers[i].message.words[0], 10 + i);
    }
    test_destroy(tes_endpoint_any(callers[0].endpoint));
}

static void a_kept_reply_that_is_destroyed_fails_its_call(void)
{
    struct caller caller = { .endpoint = test_endpoint() };
    struct worker worker;
    struct tes_message message = { 0 };
    tes_reply_t reply = { 0 };
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(caller.endpoint, &message));
    OK(tes_reply_keep(&reply));
    test_destroy(tes_reply_any(reply));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_PEER_DIED);
    test_destroy(tes_endpoint_any(caller.endpoint));
}

static void destroying_the_endpoint_ends_every_wait(void)
{
    struct caller caller = { .endpoint = test_endpoint() };
    struct worker worker;
    struct worker server;
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    test_destroy(tes_endpoint_any(caller.endpoint));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_PEER_DIED);
    const tes_endpoint_t other = test_endpoint();
    test_worker(&server, server_worker, (void *)other.value);
    test_await(server.thread, TES_THREAD_WAIT_RECEIVE);
    test_destroy(tes_endpoint_any(other));
    test_join(&server);
}

static const struct test_case ipc_tests[] = {
    { "all words and the label travel both ways", all_words_and_the_label_travel_both_ways,
      TEST_PATHS },
    { "words travel between address spaces", they_travel_between_address_spaces, TEST_PATHS },
    { "the receiver sees words, label and badge", the_receiver_sees_words_label_and_badge,
      TEST_PATHS },
    { "a sent message needs no answer", a_sent_message_needs_no_answer, TEST_PATHS },
    { "wrong labels are refused", wrong_labels_are_refused, TEST_PATHS },
    { "a server that dies fails the call and leaves the endpoint on hold",
      a_server_that_dies_fails_the_call_and_holds_the_endpoint, TEST_PATHS },
    { "receiving again without an answer fails the call",
      receiving_again_without_an_answer_fails_the_call, TEST_PATHS },
    { "an endpoint that is down fails calls at once", an_endpoint_that_is_down_fails_calls_at_once,
      TEST_PATHS },
    { "callers queue while on hold, until its deadline",
      callers_queue_while_on_hold_until_its_deadline, TEST_PATHS },
    { "a kept reply is answered later", a_kept_reply_is_answered_later, TEST_PATHS },
    { "a kept reply that is destroyed fails its call",
      a_kept_reply_that_is_destroyed_fails_its_call, TEST_PATHS },
    { "destroying the endpoint ends every wait", destroying_the_endpoint_ends_every_wait,
      TEST_PATHS },
};
const struct test_group ipc_group = TEST_GROUP(ipc);
