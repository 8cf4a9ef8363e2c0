// SPDX-License-Identifier: MIT OR Apache-2.0
// Names of the kernel's own functions, for backtraces. tools/ksyms links the table in; it may be
// empty.
#include <kernel/assert.h>
#include <kernel/symbols.h>

#include <stddef.h>

const char *symbol_find(uintptr_t address, uint64_t *out_offset)
{
    int64_t wanted = (int64_t)(address - (uintptr_t)kernel_symbol_base);
    uint32_t low = 0;
    uint32_t high = kernel_symbol_count;
    while (low < high) { // first that starts behind wanted
        uint32_t middle = low + (high - low) / 2;
        if (kernel_symbol_table[middle].offset <= wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    const struct kernel_symbol *found = &kernel_symbol_table[low - 1];
    *out_offset = (uint64_t)(wanted - found->offset);
    return &kernel_symbol_names[found->name];
}
