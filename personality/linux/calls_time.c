// SPDX-License-Identifier: MIT OR Apache-2.0
// Clocks, sleeping and the one interval timer (ITIMER_REAL and alarm).

#include <personality/errors.h>
#include <personality/signals.h>

#include "guest.h"
#include "linux_calls.h"

#define ITIMER_REAL      0
#define ITIMER_LAST      2
#define CLOCK_RESOLUTION 1
#define COARSE_NS        4000000 // one tick of a 250 Hz kernel, as Debian's

// The clock's time; false for a clock that does not exist.
static bool clock_read(uint32_t clock, uint64_t *out_ns)
{
    switch (clock) {
    case LINUX_CLOCK_REALTIME:
    case LINUX_CLOCK_REALTIME_COARSE:
        *out_ns = platform_clock_realtime_ns();
        return true;
    case LINUX_CLOCK_MONOTONIC:
    case LINUX_CLOCK_MONOTONIC_RAW:
    case LINUX_CLOCK_MONOTONIC_COARSE:
    case LINUX_CLOCK_BOOTTIME:
        *out_ns = platform_clock_monotonic_ns();
        return true;
    case LINUX_CLOCK_PROCESS_CPUTIME_ID:
    case LINUX_CLOCK_THREAD_CPUTIME_ID:
        *out_ns = platform_clock_cpu_ns();
        return true;
    default:
        return false;
    }
}

static int timespec_put(const struct linux_task *task, uint64_t address, uint64_t time_ns)
{
    const struct linux_timespec time = { (int64_t)(time_ns / LINUX_NS_PER_S),
                                         (int64_t)(time_ns % LINUX_NS_PER_S) };
    return linux_guest_write(task, address, &time, sizeof(time));
}

int64_t linux_call_clock_gettime(struct linux_task *task, uint32_t clock, uint64_t time)
{
    uint64_t now = 0;
    return clock_read(clock, &now) ? timespec_put(task, time, now) : -LINUX_EINVAL;
}

int64_t linux_call_clock_getres(struct linux_task *task, uint32_t clock, uint64_t time)
{
    uint64_t now = 0;
    if (!clock_read(clock, &now)) {
        return -LINUX_EINVAL;
    }
    bool is_coarse = clock == LINUX_CLOCK_REALTIME_COARSE || clock == LINUX_CLOCK_MONOTONIC_COARSE;
    return time == 0 ? 0 : timespec_put(task, time, is_coarse ? COARSE_NS : CLOCK_RESOLUTION);
}

// Nanoseconds of a timespec that has been checked; the largest value when it does not fit.
static int timespec_get(const struct linux_task *task, uint64_t address, uint64_t *out_ns)
{
    struct linux_timespec time;
    if (linux_guest_read(task, &time, address, sizeof(time)) != 0) {
        return -LINUX_EFAULT;
    }
    if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= (int64_t)LINUX_NS_PER_S) {
        return -LINUX_EINVAL;
    }
    if (__builtin_mul_overflow((uint64_t)time.seconds, LINUX_NS_PER_S, out_ns) ||
        __builtin_add_overflow(*out_ns, (uint64_t)time.nanoseconds, out_ns)) {
        *out_ns = UINT64_MAX;
    }
    return 0;
}

static int64_t sleep_until(struct linux_task *task, uint64_t deadline, uint64_t remain)
{
    uint64_t now = 0;
    do {
        if (linux_signal_is_pending(task)) {
            now = platform_clock_monotonic_ns();
            uint64_t left = deadline > now ? deadline - now : 0;
            if (remain != 0 && timespec_put(task, remain, left) != 0) {
                return -LINUX_EFAULT;
            }
            return -LINUX_EINTR;
        }
        (void)platform_sleep_until(deadline); // a kick ends it early: looked at here
        linux_signal_poll(task);
        now = platform_clock_monotonic_ns();
    } while (now < deadline);
    return 0;
}

int64_t linux_call_clock_nanosleep(struct linux_task *task, uint32_t clock, int32_t flags,
                                   uint64_t request, uint64_t remain)
{
    uint64_t clock_now = 0;
    uint64_t time = 0;
    if (!clock_read(clock, &clock_now) || clock == LINUX_CLOCK_THREAD_CPUTIME_ID) {
        return -LINUX_EINVAL;
    }
    int error = timespec_get(task, request, &time);
    if (error != 0) {
        return error;
    }
    bool is_absolute = ((uint32_t)flags & LINUX_TIMER_ABSTIME) != 0;
    if (is_absolute) {
        time = time > clock_now ? time - clock_now : 0;
    }
    uint64_t now = platform_clock_monotonic_ns();
    uint64_t deadline = time > UINT64_MAX - now ? UINT64_MAX : now + time;
    return sleep_until(task, deadline, is_absolute ? 0 : remain);
}

int64_t linux_call_nanosleep(struct linux_task *task, uint64_t request, uint64_t remain)
{
    return linux_call_clock_nanosleep(task, LINUX_CLOCK_MONOTONIC, 0, request, remain);
}

