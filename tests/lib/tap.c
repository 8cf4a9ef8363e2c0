// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts tests and prints TAP.
#include <stdio.h>
#include <testing/tap.h>

static struct {
    unsigned tests;
    unsigned failures;
    bool is_bad;
} tap;

void tap_check(bool holds, const char *text, const char *file, int line)
{
    if (!holds) {
        printf("# %s:%d: %s\n", file, line, text);
        tap.is_bad = true;
    }
}

void tap_test(const char *name, void (*run)(void))
{
    tap.is_bad = false;
    run();
    tap.failures += tap.is_bad;
    printf("%sok %u - %s\n", tap.is_bad ? "not " : "", ++tap.tests, name);
}

int tap_end(void)
{
    printf("1..%u\n", tap.tests);
    return tap.failures != 0;
}
