// SPDX-License-Identifier: MIT OR Apache-2.0
// Log lines, through the Resource named "log" that the component was given; without one they
// vanish. And ASSERT for components: a broken invariant ends the process with a line that names it.
#pragma once

#include <abi/objects.h>

#define TES_LOG_LINE_MAX 240u // what the kernel takes

void tes_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Another Resource than the one named "log" (init).
void tes_log_set(tes_resource_t resource);

_Noreturn void tes_assert_fail(const char *condition, const char *file, int line);

#define TES_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            tes_assert_fail(#condition, __FILE__, __LINE__);                                       \
        }                                                                                          \
    } while (0)

// What a status means in words, for people.
const char *tes_status_text(int status);
