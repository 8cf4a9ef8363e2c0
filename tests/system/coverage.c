// SPDX-License-Identifier: MIT OR Apache-2.0
// The last group: every pair of call and error that the tables document was caused by a test. What
// no test can cause stands here with the reason.
#include "test.h"

#include <rt/format.h>
#include <test_pairs.h>

struct unreachable {
    uint32_t call;
    tes_status_t error;
    const char *reason;
};

#define BY_OBJECTS "objects are charged as objects: a Quota without pages still pays for it"

#define BY_MACHINE "only without a free frame in the whole machine, which no test brings about"

static const struct unreachable unreachable[] = {
    { TES_CALL_NOTIFICATION_CREATE, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_ENDPOINT_CREATE, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_THREAD_CREATE, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_CONTEXT_CREATE, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_MEMORY_DEVICE, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_IRQ_CREATE, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_RESOURCE_CONTROL, TES_ERROR_NO_MEMORY, BY_OBJECTS },
    { TES_CALL_SESSION_CREATE, TES_ERROR_NO_MEMORY, BY_MACHINE },
    { TES_CALL_SESSION_BIND, TES_ERROR_NO_MEMORY, BY_MACHINE },
    { TES_CALL_RESOURCE_CONTROL, TES_ERROR_NOT_SUPPORTED,
      "every x86_64 machine has ports and a power switch" },
};

static const char *reason_of(const struct test_pair *pair)
{
    for (size_t i = 0; i < sizeof(unreachable) / sizeof(unreachable[0]); i++) {
        if (unreachable[i].call == pair->number && unreachable[i].error == pair->error) {
            return unreachable[i].reason;
        }
    }
    return NULL;
}

static void report_pair(const struct test_pair *pair)
{
    char name[80];
    const char *reason = reason_of(pair);
    rt_format(name, sizeof(name), "%s gives %s", pair->call, status_name(pair->error));
    if (reason != NULL && !test_is_covered(pair->number, pair->error)) {
        print("# %s: cannot be caused: %s\n", name, reason);
        return;
    }
    test_report(test_is_covered(pair->number, pair->error), name, "");
}

static void every_documented_error_was_caused(void)
{
    for (size_t i = 0; i < sizeof(test_pairs) / sizeof(test_pairs[0]); i++) {
        report_pair(&test_pairs[i]);
    }
    (void)test_call_names;
}

static const struct test_case coverage_tests[] = {
    { "every documented error was caused", every_documented_error_was_caused, 0 },
};
const struct test_group coverage_group = TEST_GROUP(coverage);
