// SPDX-License-Identifier: MIT OR Apache-2.0
// The clock: nanoseconds since boot from the core's cycle counter (arch), and the page from which
// user space reads the same without a call.
#include <abi/time_page.h>
#include <arch/cpu.h>
#include <kernel/boot.h>
#include <kernel/memory.h>
#include <kernel/sched.h>

uint64_t time_now_ns(void)
{
    return cpu_time_ns();
}

// Written once, before anybody can read it: sequence stays even.
void time_init(void)
{
    struct tes_time_page *page = time_page_kernel();
    cpu_time_page_fill(page);
    page->realtime_ns = boot_info.realtime_ns;
    page->core_count = cpu_count;
}
