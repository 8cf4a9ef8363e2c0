// SPDX-License-Identifier: MIT OR Apache-2.0
// The personality's own pages: one sparse Memory, mapped once, with a bit for each page. Pages are
// paid for when they are taken, so that touching them never fails, and go back with their contents.
#include <abi/info.h>
#include <rt/bits.h>
#include <tes/memory.h>
#include <tes/startup.h>

#include "platform.h"

#define PAGES_MAX 32768u // 128 MiB
#define WORD_BITS 64u

static struct {
    struct tes_pages area;
    tes_quota_t guest_quota;
    uint64_t used[PAGES_MAX / WORD_BITS];
    size_t limit;
    size_t first_free; // no free page below
} own;

tes_status_t pages_init(uint64_t page_limit, tes_quota_t guest_quota)
{
    own.limit = min_u64(page_limit, PAGES_MAX);
    own.guest_quota = guest_quota;
    return tes_pages_create(own.limit << TES_PAGE_SHIFT, &own.area);
}

static bool is_used(size_t page)
{
    return (own.used[page / WORD_BITS] >> (page % WORD_BITS) & 1) != 0;
}

static void mark(size_t first, size_t count, bool is_taken)
{
    for (size_t page = first; page < first + count; page++) {
        uint64_t bit = UINT64_C(1) << (page % WORD_BITS);
        uint64_t *word = &own.used[page / WORD_BITS];
        *word = is_taken ? *word | bit : *word & ~bit;
    }
}

// The first run of count free pages, or own.limit.
static size_t find(size_t count)
{
    size_t run = 0;
    for (size_t page = own.first_free; page < own.limit; page++) {
        run = is_used(page) ? 0 : run + 1;
        if (run == count) {
            return page + 1 - count;
        }
    }
    return own.limit;
}

static tes_status_t control(uint64_t operation, size_t first, size_t count)
{
    return tes_memory_control(own.area.memory, operation, first << TES_PAGE_SHIFT,
                              count << TES_PAGE_SHIFT);
}

void *platform_page_alloc(size_t count)
{
    size_t first = count == 0 || count > own.limit ? own.limit : find(count);
    if (first == own.limit) {
        return NULL;
    }
    if (control(TES_MEMORY_CONTROL_COMMIT, first, count) != TES_OK) {
        (void)!control(TES_MEMORY_CONTROL_DISCARD, first, count); // what was filled of it
        return NULL;
    }
    mark(first, count, true);
    own.first_free = first == own.first_free ? first + count : own.first_free;
    return (uint8_t *)own.area.address + (first << TES_PAGE_SHIFT);
}

void platform_page_free(void *pages, size_t count)
{
    size_t first = (size_t)((uint8_t *)pages - (uint8_t *)own.area.address) >> TES_PAGE_SHIFT;
    (void)!control(TES_MEMORY_CONTROL_DISCARD, first, count); // the range is ours: cannot fail
    mark(first, count, false);
    own.first_free = min_u64(own.first_free, first);
}

void platform_memory_info(struct platform_memory_info *out_info)
{
    struct tes_info_quota info = { .pages_limit = 0 };
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_quota_any(own.guest_quota), TES_INFO_QUOTA, 0,
                                          (uint64_t)&info, sizeof(info), &written);
    bool is_known = status == TES_OK;
    out_info->total = is_known ? info.pages_limit << TES_PAGE_SHIFT : 0;
    out_info->free = is_known ? (info.pages_limit - info.pages_used) << TES_PAGE_SHIFT : 0;
}
