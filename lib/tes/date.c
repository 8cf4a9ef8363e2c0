// SPDX-License-Identifier: MIT OR Apache-2.0
// From seconds to a calendar date, by eras of 400 years that begin on 1 March.
#include <tes/time.h>

#define SECONDS_PER_DAY    86400u
#define SECONDS_PER_HOUR   3600u
#define SECONDS_PER_MINUTE 60u
#define DAYS_TO_1970       719468u // from 0000-03-01
#define DAYS_PER_ERA       146097u
#define YEARS_PER_ERA      400u
#define WEEKDAY_1970       4u // a Thursday
#define DAYS_PER_WEEK      7u

struct tes_date tes_date_from_seconds(uint64_t seconds)
{
    uint64_t days = seconds / SECONDS_PER_DAY;
    uint32_t rest = (uint32_t)(seconds % SECONDS_PER_DAY);
    uint64_t shifted = days + DAYS_TO_1970;
    uint64_t era = shifted / DAYS_PER_ERA;
    uint32_t day_of_era = (uint32_t)(shifted % DAYS_PER_ERA);
    // 1460, 36524, 146096: days of 4, 100 and 400 years, less the leap day that only the last has.
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153; // five months have 153 days
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct tes_date){
        .year = (uint32_t)(era * YEARS_PER_ERA) + year_of_era + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
        .hour = rest / SECONDS_PER_HOUR,
        .minute = rest / SECONDS_PER_MINUTE % SECONDS_PER_MINUTE,
        .second = rest % SECONDS_PER_MINUTE,
        .weekday = (uint32_t)((days + WEEKDAY_1970) % DAYS_PER_WEEK),
    };
}
