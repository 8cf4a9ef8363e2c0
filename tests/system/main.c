// SPDX-License-Identifier: MIT OR Apache-2.0
// The test program: all groups, or those of `group=`, or the tests whose name has `test=`.
#include "test.h"

#define NAME_SIZE 40u

static const struct test_group *const groups[] = {
    &handle_group, &notification_group, &thread_group,  &ipc_group,     &transfer_group,
    &wait_group,   &session_group,      &sched_group,   &quota_group,

    &memory_group, &space_group,        &pager_group,   &fault_group,   &guest_group,
    &device_group, &smp_group,          &exhaust_group, &lacking_group, &mass_group,
    &error_group,  &coverage_group,
};

uint32_t program_main(void)
{
    char group[NAME_SIZE] = "";
    char only[NAME_SIZE] = "";
    (void)program_option("group", group, sizeof(group)); // the default stands
    (void)program_option("test", only, sizeof(only));
    struct child child;
    const struct child_options options = { .name = "first" };
    MUST(child_create(&child, &options)); // makes what all children share
    MUST(child_destroy(&child));
    test_watch_start();
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        bool is_whole = group[0] == '\0' && only[0] == '\0';
        bool is_named = group[0] == '\0' || strcmp(group, groups[i]->name) == 0;
        if (is_named && (is_whole || groups[i] != &coverage_group)) {
            test_group_run(groups[i], only);
        }
    }
    test_plan();
    return PROGRAM_EXIT_GOOD;
}
