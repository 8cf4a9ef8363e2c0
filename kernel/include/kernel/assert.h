// SPDX-License-Identifier: MIT OR Apache-2.0
// ASSERT is on in every build: a broken invariant is a panic. Never on data from users, devices or
// peers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2), cold));
_Noreturn void assert_fail(const char *condition, const char *file, int line) __attribute__((cold));

// Name of the kernel function that address lies in, with the distance from its start; null: none is
// known.
const char *symbol_find(uintptr_t address, uint64_t *out_offset);

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            assert_fail(#condition, __FILE_NAME__, __LINE__);                                      \
        }                                                                                          \
    } while (0)

#ifdef CONFIG_DEBUG
#define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#define DEBUG_ASSERT(condition) ((void)sizeof(condition))
#endif

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__ // gcc 12 has no __FILE_NAME__; -fmacro-prefix-map keeps it short
#endif
