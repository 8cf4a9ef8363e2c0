// SPDX-License-Identifier: MIT OR Apache-2.0
// The time page: fields are consistent while its sequence is even and does not change.
#include <abi/time_page.h>
#include <abi_arch/registers.h>
#include <arch_user/ticks.h>
#include <rt/atomic.h>
#include <tes/time.h>

static const struct tes_time_page *time_page(void)
{
    return (const struct tes_time_page *)TES_TIME_PAGE_ADDRESS;
}

// Pairs with the kernel's release of sequence before and after it changes the fields.
static struct tes_time_page read_page(void)
{
    const struct tes_time_page *page = time_page();
    struct tes_time_page copy;
    uint32_t before = 0;
    uint32_t after = 0;
    do {
        before = atomic_load_u32(&page->sequence, ATOMIC_ACQUIRE);
        copy = *page;
        __atomic_thread_fence(ATOMIC_ACQUIRE);
        after = atomic_load_u32(&page->sequence, ATOMIC_RELAXED);
    } while (before != after || (before & 1) != 0);
    return copy;
}

uint64_t tes_time_monotonic_ns(void)
{
    struct tes_time_page page = read_page();
    uint64_t ticks = tes_arch_ticks() - page.base_ticks;
    return page.base_ns + (uint64_t)(((unsigned __int128)ticks * page.multiplier) >> page.shift);
}

uint64_t tes_time_realtime_ns(void)
{
    uint64_t base = time_page()->realtime_ns;
    return base != 0 ? base + tes_time_monotonic_ns() : 0;
}

uint64_t tes_time_ticks_to_ns(uint64_t ticks)
{
    struct tes_time_page page = read_page();
    return (uint64_t)(((unsigned __int128)ticks * page.multiplier) >> page.shift);
}

uint64_t tes_time_ticks_per_second(void)
{
    return time_page()->ticks_per_second;
}

uint32_t tes_time_core_count(void)
{
    return time_page()->core_count;
}
