// SPDX-License-Identifier: MIT OR Apache-2.0
// The component's heap: size classes up to half a page's worth of blocks, whole pages beyond, a
// limit in bytes. Any thread may use it.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Zeroed memory, or NULL when the limit or the Quota is reached.
void *tes_alloc(size_t size);
// Keeps the contents up to the smaller size. NULL: nothing changed.
void *tes_resize(void *block, size_t size);
// NULL is allowed.
void tes_free(void *block);
char *tes_string_dup(const char *text);

void tes_heap_limit(size_t bytes);
size_t tes_heap_used(void); // bytes of pages taken from the Quota
