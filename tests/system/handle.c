// SPDX-License-Identifier: MIT OR Apache-2.0
// Handles: derive, copy, move, close, revoke; stale values; chains of delegation.
#include "test.h"

#define CHAIN_LENGTH 16u
#define REUSES       1000u

static tes_status_t signal(uint64_t handle)
{
    return tes_notification_signal((tes_notification_t){ handle }, 1);
}

static void derived_handles_have_fewer_rights(void)
{
    const tes_notification_t n = test_notification();
    tes_handle_t weak = test_derive(tes_notification_any(n), TES_RIGHT_NOTIFICATION_SIGNAL);
    tes_handle_t more = { 0 };
    uint64_t bits = 0;
    OK(signal(weak.value));
    EXPECT(NOTIFICATION_WAIT, NO_RIGHT,
           tes_notification_wait((tes_notification_t){ weak.value }, 1, 0, &bits));
    EXPECT(HANDLE_DERIVE, NO_RIGHT,
           tes_handle_derive(weak, ALL_RIGHTS, (tes_session_t){ 0 }, &more));
    EXPECT(HANDLE_DERIVE, INVALID,
           tes_handle_derive(tes_notification_any(n), 0x10000, (tes_session_t){ 0 }, &more));
    OK(tes_handle_close(weak.value));
    test_destroy(tes_notification_any(n));
}

static void rights_only_shrink_along_a_chain(void)
{
    const tes_notification_t n = test_notification();
    const uint64_t some = TES_RIGHT_DERIVE | TES_RIGHT_NOTIFICATION_SIGNAL;
    tes_handle_t first = test_derive(tes_notification_any(n), some);
    tes_handle_t second = test_derive(first, ALL_RIGHTS);
    uint64_t bits = 0;
    OK(signal(second.value));
    EXPECT(NOTIFICATION_WAIT, NO_RIGHT,
           tes_notification_wait((tes_notification_t){ second.value }, 1, 0, &bits));
    OK(tes_handle_close(first.value));
    OK(signal(second.value)); // closing is not revoking
    OK(tes_handle_close(second.value));
    test_destroy(tes_notification_any(n));
}

static void closed_handles_are_never_another_object(void)
{
    const tes_notification_t n = test_notification();
    tes_handle_t stale = test_derive(tes_notification_any(n), ALL_RIGHTS);
    OK(tes_handle_close(stale.value));
    for (uint32_t i = 0; i < REUSES; i++) {
        tes_handle_t again = test_derive(tes_notification_any(n), ALL_RIGHTS);
        CHECK(again.value != stale.value);
        CHECK_EQUAL(signal(stale.value), TES_ERROR_BAD_HANDLE);
        OK(tes_handle_close(again.value));
    }
    EXPECT(HANDLE_CLOSE, BAD_HANDLE, tes_handle_close(stale.value));
    EXPECT(HANDLE_CLOSE, BAD_HANDLE, tes_handle_close(0));
    EXPECT(HANDLE_CLOSE, BAD_HANDLE, tes_handle_close(UINT64_MAX));
    test_destroy(tes_notification_any(n));
}

static void destroying_an_object_kills_its_handles(void)
{
    const tes_notification_t n = test_notification();
    tes_handle_t derived = test_derive(tes_notification_any(n), ALL_RIGHTS);
    test_destroy(tes_notification_any(n));
    CHECK_EQUAL(signal(derived.value), TES_ERROR_REVOKED);
    OK(tes_handle_close(derived.value));
}

static void revoking_an_object_kills_derived_handles_and_keep_spares_its_own(void)
{
    const tes_notification_t n = test_notification();
    tes_session_t session = { 0 };
    tes_handle_t below = { 0 };
    OK(tes_session_create(tes_notification_any(n), test.quota, 0, 0, &session));
    OK(tes_handle_derive(tes_notification_any(n), ALL_RIGHTS, session, &below));
    OK(signal(below.value));
    OK(tes_handle_revoke(tes_notification_any(n), TES_HANDLE_REVOKE_KEEP));
    CHECK_EQUAL(signal(below.value), TES_ERROR_REVOKED);
    OK(signal(n.value));
    test_destroy(tes_session_any(session));
    OK(tes_handle_close(below.value));
    test_destroy(tes_notification_any(n));
}

static void a_session_revokes_what_hangs_below_it_and_nothing_else(void)
{
    const tes_notification_t n = test_notification();
    tes_session_t sessions[2] = { { 0 } };
    tes_handle_t below[2] = { { 0 } };
    for (uint32_t i = 0; i < 2; i++) {
        OK(tes_session_create(tes_notification_any(n), test.quota, 0, 0, &sessions[i]));
        OK(tes_handle_derive(tes_notification_any(n), ALL_RIGHTS, sessions[i], &below[i]));
    }
    OK(tes_handle_revoke(tes_session_any(sessions[0]), 0));
    CHECK_EQUAL(signal(below[0].value), TES_ERROR_REVOKED);
    OK(signal(below[1].value));
    tes_handle_t late = { 0 };
    EXPECT(HANDLE_DERIVE, REVOKED,
           tes_handle_derive(tes_notification_any(n), ALL_RIGHTS, sessions[0], &late));
    for (uint32_t i = 0; i < 2; i++) {
        test_destroy(tes_session_any(sessions[i]));
    }
    OK(tes_handle_close(below[0].value));
    test_destroy(tes_notification_any(n));
}

