// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs each test in a process of its own, so that it starts with fresh cores; TAP on standard
// output.
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

uint32_t fake_failures;

void check(bool is_good, const char *what, int line)
{
    if (!is_good) {
        fake_failures++;
        printf("# line %d: %s\n", line, what);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    { "run queue against a model", test_queue },
    { "timers against a model", test_timers },
    { "budgets: shares, quanta, debts", test_budget },
    { "a server finishes on its reserve", test_reserve },
    { "threads: start, stop, exit, kill, destroy", test_threads },
    { "inbox: other cores", test_inbox },
    { "idle cores pull", test_pull },
    { "priority inheritance", test_priority },
    { "contexts: bind, lend, destroy", test_contexts },
    { "notifications", test_notification },
    { "timers of notifications", test_notification_timers },
    { "deadlines", test_deadline },
    { "interrupt sources", test_irq },
    { "I/O spaces", test_iospace },
};
#define TEST_COUNT (sizeof(tests) / sizeof(tests[0]))

static bool run(void (*test)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        fake_init();
        test();
        fflush(stdout);
        _exit(fake_failures != 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    int failed = 0;
    printf("1..%zu\n", TEST_COUNT);
    for (size_t index = 0; index < TEST_COUNT; index++) {
        bool is_good = run(tests[index].run);
        failed += !is_good;
        printf("%s %zu - %s\n", is_good ? "ok" : "not ok", index + 1, tests[index].name);
    }
    return failed != 0;
}