int64_t linux_call_gettimeofday(struct linux_task *task, uint64_t time, uint64_t zone)
{
    static const int32_t utc[2] = { 0, 0 };
    uint64_t now = platform_clock_realtime_ns();
    const struct linux_timeval value = { (int64_t)(now / LINUX_NS_PER_S),
                                         (int64_t)(now % LINUX_NS_PER_S / LINUX_NS_PER_US) };
    if (time != 0 && linux_guest_write(task, time, &value, sizeof(value)) != 0) {
        return -LINUX_EFAULT;
    }
    return zone == 0 ? 0 : linux_guest_write(task, zone, utc, sizeof(utc));
}

int64_t linux_call_time(struct linux_task *task, uint64_t time)
{
    int64_t now = (int64_t)(platform_clock_realtime_ns() / LINUX_NS_PER_S);
    if (time != 0 && linux_guest_write(task, time, &now, sizeof(now)) != 0) {
        return -LINUX_EFAULT;
    }
    return now;
}

int64_t linux_call_times(struct linux_task *task, uint64_t buffer)
{
    const struct linux_tms times = { .user = (int64_t)(platform_clock_cpu_ns() /
                                                       (LINUX_NS_PER_S / LINUX_HZ)) };
    if (buffer != 0 && linux_guest_write(task, buffer, &times, sizeof(times)) != 0) {
        return -LINUX_EFAULT;
    }
    return (int64_t)(platform_clock_monotonic_ns() / (LINUX_NS_PER_S / LINUX_HZ));
}

static uint64_t alarm_left(const struct linux_task *task)
{
    if (task->alarm_at_ns == UINT64_MAX) {
        return 0;
    }
    uint64_t now = platform_clock_monotonic_ns();
    return task->alarm_at_ns > now ? task->alarm_at_ns - now : 1;
}

static void alarm_set(struct linux_task *task, uint64_t value, uint64_t interval)
{
    uint64_t now = platform_clock_monotonic_ns();
    bool is_far = value > UINT64_MAX - 1 - now;
    task->alarm_at_ns = value == 0 || is_far ? UINT64_MAX : now + value;
    task->alarm_interval_ns = interval;
    platform_alarm_at(task->alarm_at_ns);
}

int64_t linux_call_alarm(struct linux_task *task, uint32_t seconds)
{
    uint64_t left = alarm_left(task);
    alarm_set(task, (uint64_t)seconds * LINUX_NS_PER_S, 0);
    uint64_t whole = left / LINUX_NS_PER_S;
    bool rounds_up = (whole == 0 && left != 0) || left % LINUX_NS_PER_S >= LINUX_NS_PER_S / 2;
    return (int64_t)(whole + (rounds_up ? 1 : 0));
}

static struct linux_timeval timeval_of(uint64_t time_ns)
{
    return (struct linux_timeval){ (int64_t)(time_ns / LINUX_NS_PER_S),
                                   (int64_t)(time_ns % LINUX_NS_PER_S / LINUX_NS_PER_US) };
}

static bool timeval_ns(const struct linux_timeval *time, uint64_t *out_ns)
{
    if (time->seconds < 0 || time->microseconds < 0 || time->microseconds >= LINUX_US_PER_S) {
        return false;
    }
    if (__builtin_mul_overflow((uint64_t)time->seconds, LINUX_NS_PER_S, out_ns)) {
        *out_ns = UINT64_MAX;
        return true;
    }
    *out_ns += (uint64_t)time->microseconds * LINUX_NS_PER_US;
    return true;
}

int64_t linux_call_getitimer(struct linux_task *task, int32_t which, uint64_t value)
{
    struct linux_itimerval timer = { .value = { 0, 0 } };
    if (which < ITIMER_REAL || which > ITIMER_LAST) {
        return -LINUX_EINVAL;
    }
    if (which == ITIMER_REAL) {
        timer.value = timeval_of(alarm_left(task));
        timer.interval = timeval_of(task->alarm_interval_ns);
    }
    return linux_guest_write(task, value, &timer, sizeof(timer));
}

int64_t linux_call_setitimer(struct linux_task *task, int32_t which, uint64_t new, uint64_t old)
{
    struct linux_itimerval timer = { .value = { 0, 0 } };
    uint64_t value = 0;
    uint64_t interval = 0;
    if (new != 0 && linux_guest_read(task, &timer, new, sizeof(timer)) != 0) {
        return -LINUX_EFAULT;
    }
    if (!timeval_ns(&timer.value, &value) || !timeval_ns(&timer.interval, &interval)) {
        return -LINUX_EINVAL;
    }
    if (which != ITIMER_REAL) {
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
    if (old != 0) {
        int64_t error = linux_call_getitimer(task, which, old);
        if (error != 0) {
            return error;
        }
    }
    alarm_set(task, value, interval);
    return 0;
}
