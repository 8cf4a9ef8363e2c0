// SPDX-License-Identifier: MIT OR Apache-2.0
// The system below lib/tes on a host: pages, a lock and the end of the program.
#include <heap_pages.h>
#include <stdio.h>
#include <stdlib.h>
#include <tes/log.h>

bool heap_pages_get(uint64_t size, struct tes_pages *out_pages)
{
    void *address = NULL;
    if (posix_memalign(&address, TES_PAGE_SIZE, size) != 0) {
        return false;
    }
    for (uint64_t i = 0; i < size; i++) {
        ((unsigned char *)address)[i] = 0;
    }
    *out_pages = (struct tes_pages){ .address = address, .size = size };
    return true;
}

void heap_pages_put(struct tes_pages *pages)
{
    free(pages->address);
}

void heap_lock(void)
{
}

void heap_unlock(void)
{
}

_Noreturn void tes_assert_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}
