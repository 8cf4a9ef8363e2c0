// SPDX-License-Identifier: MIT OR Apache-2.0
// Sessions: revocation trees, preemption, expiry, minted Sessions and their notices, epochs, the
// table's pages.
#include "fake.h"

#include <abi/calls.h>

static struct session *below(struct session *parent, bool is_minted)
{
    struct session *session = NULL;
    CHECK(session_create(parent, quota_root(), 7, 0, is_minted, &session) == TES_OK);
    return session;
}

static uint64_t install(struct object *object, struct session *session)
{
    const struct handle_grant grant = { .object = object,
                                        .session = session,
                                        .epoch = session->epoch,
                                        .badge = session->badge,
                                        .rights = TES_RIGHTS_GENERIC };
    uint64_t value = 0;
    CHECK(handle_install(current_process(), &grant, &value) == TES_OK);
    return value;
}

static tes_status_t resolve(uint64_t value)
{
    struct handle_view view;
    return handle_resolve(current_process(), value, TES_TYPE_NONE, 0, &view);
}

static void tree(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_MEMORY);
    struct session *a = below(object->root, false);
    struct session *b = below(a, false);
    struct session *c = below(object->root, false);
    uint64_t handles[4] = { install(object, object->root), install(object, a), install(object, b),
                            install(object, c) };
    CHECK(session_is_below(b, a) && session_is_below(b, object->root) && session_is_below(a, a));
    CHECK(!session_is_below(a, b) && !session_is_below(c, a));
    uint64_t told = fake.memories_revoked;
    CHECK(session_revoke(a, false) == TES_OK);
    CHECK(fake.memories_revoked == told + 2);
    CHECK(resolve(handles[0]) == TES_OK && resolve(handles[3]) == TES_OK);
    CHECK(resolve(handles[1]) == TES_ERROR_REVOKED && resolve(handles[2]) == TES_ERROR_REVOKED);
    struct session *none = NULL;
    CHECK(session_create(a, quota_root(), 0, 0, false, &none) == TES_ERROR_REVOKED);
    CHECK(session_revoke(a, false) == TES_OK); // again
    CHECK(session_revoke(object->root, true) == TES_OK);
    CHECK(resolve(handles[0]) == TES_OK && resolve(handles[3]) == TES_ERROR_REVOKED);
    CHECK(session_revoke(object->root, false) == TES_OK);
    CHECK(resolve(handles[0]) == TES_ERROR_REVOKED);
    CHECK(fake_destroy(object) == TES_OK);
}

static void depth_and_preemption(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_MEMORY);
    struct session *deepest = object->root;
    for (uint32_t depth = 1; depth < SESSION_DEPTH_MAX; depth++) {
        deepest = below(deepest, false);
    }
    struct session *none = NULL;
    CHECK(session_create(deepest, quota_root(), 0, 0, false, &none) == TES_ERROR_TOO_DEEP);
    for (uint32_t index = 0; index < 500; index++) {
        CHECK(below(object->root, false) != NULL);
    }
    fake.preempts = true;
    uint32_t restarts = 0;
    while (session_revoke(object->root, false) == TES_ERROR_RESTART) {
        restarts++;
        CHECK(object->root->epoch != 0); // the handle that repeats the call stays good
        fake_settle();
    }
    fake.preempts = false;
    CHECK(restarts > 20 && restarts < 60);
    CHECK(object->root->epoch == 0);
    CHECK(fake_destroy(object) == TES_OK);
}

