// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls of group process on limits, priorities and use of resources, and futex for a process of one
// thread: nobody can wake a waiter but a signal or the time.

#include <personality/errors.h>
#include <personality/signals.h>

#include "guest.h"
#include "linux_calls.h"

#define PRIORITY_DEFAULT 20
#define PRIORITY_MAX     2
#define USAGE_THREAD     1
#define USAGE_CHILDREN   (-1)
#define NOFILE_HIGHEST   (UINT64_C(1) << 20) // fs.nr_open
#define NICE_MIN         (-20)
#define NICE_MAX         19

int64_t linux_call_getpriority(struct linux_task *task, int32_t which, int32_t who)
{
    (void)who;
    return which < 0 || which > PRIORITY_MAX ? -LINUX_EINVAL : PRIORITY_DEFAULT - task->nice;
}

int64_t linux_call_setpriority(struct linux_task *task, int32_t which, int32_t who, int32_t value)
{
    (void)who;
    if (which < 0 || which > PRIORITY_MAX) {
        return -LINUX_EINVAL;
    }
    int32_t nice = value < NICE_MIN ? NICE_MIN : value;
    task->nice = nice > NICE_MAX ? NICE_MAX : nice; // remembered: one process competes with nobody
    return 0;
}

static int limit_set(struct linux_task *task, uint32_t resource, uint64_t address)
{
    struct linux_rlimit wanted;
    struct linux_rlimit *limit = &task->limits[resource];
    if (linux_guest_read(task, &wanted, address, sizeof(wanted)) != 0) {
        return -LINUX_EFAULT;
    }
    if (wanted.current > wanted.maximum) {
        return -LINUX_EINVAL;
    }
    if (wanted.maximum > limit->maximum && task->credentials.euid != 0) {
        return -LINUX_EPERM;
    }
    if (resource == LINUX_RLIMIT_NOFILE && wanted.maximum > NOFILE_HIGHEST) {
        return -LINUX_EPERM;
    }
    *limit = wanted;
    return 0;
}

int64_t linux_call_prlimit64(struct linux_task *task, int32_t pid, uint32_t resource, uint64_t new,
                             uint64_t old)
{
    if (resource >= LINUX_RLIMIT_COUNT) {
        return -LINUX_EINVAL;
    }
    if (pid != 0 && (uint32_t)pid != task->pid) {
        return -LINUX_ESRCH;
    }
    const struct linux_rlimit before = task->limits[resource];
    int error = new == 0 ? 0 : limit_set(task, resource, new);
    if (error == 0 && old != 0) {
        error = linux_guest_write(task, old, &before, sizeof(before));
    }
    return error;
}

int64_t linux_call_getrlimit(struct linux_task *task, uint32_t resource, uint64_t limit)
{
    return linux_call_prlimit64(task, 0, resource, 0, limit);
}

int64_t linux_call_setrlimit(struct linux_task *task, uint32_t resource, uint64_t limit)
{
    return linux_call_prlimit64(task, 0, resource, limit, 0);
}

int64_t linux_call_getrusage(struct linux_task *task, int32_t who, uint64_t usage)
{
    struct linux_rusage result = { .counts = { 0 } };
    if (who < USAGE_CHILDREN || who > USAGE_THREAD) {
        return -LINUX_EINVAL;
    }
    if (who != USAGE_CHILDREN) {
        uint64_t time = platform_clock_cpu_ns();
        result.user.seconds = (int64_t)(time / LINUX_NS_PER_S);
        result.user.microseconds = (int64_t)(time % LINUX_NS_PER_S / LINUX_NS_PER_US);
    }
    return linux_guest_write(task, usage, &result, sizeof(result));
}

static int64_t futex_wait(struct linux_task *task, uint64_t deadline)
{
    if (linux_signal_is_pending(task)) {
        return -LINUX_ERESTART;
    }
    int result = platform_sleep_until(deadline);
    linux_signal_poll(task);
    return result == 0 ? -LINUX_ETIMEDOUT : -LINUX_ERESTART;
}

// The monotonic deadline of a wait; relative for WAIT, absolute on the named clock for WAIT_BITSET.
static int futex_deadline(const struct linux_task *task, uint64_t timeout, int32_t operation,
                          uint64_t *out_deadline)
{
    struct linux_timespec time;
    *out_deadline = UINT64_MAX;
    if (timeout == 0) {
        return 0;
    }
    if (linux_guest_read(task, &time, timeout, sizeof(time)) != 0) {
        return -LINUX_EFAULT;
    }
    if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= (int64_t)LINUX_NS_PER_S) {
        return -LINUX_EINVAL;
    }
    uint64_t value = 0;
    if (__builtin_mul_overflow((uint64_t)time.seconds, LINUX_NS_PER_S, &value) ||
        __builtin_add_overflow(value, (uint64_t)time.nanoseconds, &value)) {
        return 0;
    }
    uint64_t now = platform_clock_monotonic_ns();
    if (((uint32_t)operation & LINUX_FUTEX_CMD_MASK) == LINUX_FUTEX_WAIT) {
        *out_deadline = value > UINT64_MAX - now ? UINT64_MAX : now + value;
    } else if (((uint32_t)operation & LINUX_FUTEX_CLOCK_REALTIME) != 0) {
        uint64_t real = platform_clock_realtime_ns();
        *out_deadline = value > real ? now + (value - real) : now;
    } else {
        *out_deadline = value;
    }
    return 0;
}

int64_t linux_call_futex(struct linux_task *task,
                         const struct linux_call_futex_arguments *arguments)
{
    uint32_t word = 0;
    uint64_t deadline = 0;
    if ((arguments->address & (sizeof(word) - 1)) != 0) {
        return -LINUX_EINVAL;
    }
    switch ((uint32_t)arguments->operation & LINUX_FUTEX_CMD_MASK & ~128U) {
    case LINUX_FUTEX_WAIT:
    case LINUX_FUTEX_WAIT_BITSET:
        if (linux_guest_read(task, &word, arguments->address, sizeof(word)) != 0) {
            return -LINUX_EFAULT;
        }
        if (word != arguments->value) {
            return -LINUX_EAGAIN;
        }
        int error = futex_deadline(task, arguments->timeout, arguments->operation, &deadline);
        return error != 0 ? error : futex_wait(task, deadline);
    case LINUX_FUTEX_WAKE:
    case LINUX_FUTEX_WAKE_BITSET:
        return linux_guest_read(task, &word, arguments->address, sizeof(word)); // nobody waits
    default:
        task->container->refused_flags++;
        return -LINUX_ENOSYS;
    }
}
