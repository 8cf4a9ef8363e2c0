// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the thread pointer is the FS base; the first word of what it points to is its own
// address.
#pragma once

#include <stdint.h>

static inline void *tes_arch_thread_pointer(void)
{
    void *block;
    __asm__("movq %%fs:0, %0" : "=r"(block));
    return block;
}

// The entry for thread_start of new threads: calls tes_thread_begin(argument0, argument1).
extern char tes_arch_thread_entry[];