static void minted(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_ENDPOINT);
    struct endpoint *endpoint = (struct endpoint *)object;
    struct session *client = below(object->root, true);
    uint64_t sessions = session_count();
    uint64_t one = install(object, client);
    uint64_t two = install(object, client);
    CHECK(client->handles == 2);
    CHECK(handle_close(current_process(), one) == TES_OK);
    CHECK(endpoint->notices == NULL);
    client->calls++; // a call under way counts
    CHECK(handle_close(current_process(), two) == TES_OK);
    CHECK(endpoint->notices == NULL);
    const struct handle_grant grant = { .object = object,
                                        .session = client,
                                        .epoch = client->epoch };
    uint64_t value = 0;
    CHECK(handle_install(current_process(), &grant, &value) ==
          TES_ERROR_REVOKED); // closed for good
    spinlock_acquire(&object->lock);
    session_call_put_locked(client);
    spinlock_release(&object->lock);
    CHECK(endpoint->notices == client && (client->flags & SESSION_NOTICE_CLOSED) != 0);
    fake_settle();
    CHECK(session_count() == sessions); // stays charged until the notice is received
    CHECK(fake_notice_take(endpoint) == client);
    fake_settle();
    CHECK(session_count() == sessions - 1);
    CHECK(fake_destroy(object) == TES_OK);
}

static void minted_below(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_ENDPOINT);
    struct endpoint *endpoint = (struct endpoint *)object;
    struct session *directory = below(object->root, true);
    uint64_t handle = install(object, directory);
    struct session *file = below(directory, true);
    uint64_t file_handle = install(object, file);
    CHECK(handle_close(current_process(), handle) == TES_OK);
    CHECK(fake_notice_take(endpoint) == directory);
    fake_settle();
    CHECK(resolve(file_handle) == TES_OK); // closing the directory does not kill the file
    CHECK(handle_close(current_process(), file_handle) == TES_OK);
    CHECK(fake_notice_take(endpoint) == file);
    uint64_t sessions = session_count();
    fake_settle();
    CHECK(session_count() == sessions - 2);
    struct session *client = below(object->root, true);
    handle = install(object, client);
    CHECK(session_revoke(client, false) == TES_OK); // the server hears of revoked clients too
    CHECK(fake_notice_take(endpoint) == client);
    CHECK(fake_notice_take(endpoint) == NULL);
    CHECK(handle_close(current_process(), handle) == TES_OK);
    client = below(object->root, true);
    handle = install(object, client);
    CHECK(handle_close(current_process(), handle) == TES_OK);
    CHECK(endpoint->notices == client);
    CHECK(fake_destroy(object) == TES_OK); // with a notice nobody takes
    CHECK(endpoint->notices == NULL);
}

static void expiry(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_MEMORY);
    struct object *bell = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    struct session *session = NULL;
    struct session *child = NULL;
    fake.now_ns = 1000;
    CHECK(session_create(object->root, quota_root(), 0, 999, false, &session) == TES_ERROR_INVALID);
    CHECK(session_create(object->root, quota_root(), 0, 2000, false, &session) == TES_OK);
    CHECK(session_create(session, quota_root(), 0, 5000, false, &child) == TES_OK);
    CHECK(child->expiry_ns == 2000);
    const struct signal_target target = { .notification = (struct notification *)bell,
                                          .session = bell->root,
                                          .epoch = bell->root->epoch,
                                          .bits = 4 };
    CHECK(session_bind(child, &target) == TES_OK);
    uint64_t handle = install(object, child);
    fake.now_ns = 1999;
    fake_timers_run();
    CHECK(resolve(handle) == TES_OK);
    fake.now_ns = 2000;
    fake_timers_run();
    CHECK(session->epoch == 0);
    fake_settle();
    CHECK(resolve(handle) == TES_ERROR_REVOKED);
    CHECK(((struct notification *)bell)->bits == 4);
    CHECK(fake_destroy(object) == TES_OK);
    CHECK(fake_destroy(bell) == TES_OK);
}

static void epochs(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_MEMORY);
    struct session *first = below(object->root, false);
    uint64_t epoch = first->epoch;
    uint64_t handle = install(object, first);
    CHECK(session_revoke(first, false) == TES_OK);
    fake_settle();
    bool is_reused = false;
    for (uint32_t index = 0; index < 200 && !is_reused; index++) {
        struct session *next = below(object->root, false);
        CHECK(next->epoch != epoch);
        is_reused = next == first;
    }
    CHECK(is_reused);
    CHECK(!session_is_live(first, epoch));
    CHECK(resolve(handle) == TES_ERROR_REVOKED);
    cpu_count = 2;
    fake.core = 1;
    CHECK(below(object->root, false)->epoch >> 56 == 1);
    fake.core = 0;
    CHECK(fake_destroy(object) == TES_OK);
}

