// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel's own function names, put in by the build (tools/ksyms): for the panic's backtrace.
// A function's offset is its address minus kernel_symbol_base, wherever the kernel runs. Sorted by
// offset.
#pragma once

#include <stdint.h>

struct kernel_symbol {
    int32_t offset;
    uint32_t name; // index into kernel_symbol_names, NUL-terminated
};

extern const char kernel_symbol_base[];
extern const uint32_t kernel_symbol_count;
extern const struct kernel_symbol kernel_symbol_table[];
extern const char kernel_symbol_names[];
