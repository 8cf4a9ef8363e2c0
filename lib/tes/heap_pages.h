// SPDX-License-Identifier: MIT OR Apache-2.0
// What the heap needs of the system: pages and a lock. heap_pages.c has it for components, tests
// bring their own.
#pragma once

#include <tes/memory.h>

bool heap_pages_get(uint64_t size, struct tes_pages *out_pages);
void heap_pages_put(struct tes_pages *pages);
void heap_lock(void);
void heap_unlock(void);
