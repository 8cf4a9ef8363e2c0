// SPDX-License-Identifier: MIT OR Apache-2.0
// Clocks from the read-only time page: no kernel call.
#pragma once

#include <stdint.h>

#define TES_NS_PER_US     1000ull
#define TES_NS_PER_MS     1000000ull
#define TES_NS_PER_SECOND 1000000000ull

uint64_t tes_time_monotonic_ns(void);
// UTC since 1970; 0 if the machine's clock is not known.
uint64_t tes_time_realtime_ns(void);
uint64_t tes_time_ticks_to_ns(uint64_t ticks);
uint64_t tes_time_ticks_per_second(void);
uint32_t tes_time_core_count(void);

struct tes_date {
    uint32_t year, month, day, hour, minute, second,
        weekday; // month, day from 1; weekday 0: Sunday
};
// Proleptic Gregorian calendar, UTC.
struct tes_date tes_date_from_seconds(uint64_t seconds_since_1970);
