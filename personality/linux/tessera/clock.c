// SPDX-License-Identifier: MIT OR Apache-2.0
// Time from the time page, sleeping, and the alarm: a kernel timer wakes a helper thread, which
// kicks the one that runs guests.
#include <abi/info.h>
#include <personality/errors.h>
#include <tes/log.h>
#include <tes/startup.h>
#include <tes/thread.h>
#include <tes/time.h>

#include "platform.h"

#define ALARM_SLOT 0u
#define ALARM_BIT  1u

static struct {
    tes_notification_t notification;
    struct tes_worker *helper; // made with the first alarm
} alarm;

uint64_t platform_clock_monotonic_ns(void)
{
    return tes_time_monotonic_ns();
}

uint64_t platform_clock_realtime_ns(void)
{
    return tes_time_realtime_ns();
}

uint64_t platform_clock_cpu_ns(void)
{
    struct tes_info_process info;
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_process_any(tes_self()->process), TES_INFO_PROCESS, 0,
                                          (uint64_t)&info, sizeof(info), &written);
    return status == TES_OK ? info.runtime_ns : 0;
}

int platform_sleep_until(uint64_t deadline_ns)
{
    while (platform_clock_monotonic_ns() < deadline_ns) {
        if ((wait_for(WAIT_KICK, deadline_ns) & WAIT_KICK) != 0) {
            return -LINUX_EINTR;
        }
    }
    return 0;
}

static void alarm_thread(void *unused)
{
    uint64_t bits = 0;
    (void)unused;
    while (tes_notification_wait(alarm.notification, ALARM_BIT, 0, &bits) == TES_OK) {
        tes_status_t status = tes_notification_signal(wait_notification(), WAIT_KICK);
        if (status == TES_OK) {
            status = tes_thread_cancel(tes_self()->thread, TES_THREAD_CANCEL_KICK);
        }
        if (status != TES_OK) {
            tes_log("linux: kick: %s", tes_status_text(status));
        }
    }
}

static tes_status_t helper_start(void)
{
    const struct tes_worker_options options = { .name = "alarm" };
    tes_status_t status = tes_notification_create(tes_self()->quota, &alarm.notification);
    return status == TES_OK ? tes_worker_create(&options, alarm_thread, NULL, &alarm.helper)
                            : status;
}

void platform_alarm_at(uint64_t deadline_ns)
{
    bool is_armed = deadline_ns != UINT64_MAX;
    if (!is_armed && alarm.helper == NULL) {
        return;
    }
    tes_status_t status = alarm.helper == NULL ? helper_start() : TES_OK;
    if (status == TES_OK) {
        status =
            tes_timer_set(alarm.notification, ALARM_SLOT, ALARM_BIT, is_armed ? deadline_ns : 0, 0);
    }
    if (status != TES_OK) {
        tes_log("linux: no alarm: %s", tes_status_text(status));
    }
}

uint32_t platform_cpu_count(void)
{
    return tes_time_core_count();
}
