// SPDX-License-Identifier: MIT OR Apache-2.0
// Chooses the group of rows by the option `bench=`, and `row=` a single one.
#include "measure.h"

#include <rt/string.h>

#define NAME_SIZE 24u

struct row {
    const char *name;
    void (*run)(void);
    bool in_time;
};

static const struct row rows[] = {
    { "simple", bench_simple, true },    { "call64", bench_call64, true },
    { "wait", bench_signal_wait, true }, { "yield", bench_yield, true },
    { "guest", bench_guest, true },      { "memory", bench_memory, false },
    { "lease", bench_lease, false },     { "revoke", bench_revoke, false },
    { "life", bench_life, false },
};

void helper_create(struct child *child, uint64_t core_mask)
{
    const struct child_options options = {
        .name = "helper",
        .priority = BENCH_PRIORITY,
        .core_mask = core_mask,
    };
    MUST(child_create(child, &options));
}

static void run_rows(bool is_time, const char *only)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_wanted = only[0] == '\0' || strcmp(only, rows[i].name) == 0;
        if (is_wanted && (rows[i].in_time || !is_time)) {
            rows[i].run();
        }
    }
}

uint32_t program_main(void)
{
    char group[NAME_SIZE] = "counted";
    char only[NAME_SIZE] = "";
    (void)program_option("bench", group, sizeof(group)); // the default stands
    (void)program_option("row", only, sizeof(only));
    bool is_time = strcmp(group, "time") == 0;
    measure_init(is_time);
    if (strcmp(group, "cores") == 0) {
        bench_cross_core();
        bench_smp2(true);
    } else if (strcmp(group, "speedup") == 0) {
        bench_smp2(false);
    } else {
        run_rows(is_time, only);
    }
    return PROGRAM_EXIT_GOOD;
}
