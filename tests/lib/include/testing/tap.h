// SPDX-License-Identifier: MIT OR Apache-2.0
// TAP for host tests: tap_test runs a function, in which CHECK notes what does not hold.
#pragma once

#include <stdbool.h>

#define CHECK(condition) tap_check(condition, #condition, __FILE__, __LINE__)

void tap_check(bool holds, const char *text, const char *file, int line);
void tap_test(const char *name, void (*run)(void));
// The plan; what main returns.
int tap_end(void);
