// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotas: splitting, adjusting, destroying, and that nothing changes when a charge fails.
#include "test.h"

static void a_child_takes_from_its_parent_at_once(void)
{
    tes_quota_t child = { 0 };
    struct tes_info_quota before = test_quota_info(test.quota);
    OK(tes_quota_create(test.quota, 100, 50, 20, 0, &child));
    struct tes_info_quota after = test_quota_info(test.quota);
    CHECK(after.pages_used >= before.pages_used + 100);
    CHECK(after.objects_used >= before.objects_used + 50);
    CHECK_EQUAL(after.handles_used, before.handles_used + 20);
    CHECK_EQUAL(test_quota_info(child).pages_limit, 100);
    OK(tes_quota_adjust(child, 200, 60, 10));
    CHECK_EQUAL(test_quota_info(child).pages_limit, 200);
    CHECK_EQUAL(test_quota_info(test.quota).pages_used, after.pages_used + 100);
    CHECK_EQUAL(test_quota_info(test.quota).handles_used, after.handles_used - 10);
    test_destroy(tes_quota_any(child));
}

static void more_than_the_parent_has_is_refused(void)
{
    tes_quota_t child = { 0 };
    const uint64_t much = UINT64_MAX / 2;
    struct tes_info_quota before = test_quota_info(test.quota);
    EXPECT(QUOTA_CREATE, NO_MEMORY, tes_quota_create(test.quota, much, 1, 1, 0, &child));
    EXPECT(QUOTA_CREATE, NO_OBJECTS, tes_quota_create(test.quota, 1, much, 1, 0, &child));
    EXPECT(QUOTA_CREATE, NO_HANDLES, tes_quota_create(test.quota, 1, 1, much, 0, &child));
    OK(tes_quota_create(test.quota, 8, 8, 8, 0, &child));
    EXPECT(QUOTA_ADJUST, NO_MEMORY, tes_quota_adjust(child, much, 8, 8));
    EXPECT(QUOTA_ADJUST, NO_OBJECTS, tes_quota_adjust(child, 8, much, 8));
    EXPECT(QUOTA_ADJUST, NO_HANDLES, tes_quota_adjust(child, 8, 8, much));
    EXPECT(QUOTA_ADJUST, INVALID, tes_quota_adjust(own_quota(), 8, 8, 8));
    tes_notification_t n = { 0 };
    OK(tes_notification_create(child, &n));
    EXPECT(QUOTA_ADJUST, BUSY, tes_quota_adjust(child, 8, 0, 8));
    EXPECT(OBJECT_DESTROY, BUSY, tes_object_destroy(tes_quota_any(own_quota())));
    test_destroy(tes_quota_any(child));
    uint64_t bits = 0;
    CHECK_EQUAL(tes_notification_wait(n, 1, TES_NOTIFICATION_WAIT_POLL, &bits), TES_ERROR_REVOKED);
    OK(tes_handle_close(n.value));
    uint64_t end = time_now() + NS_PER_SECOND; // it comes back after a quiescent period
    while (test_quota_info(test.quota).objects_used != before.objects_used && time_now() < end) {
        program_sleep(NS_PER_MS);
    }
    CHECK_EQUAL(test_quota_info(test.quota).objects_used, before.objects_used);
    CHECK_EQUAL(test_quota_info(test.quota).pages_used, before.pages_used);
    CHECK_EQUAL(test_quota_info(test.quota).handles_used, before.handles_used);
}

static void waiting_child(struct child_block *block)
{
    uint64_t bits = 0;
    (void)!tes_notification_wait((tes_notification_t){ block->handles[1] }, 1, 0, &bits);
}

static void destroying_a_quota_ends_all_that_it_paid_for(void)
{
    tes_quota_t child_quota = { 0 };
    struct child child;
    const tes_notification_t n = test_notification();
    OK(tes_quota_create(test.quota, 500, 100, 200, 0, &child_quota));
    const struct child_options options = { .quota = child_quota, .core_mask = test.peer_core_mask };
    OK(child_create(&child, &options));
    OK(child_give(&child, 1, n.value));
    OK(child_run(&child, waiting_child));
    test_await(child.thread, TES_THREAD_WAIT_NOTIFICATION);
    test_destroy(tes_quota_any(child_quota));
    CHECK_EQUAL(thread_state(child.thread), TES_THREAD_DEAD);
    uint64_t size = (CHILD_PAGES - CHILD_STACK_PAGES) * PAGE;
    test_unmap(child.mapped, size);
    test_destroy(tes_notification_any(child.done));
    test_destroy(tes_notification_any(n));
}

// All charged at once, or nothing: a clone that cannot be paid leaves the Quota as it was.
static void a_failed_charge_changes_nothing(void)
{
    tes_quota_t small = { 0 };
    const tes_memory_t memory = test_memory(64 * PAGE);
    tes_memory_t clone = { 0 };
    OK(tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, 0, 64 * PAGE));
    OK(tes_quota_create(test.quota, 20, 20, 20, 0, &small));
    struct tes_info_quota before = test_quota_info(small);
    EXPECT(MEMORY_CLONE, NO_MEMORY, tes_memory_clone(memory, small, 0, 64 * PAGE, &clone));
    EXPECT(MEMORY_CREATE, NO_MEMORY,
           tes_memory_create(small, 64 * PAGE, TES_MEMORY_CREATE_COMMIT, (tes_endpoint_t){ 0 }, 0,
                             &clone));
    EXPECT(MEMORY_CREATE, NO_MEMORY,
           tes_memory_create(small, 64 * PAGE, TES_MEMORY_CREATE_CONTIGUOUS, (tes_endpoint_t){ 0 },
                             0, &clone));
    uint64_t end = time_now() + NS_PER_SECOND;
    while (test_quota_info(small).objects_used != before.objects_used && time_now() < end) {
        program_sleep(NS_PER_MS);
    }
    CHECK_EQUAL(test_quota_info(small).pages_used, before.pages_used);
    CHECK_EQUAL(test_quota_info(small).objects_used, before.objects_used);
    CHECK_EQUAL(test_quota_info(small).handles_used, before.handles_used);
    test_destroy(tes_quota_any(small));
    test_destroy(tes_memory_any(memory));
}

static void an_overcommitting_quota_pays_clones_as_they_are_written(void)
{
    tes_quota_t small = { 0 };
    const tes_memory_t memory = test_memory(64 * PAGE);
    tes_memory_t clone = { 0 };
    OK(tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, 0, 64 * PAGE));
    OK(tes_quota_create(test.quota, 20, 20, 20, TES_QUOTA_CREATE_OVERCOMMIT, &small));
    OK(tes_memory_clone(memory, small, 0, 64 * PAGE, &clone));
    test_destroy(tes_quota_any(small));
    test_destroy(tes_memory_any(memory));
}

static const struct test_case quota_tests[] = {
    { "a child Quota takes from its parent at once", a_child_takes_from_its_parent_at_once, 0 },
    { "more than the parent Quota has is refused", more_than_the_parent_has_is_refused, 0 },
    { "destroying a Quota ends all that it paid for", destroying_a_quota_ends_all_that_it_paid_for,
      TEST_PATHS },
    { "a failed charge changes nothing", a_failed_charge_changes_nothing, 0 },
    { "an overcommitting Quota pays clones as they are written",
      an_overcommitting_quota_pays_clones_as_they_are_written, 0 },
};
const struct test_group quota_group = TEST_GROUP(quota);
