// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs the tests of kernel/mm in order and prints TAP.
#include "fake.h"

#include <stdio.h>

static int failed_checks;

void test_check(bool is_ok, const char *what, const char *file, int line)
{
    if (!is_ok) {
        failed_checks++;
        printf("# %s:%d: %s\n", file, line, what);
        fflush(stdout);
    }
}

static uint64_t free_before;

void test_leaks_begin(void)
{
    free_before = frame_free_count() + slab_pages();
    CHECK(fake.quota.pages_used == 0 && fake.quota.objects_used == 0);
}

void test_leaks_end(void)
{
    fake.preempt_one_in = 0;
    fake_settle();
    CHECK(fake.objects == 0);
    CHECK(fake.quota.pages_used == 0);
    CHECK(fake.quota.objects_used == 0);
    CHECK(fake.other_quota.pages_used == 0);
    CHECK(fake.other_quota.objects_used == 0);
    CHECK(frame_free_count() + slab_pages() == free_before);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    { "frames: random blocks do not overlap and all come back", test_frames },
    { "slabs: random objects do not overlap and pages go back", test_slabs },
    { "rt/tree: random inserts and removes keep order and balance", test_rt_tree },
    { "page tree: random entries against a model", test_page_tree },
    { "Spaces: random map, unmap, protect, clone, write against a model", test_spaces_random },
    { "Memory clones: random writes and clones against a model", test_memory_clones },
    { "revocation and destruction show zeros that were paid for", test_revocation },
    { "sealing and W^X", test_sealing },
    { "pager: ask, supply, fail", test_pager },
    { "pins survive clone, discard and destruction", test_pins },
    { "a shoot-down reaches the cores that have the Space's root", test_shootdown },
    { "large sparse ranges, preempted clones", test_large },
    { "every charge fails once: nothing is lost", test_failures },
};

int main(void)
{
    int failed_tests = 0;
    size_t count = sizeof(tests) / sizeof(tests[0]);
    fake_machine_init();
    fake_objects_init();
    mm_time_page_init();
    printf("1..%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        int before = failed_checks;
        test_leaks_begin();
        tests[i].run();
        test_leaks_end();
        failed_tests += failed_checks != before;
        printf("%s %zu - %s\n", failed_checks == before ? "ok" : "not ok", i + 1, tests[i].name);
    }
    return failed_tests != 0;
}
