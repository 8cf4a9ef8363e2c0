// SPDX-License-Identifier: MIT OR Apache-2.0
// Sessions: minted ones with their notices, expiry, binding, who pays, depth.
#include "test.h"

#define BADGE     4711u
#define EXPIRY_NS (3 * NS_PER_MS)
#define DEPTH_MAX 80u
#define BIT_BOUND 4u

struct minted {
    tes_endpoint_t endpoint;
    tes_session_t session;
    tes_handle_t handle;
};

static struct minted mint(uint64_t expiry_ns)
{
    struct minted minted = { .endpoint = test_endpoint() };
    OK(tes_session_create(tes_endpoint_any(minted.endpoint), test.quota, BADGE, expiry_ns,
                          &minted.session));
    OK(tes_handle_derive(tes_endpoint_any(minted.endpoint), ALL_RIGHTS & ~TES_RIGHT_ENDPOINT_MINT,
                         minted.session, &minted.handle));
    return minted;
}

static void minted_end(const struct minted *minted)
{
    test_destroy(tes_session_any(minted->session));
    test_destroy(tes_endpoint_any(minted->endpoint));
}

static void expect_notice(tes_endpoint_t endpoint, uint64_t kind)
{
    struct tes_message message = { 0 };
    OK(message_receive(endpoint, &message));
    CHECK_EQUAL(kind_of(message.label), kind);
    CHECK_EQUAL(message.badge, BADGE);
}

static void the_last_handle_closes_a_session_for_good(void)
{
    struct minted minted = mint(0);
    tes_handle_t second = test_derive(minted.handle, ALL_RIGHTS);
    tes_handle_t late = { 0 };
    struct tes_message message = { 0 };
    OK(tes_handle_close(minted.handle.value));
    OK(tes_thread_deadline(time_now() + NS_PER_MS));
    EXPECT(IPC_RECV, TIMED_OUT, message_receive(minted.endpoint, &message)); // one is left
    OK(tes_thread_deadline(0));
    OK(tes_handle_close(second.value));
    expect_notice(minted.endpoint, TES_MESSAGE_CLOSED);
    CHECK(tes_handle_derive(tes_endpoint_any(minted.endpoint), ALL_RIGHTS, minted.session, &late) !=
          TES_OK);
    minted_end(&minted);
}

static void dying_child(struct child_block *block)
{
    (void)block;
}

static void a_dying_process_closes_its_handles(void)
{
    struct minted minted = mint(0);
    struct child child;
    const struct child_options options = { .quota = test.quota, .core_mask = test.peer_core_mask };
    OK(child_create(&child, &options));
    OK(child_give(&child, 1, minted.handle.value));
    OK(tes_handle_close(minted.handle.value));
    OK(child_run(&child, dying_child));
    OK(child_wait(&child));
    OK(child_destroy(&child));
    expect_notice(minted.endpoint, TES_MESSAGE_CLOSED);
    minted_end(&minted);
}

struct caller {
    tes_endpoint_t endpoint;
    struct tes_message message;
};

static void calling_main(struct worker *self)
{
    struct caller *caller = self->argument;
    self->result = (uint64_t)(int64_t)message_call(caller->endpoint, &caller->message);
}

static void a_cancelled_call_tells_the_server(void)
{
    struct minted minted = mint(0);
    struct caller caller = { .endpoint = { minted.handle.value } };
    struct worker worker;
    struct tes_message message = { 0 };
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(minted.endpoint, &message));
    CHECK_EQUAL(message.badge, BADGE);
    OK(tes_thread_cancel(worker.thread, 0));
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_CANCELLED_UNKNOWN);
    expect_notice(minted.endpoint, TES_MESSAGE_CANCELLED);
    OK(tes_handle_close(minted.handle.value));
    expect_notice(minted.endpoint, TES_MESSAGE_CLOSED);
    minted_end(&minted);
}

static void a_call_under_way_delays_the_closed_notice(void)
{
    struct minted minted = mint(0);
    struct caller caller = { .endpoint = { minted.handle.value } };
    struct worker worker;
    struct tes_message message = { 0 };
    test_worker(&worker, calling_main, &caller);
    OK(message_receive(minted.endpoint, &message));
    OK(tes_handle_close(minted.handle.value));
    OK(message_reply((tes_reply_t){ 0 }, &message));
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    expect_notice(minted.endpoint, TES_MESSAGE_CLOSED);
    minted_end(&minted);
}

static void revoking_a_session_ends_queued_calls(void)
{
    struct minted minted = mint(0);
    struct caller caller = { .endpoint = { minted.handle.value } };
    struct worker worker;
    test_worker(&worker, calling_main, &caller);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    OK(tes_handle_revoke(tes_session_any(minted.session), 0));
    test_join(&worker);
    CHECK((tes_status_t)worker.result == TES_ERROR_REVOKED);
    CHECK(message_call((tes_endpoint_t){ minted.handle.value }, &caller.message) < 0);
    OK(tes_handle_close(minted.handle.value));
    minted_end(&minted);
}

