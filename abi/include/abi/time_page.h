// SPDX-License-Identifier: MIT OR Apache-2.0
// The read-only time page, mapped at TES_TIME_PAGE_ADDRESS in every Space: reading a clock needs no
// call. Readers: read sequence (even), fields, sequence again; repeat if it changed. ns = base_ns +
// ((ticks - base_ticks) * multiplier >> shift).
#pragma once

#include <stdint.h>

struct tes_time_page {
    uint32_t sequence;
    uint32_t shift;
    uint64_t multiplier;
    uint64_t base_ticks;
    uint64_t base_ns;     // monotonic ns at base_ticks (0 at boot)
    uint64_t realtime_ns; // UTC ns since 1970 at monotonic 0; 0 if not known
    uint64_t ticks_per_second;
    uint32_t core_count;
    uint32_t has_counter; // 0: the counter is not usable from user space
};
