// SPDX-License-Identifier: MIT OR Apache-2.0
// Running tests: TAP, object counts before and after, a time limit. A failed check leaves the test
// by a non-local jump, and the test's Quota is destroyed with all that it left behind.
#include "test.h"

#include <rt/atomic.h>
#include <rt/format.h>
#include <test_pairs.h>

#define SETTLE_NS       NS_PER_SECOND // for reclamation after quiescence
#define TIMEOUT_NS      (10 * NS_PER_SECOND)
#define TIMEOUT_LONG_NS (120 * NS_PER_SECOND)
#define WATCH_BIT       1u
#define WATCH_PRIORITY  40u // of the first component
#define ERRORS_MAX      64u
#define LOG_TAIL        3000u

struct test_state test;

static struct {
    void *jump[5]; // __builtin_setjmp
    uint32_t number;
    uint32_t failures;
    bool is_running;
    bool has_failed;
    uint64_t covered[TES_CALL_COUNT]; // a bit for each error
    struct tes_info_object_counts before, after;
    struct tes_info_quota root_before, root_after;
    struct worker watcher;
    tes_notification_t watch;
    uint32_t timeouts; // relaxed: how often the watcher had to cancel
    const char *name;
} runner;

static _Noreturn void fail(void)
{
    runner.has_failed = true;
    if (!runner.is_running) {
        program_exit(PROGRAM_EXIT_BAD);
    }
    __builtin_longjmp(runner.jump, 1);
}

void test_check(bool is_good, const char *text, const char *file, int line)
{
    if (!is_good) {
        print("# %s:%d: %s\n", file, line, text);
        fail();
    }
}

void test_check_equal(uint64_t a, uint64_t b, const char *text, const char *file, int line)
{
    if (a != b) {
        print("# %s:%d: %s: 0x%lx, 0x%lx\n", file, line, text, (unsigned long)a, (unsigned long)b);
        fail();
    }
}

void test_covered(uint32_t call, tes_status_t error)
{
    runner.covered[call % TES_CALL_COUNT] |= 1ull << (uint32_t)-error % ERRORS_MAX;
}

bool test_is_covered(uint32_t call, tes_status_t error)
{
    return (runner.covered[call % TES_CALL_COUNT] >> (uint32_t)-error % ERRORS_MAX & 1) != 0;
}

void test_expect(int32_t call, tes_status_t expected, tes_status_t status, const char *text,
                 const char *file, int line)
{
    if (status != expected) {
        print("# %s:%d: %s: %s, expected %s\n", file, line, text, status_name(status),
              status_name(expected));
        fail();
    }
    if (call >= 0) {
        test_covered((uint32_t)call, expected);
    }
}

uint32_t test_failures(void)
{
    return runner.failures;
}

void test_report(bool is_ok, const char *name, const char *variant)
{
    runner.number++;
    runner.failures += !is_ok;
    print("%sok %u - %s%s\n", is_ok ? "" : "not ", runner.number, name, variant);
}

void test_plan(void)
{
    print("1..%u\n", runner.number);
}

// --- object counts ---

static void counts_read(struct tes_info_object_counts *counts, struct tes_info_quota *root)
{
    uint64_t written = 0;
    MUST(tes_object_info(tes_resource_any(own_machine()), TES_INFO_OBJECT_COUNTS, 0,
                         (uint64_t)counts, sizeof(*counts), &written));
    MUST(tes_object_info(tes_quota_any(own_quota()), TES_INFO_QUOTA, 0, (uint64_t)root,
                         sizeof(*root), &written));
}

static bool counts_are_equal(void)
{
    return memcmp(runner.before.by_type, runner.after.by_type, sizeof(runner.before.by_type)) ==
               0 &&
           runner.before.sessions == runner.after.sessions &&
           runner.root_before.objects_used == runner.root_after.objects_used &&
           runner.root_before.handles_used == runner.root_after.handles_used;
}

static void counts_print(void)
{
    for (uint32_t type = 0; type < TES_TYPE_COUNT; type++) {
        if (runner.before.by_type[type] != runner.after.by_type[type]) {
            print("# objects of type %u: %lu before, %lu after\n", type,
                  (unsigned long)runner.before.by_type[type],
                  (unsigned long)runner.after.by_type[type]);
        }
    }
    print("# Sessions %lu, %lu; root Quota: objects %lu, %lu; handles %lu, %lu; pages %lu, %lu\n",
          (unsigned long)runner.before.sessions, (unsigned long)runner.after.sessions,
          (unsigned long)runner.root_before.objects_used,
          (unsigned long)runner.root_after.objects_used,
          (unsigned long)runner.root_before.handles_used,
          (unsigned long)runner.root_after.handles_used,
          (unsigned long)runner.root_before.pages_used,
          (unsigned long)runner.root_after.pages_used);
}