// What an instance minted hangs under its own Session; init revokes that when the instance is
// replaced.
static void tokens_of_an_earlier_instance_are_dead(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    tes_session_t instance = { 0 };
    tes_session_t client = { 0 };
    tes_handle_t server = { 0 };
    tes_handle_t token = { 0 };
    struct tes_message message = { 0 };
    OK(tes_session_create(tes_endpoint_any(endpoint), test.quota, 1, 0, &instance));
    OK(tes_handle_derive(tes_endpoint_any(endpoint), ALL_RIGHTS, instance, &server));
    OK(tes_session_create(server, test.quota, BADGE, 0, &client));
    OK(tes_handle_derive(server, TES_RIGHT_ENDPOINT_CALL, client, &token));
    OK(tes_handle_revoke(tes_session_any(instance), 0));
    EXPECT(IPC_CALL, REVOKED, message_call((tes_endpoint_t){ token.value }, &message));
    EXPECT(IPC_SEND, REVOKED, message_send((tes_endpoint_t){ token.value }, &message));
    OK(tes_handle_close(token.value));
    OK(tes_handle_close(server.value));
    test_destroy(tes_session_any(client));
    test_destroy(tes_session_any(instance));
    test_destroy(tes_endpoint_any(endpoint));
}

static void an_expired_session_is_dead(void)
{
    const tes_notification_t n = test_notification();
    tes_session_t session = { 0 };
    tes_session_t below = { 0 };
    tes_handle_t derived = { 0 };
    EXPECT(SESSION_CREATE, INVALID,
           tes_session_create(tes_notification_any(n), test.quota, 0, 1, &session)); // past
    OK(tes_session_create(tes_notification_any(n), test.quota, 0, time_now() + EXPIRY_NS,
                          &session));
    OK(tes_handle_derive(tes_notification_any(n), ALL_RIGHTS, session, &derived));
    OK(tes_session_create(derived, test.quota, 0, 0, &below)); // at most its parent's
    OK(tes_notification_signal((tes_notification_t){ derived.value }, 1));
    program_sleep(2 * EXPIRY_NS);
    EXPECT(NOTIFICATION_SIGNAL, REVOKED,
           tes_notification_signal((tes_notification_t){ derived.value }, 1));
    struct tes_info_session info = { .is_live = 7 };
    uint64_t written = 0;
    OK(tes_object_info(tes_session_any(below), TES_INFO_SESSION, 0, (uint64_t)&info, sizeof(info),
                       &written));
    CHECK_EQUAL(info.is_live, 0);
    OK(tes_handle_close(derived.value));
    test_destroy(tes_session_any(below));
    test_destroy(tes_session_any(session));
    test_destroy(tes_notification_any(n));
}

static void a_bound_notification_hears_of_the_end(void)
{
    const tes_notification_t n = test_notification();
    const tes_notification_t object = test_notification();
    tes_session_t session = { 0 };
    OK(tes_session_create(tes_notification_any(object), test.quota, 0, 0, &session));
    EXPECT(SESSION_BIND, INVALID, tes_session_bind(session, n, 0));
    OK(tes_session_bind(session, n, 1));
    OK(tes_session_bind(session, (tes_notification_t){ 0 }, 0)); // unbinds
    OK(tes_session_bind(session, n, BIT_BOUND));
    OK(tes_handle_revoke(tes_session_any(session), 0));
    CHECK_EQUAL(test_wait(n, UINT64_MAX), BIT_BOUND);
    test_destroy(tes_session_any(session));
    test_destroy(tes_notification_any(object));
    test_destroy(tes_notification_any(n));
}

static void sessions_nest_to_a_limit(void)
{
    static tes_session_t sessions[DEPTH_MAX];
    const tes_notification_t n = test_notification();
    tes_handle_t parent = tes_notification_any(n);
    tes_status_t status = TES_OK;
    uint32_t depth = 0;
    while (depth < DEPTH_MAX && status == TES_OK) {
        status = tes_session_create(parent, test.quota, 0, 0, &sessions[depth]);
        if (status == TES_OK) {
            parent = tes_session_any(sessions[depth++]);
        }
    }
    EXPECT(SESSION_CREATE, TOO_DEEP, status);
    CHECK(depth >= 32);
    while (depth > 0) {
        test_destroy(tes_session_any(sessions[--depth]));
    }
    test_destroy(tes_notification_any(n));
}

static void without_a_call_somebody_must_pay(void)
{
    const tes_notification_t n = test_notification();
    tes_session_t session = { 0 };
    EXPECT(SESSION_CREATE, INVALID,
           tes_session_create(tes_notification_any(n), (tes_quota_t){ 0 }, 0, 0, &session));
    test_destroy(tes_notification_any(n));
}

static const struct test_case session_tests[] = {
    { "the last handle closes a Session for good", the_last_handle_closes_a_session_for_good,
      TEST_PATHS },
    { "a dying process closes its handles", a_dying_process_closes_its_handles, TEST_PATHS },
    { "a cancelled call tells the server", a_cancelled_call_tells_the_server, TEST_PATHS },
    { "a call under way delays the closed notice", a_call_under_way_delays_the_closed_notice,
      TEST_PATHS },
    { "revoking a Session ends queued calls", revoking_a_session_ends_queued_calls, TEST_PATHS },
    { "tokens of an earlier instance are dead", tokens_of_an_earlier_instance_are_dead,
      TEST_PATHS },
    { "an expired Session is dead", an_expired_session_is_dead, 0 },
    { "a bound notification hears of a Session's end", a_bound_notification_hears_of_the_end, 0 },
    { "Sessions nest to a limit", sessions_nest_to_a_limit, 0 },
    { "without a call somebody must pay", without_a_call_somebody_must_pay, 0 },
};
const struct test_group session_group = TEST_GROUP(session);