static void table_pages(void)
{
    uint64_t frames = fake.frames;
    for (uint32_t round = 0; round < 20; round++) {
        struct object *object = fake_object(quota_root(), TES_TYPE_MEMORY);
        struct session *last = NULL;
        for (uint32_t index = 0; index < 31 * 40; index++) {
            last = below(object->root, false);
        }
        uint64_t stale = last->epoch;
        CHECK(fake.frames >= frames + 30);
        CHECK(fake_destroy(object) == TES_OK);
        fake_settle();
        CHECK(!session_is_live(last, stale)); // whatever is mapped there now
        CHECK(fake.frames <= frames + 8);
    }
}

static void calls(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_ENDPOINT);
    const struct handle_view none = { 0 };
    const struct handle_view quota = { .object = &quota_root()->object, .type = TES_TYPE_QUOTA };
    const struct handle_view endpoint = { .object = object,
                                          .session = object->root,
                                          .epoch = object->root->epoch,
                                          .rights = TES_RIGHTS_OF_ENDPOINT,
                                          .type = TES_TYPE_ENDPOINT };
    uint64_t value = 0;
    CHECK(sys_session_create(&endpoint, &none, 5, 0, &value) == TES_ERROR_INVALID); // nobody pays
    CHECK(sys_session_create(&endpoint, &quota, 5, 0, &value) == TES_OK);
    struct handle_view session;
    CHECK(handle_resolve(current_process(), value, TES_TYPE_SESSION, 0, &session) == TES_OK);
    uint64_t derived = 0;
    CHECK(sys_handle_derive(&endpoint, 1u << 16, &session, &derived) == TES_ERROR_INVALID);
    CHECK(sys_handle_derive(&endpoint, TES_RIGHT_ENDPOINT_CALL, &session, &derived) == TES_OK);
    struct handle_view client;
    CHECK(handle_resolve(current_process(), derived, TES_TYPE_ENDPOINT, TES_RIGHT_ENDPOINT_CALL,
                         &client) == TES_OK);
    CHECK(client.badge == 5 && client.rights == TES_RIGHT_ENDPOINT_CALL &&
          (client.flags & HANDLE_COUNTED) != 0);
    CHECK(handle_resolve(current_process(), derived, TES_TYPE_ENDPOINT, TES_RIGHT_ENDPOINT_MINT,
                         &client) == TES_ERROR_NO_RIGHT);
    uint64_t copy = 0;
    CHECK(sys_handle_copy(&none, &client, 0, TES_HANDLE_COPY_MOVE, &copy) == TES_OK);
    CHECK(resolve(derived) == TES_ERROR_BAD_HANDLE && resolve(copy) == TES_OK);
    CHECK(client.session->handles == 1);
    CHECK(sys_handle_revoke(&session, 0) == TES_OK);
    CHECK(resolve(copy) == TES_ERROR_REVOKED && resolve(value) == TES_OK);
    CHECK(sys_handle_derive(&endpoint, 0, &session, &derived) == TES_ERROR_REVOKED);
    CHECK(fake_notice_take((struct endpoint *)object) == client.session);
    CHECK(sys_object_destroy(&session) == TES_OK);
    CHECK(resolve(value) == TES_ERROR_REVOKED);
    CHECK(fake_destroy(object) == TES_OK);
}

void test_sessions(void)
{
    test_run("a Session's tree dies top down", tree);
    test_run("revocation: depth and preemption", depth_and_preemption);
    test_run("a minted Session closes after its last handle and call", minted);
    test_run(
        "closed Sessions keep what is below; revoked ones are told; notices die with the endpoint",
        minted_below);
    test_run("Sessions expire and signal", expiry);
    test_run("epochs never repeat", epochs);
    test_run("pages of the Session table come and go", table_pages);
    test_run("session_create, handle_derive, handle_copy, handle_revoke", calls);
}