static bool counts_settle(void)
{
    uint64_t end = time_now() + SETTLE_NS;
    do {
        counts_read(&runner.after, &runner.root_after);
        if (counts_are_equal()) {
            return true;
        }
        MUST(tes_yield());
    } while (time_now() < end);
    return false;
}

// --- time limit ---

static void watcher_main(struct worker *self)
{
    const tes_thread_t first = { TES_STARTUP_THREAD };
    (void)self;
    for (;;) {
        uint64_t bits = 0;
        if (tes_notification_wait(runner.watch, WATCH_BIT, 0, &bits) != TES_OK) {
            return;
        }
        print("# time limit: %s; the first thread's state is %u\n", runner.name,
              thread_state(first));
        if (atomic_add_u32(&runner.timeouts, 1, ATOMIC_RELAXED) > 3) {
            log_print(LOG_TAIL);
            print("\nBail out! %s hangs\n", runner.name);
            program_exit(PROGRAM_EXIT_BAD);
        }
        (void)!tes_thread_cancel(first,
                                 0); // NOT_FOUND: it does not wait; the next time limit bails out
    }
}

void test_watch_start(void)
{
    const struct worker_options options = { .name = "watcher", .priority = WATCH_PRIORITY };
    MUST(tes_notification_create(own_quota(), &runner.watch));
    MUST(worker_start(&runner.watcher, &options, watcher_main, NULL));
    workers_forget();
    // From here on like its peers: the watcher comes before.
    const tes_sched_context_t context = { TES_STARTUP_CONTEXT };
    MUST(tes_context_configure(context, WORKER_QUANTUM_NS, 0, WORKER_PRIORITY_DEFAULT, 1));
    program_sleep(1);
}

static void watch(uint64_t limit_ns)
{
    uint64_t deadline = limit_ns != 0 ? time_now() + limit_ns : 0;
    uint64_t period = limit_ns != 0 ? NS_PER_SECOND : 0;
    runner.timeouts = 0;
    MUST(tes_timer_set(runner.watch, 0, WATCH_BIT, deadline, period));
}

// --- one test ---

static void run_guarded(const struct test_case *item)
{
    if (__builtin_setjmp(runner.jump) == 0) {
        runner.is_running = true;
        item->run();
    }
    runner.is_running = false;
}

static void run_one(const struct test_case *item, const char *variant)
{
    runner.name = item->name;
    runner.has_failed = false;
    counts_read(&runner.before, &runner.root_before);
    MUST(tes_quota_create(own_quota(), TEST_QUOTA_PAGES, TEST_QUOTA_OBJECTS, TEST_QUOTA_HANDLES, 0,
                          &test.quota));
    watch((item->flags & TEST_LONG) != 0 ? TIMEOUT_LONG_NS : TIMEOUT_NS);
    run_guarded(item);
    MUST(tes_thread_deadline(0));
    if (runner.has_failed) {
        workers_kill();
        print("# the test's Quota is destroyed with what it left\n");
    }
    MUST(tes_object_destroy(tes_quota_any(test.quota)));
    watch(0);
    bool is_settled = runner.has_failed || counts_settle();
    if (!is_settled) {
        counts_print();
    }
    test_report(!runner.has_failed && is_settled && runner.timeouts == 0, item->name, variant);
}

static void run_variants(const struct test_case *item)
{
    bool has_two = machine_core_count() > 1;
    test.uses_fast_path = true;
    test.peer_core_mask = (item->flags & TEST_TWO_CORES) != 0 ? 2 : 1;
    if ((item->flags & TEST_TWO_CORES) != 0 && !has_two) {
        return;
    }
    if ((item->flags & TEST_PATHS) == 0) {
        run_one(item, "");
        return;
    }
    run_one(item, " (fast path)");
    test.uses_fast_path = false;
    run_one(item, " (slow path)");
    test.uses_fast_path = true;
    if (has_two) {
        test.peer_core_mask = 2;
        run_one(item, " (across cores)");
    }
}

void test_await_above(const uint64_t *counter, uint64_t value)
{
    uint64_t end = time_now() + SETTLE_NS;
    while (atomic_load_u64(counter, ATOMIC_RELAXED) <= value && time_now() < end) {
        program_sleep(NS_PER_MS);
    }
    CHECK(atomic_load_u64(counter, ATOMIC_RELAXED) > value);
}

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text != '\0'; text++) {
        if (strncmp(text, part, length) == 0) {
            return true;
        }
    }
    return length == 0;
}

void test_group_run(const struct test_group *group, const char *only)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (contains(group->cases[i].name, only)) {
            run_variants(&group->cases[i]);
        }
    }
}