static void a_session_of_another_object_is_refused(void)
{
    const tes_notification_t a = test_notification();
    const tes_notification_t b = test_notification();
    tes_session_t session = { 0 };
    tes_handle_t derived = { 0 };
    OK(tes_session_create(tes_notification_any(a), test.quota, 0, 0, &session));
    EXPECT(HANDLE_DERIVE, INVALID,
           tes_handle_derive(tes_notification_any(b), ALL_RIGHTS, session, &derived));
    test_destroy(tes_session_any(session));
    test_destroy(tes_notification_any(a));
    test_destroy(tes_notification_any(b));
}

struct chain {
    tes_session_t sessions[CHAIN_LENGTH];
    tes_handle_t handles[CHAIN_LENGTH];
};

static void chain_make(struct chain *chain, tes_handle_t root)
{
    tes_handle_t parent = root;
    for (uint32_t i = 0; i < CHAIN_LENGTH; i++) {
        OK(tes_session_create(parent, test.quota, 0, 0, &chain->sessions[i]));
        OK(tes_handle_derive(parent, ALL_RIGHTS, chain->sessions[i], &chain->handles[i]));
        parent = chain->handles[i];
    }
}

static void chain_revoke_at(uint32_t level)
{
    const tes_notification_t n = test_notification();
    struct chain chain;
    chain_make(&chain, tes_notification_any(n));
    OK(tes_handle_revoke(tes_session_any(chain.sessions[level]), 0));
    for (uint32_t i = 0; i < CHAIN_LENGTH; i++) {
        CHECK_EQUAL(signal(chain.handles[i].value), i < level ? TES_OK : TES_ERROR_REVOKED);
    }
    for (uint32_t i = 0; i < CHAIN_LENGTH; i++) {
        test_destroy(tes_session_any(chain.sessions[i]));
    }
    test_destroy(tes_notification_any(n));
    for (uint32_t i = 0; i < CHAIN_LENGTH; i++) {
        OK(tes_handle_close(chain.handles[i].value));
    }
}

static void delegation_16_deep_is_revoked_at_each_level(void)
{
    for (uint32_t level = 0; level < CHAIN_LENGTH; level++) {
        chain_revoke_at(level);
    }
}

static void handles_are_copied_and_moved_to_another_process(void)
{
    const tes_notification_t n = test_notification();
    const tes_handle_t whole = tes_notification_any(n);
    tes_process_t process = { 0 };
    tes_space_t space = { 0 };
    uint64_t there = 0;
    struct tes_info_handle info = { 0 };
    uint64_t written = 0;
    OK(tes_process_create(test.quota, 0, 0, &process, &space));
    OK(tes_handle_copy(process, whole, TES_RIGHT_NOTIFICATION_WAIT, 0, &there));
    OK(tes_object_info(tes_process_any(process), TES_INFO_HANDLE, 0, (uint64_t)&info, sizeof(info),
                       &written));
    CHECK_EQUAL(info.handle, there);
    CHECK_EQUAL(info.rights, TES_RIGHT_NOTIFICATION_WAIT);
    OK(signal(n.value));
    tes_handle_t moved = test_derive(whole, ALL_RIGHTS);
    OK(tes_handle_copy(process, moved, ALL_RIGHTS, TES_HANDLE_COPY_MOVE, &there));
    CHECK_EQUAL(signal(moved.value), TES_ERROR_BAD_HANDLE);
    EXPECT(HANDLE_COPY, INVALID, tes_handle_copy(process, whole, 0x10000, 0, &there));
    test_destroy(tes_process_any(process));
    test_destroy(whole);
}

static void a_copy_for_oneself_has_fewer_rights(void)
{
    const tes_notification_t n = test_notification();
    uint64_t copy = 0;
    OK(tes_handle_copy((tes_process_t){ 0 }, tes_notification_any(n), TES_RIGHT_NOTIFICATION_SIGNAL,
                       0, &copy));
    OK(signal(copy));
    EXPECT(HANDLE_COPY, NO_RIGHT,
           tes_handle_copy((tes_process_t){ 0 }, any(copy), ALL_RIGHTS, 0, &copy));
    OK(tes_handle_close(copy));
    test_destroy(tes_notification_any(n));
}

static const struct test_case handle_tests[] = {
    { "derived handles have fewer rights", derived_handles_have_fewer_rights, 0 },
    { "rights only shrink along a chain", rights_only_shrink_along_a_chain, 0 },
    { "closed handles are never another object", closed_handles_are_never_another_object, 0 },
    { "destroying an object kills its handles", destroying_an_object_kills_its_handles, 0 },
    { "revoking an object kills derived handles, and KEEP spares its own",
      revoking_an_object_kills_derived_handles_and_keep_spares_its_own, 0 },
    { "a Session revokes what hangs below it and nothing else",
      a_session_revokes_what_hangs_below_it_and_nothing_else, 0 },
    { "a Session of another object is refused", a_session_of_another_object_is_refused, 0 },
    { "delegation 16 deep is revoked at each level", delegation_16_deep_is_revoked_at_each_level,
      0 },
    { "handles are copied and moved to another process",
      handles_are_copied_and_moved_to_another_process, 0 },
    { "a copy for oneself has fewer rights", a_copy_for_oneself_has_fewer_rights, 0 },
};
const struct test_group handle_group = TEST_GROUP(handle);
