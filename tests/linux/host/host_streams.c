// SPDX-License-Identifier: MIT OR Apache-2.0
// Streams, time, memory and outputs of the personality's platform on a Linux host; the guest itself
// is in platform_host.c.

#define _GNU_SOURCE // NOLINT(readability-identifier-naming): the C library's name
#include <personality/platform.h>

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS 1000000

static struct {
    int trace_fd;
    int log_fd;
} host = { .trace_fd = -1, .log_fd = -1 };

void host_set_outputs(int trace_fd, int log_fd)
{
    host.trace_fd = trace_fd;
    host.log_fd = log_fd;
}

enum platform_stream_kind platform_stream_kind(uint32_t stream)
{
    if (fcntl((int)stream, F_GETFD) < 0) {
        return PLATFORM_STREAM_NONE;
    }
    return isatty((int)stream) ? PLATFORM_STREAM_TERMINAL : PLATFORM_STREAM_PIPE;
}

static bool stream_ready(uint32_t stream, short events)
{
    struct pollfd entry = { .fd = (int)stream, .events = events };
    return poll(&entry, 1, 0) > 0;
}

int64_t platform_stream_read(uint32_t stream, void *buffer, size_t size, bool may_wait)
{
    if (!may_wait && !stream_ready(stream, POLLIN)) {
        return -EAGAIN;
    }
    ssize_t count = read((int)stream, buffer, size);
    return count < 0 ? -errno : count;
}

int64_t platform_stream_write(uint32_t stream, const void *buffer, size_t size, bool may_wait)
{
    if (!may_wait && !stream_ready(stream, POLLOUT)) {
        return -EAGAIN;
    }
    ssize_t count = write((int)stream, buffer, size);
    return count < 0 ? -errno : count;
}

static int timeout_ms(uint64_t deadline_ns)
{
    uint64_t now = platform_clock_monotonic_ns();
    if (deadline_ns == UINT64_MAX) {
        return -1;
    }
    uint64_t left = deadline_ns > now ? (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

int platform_stream_wait(uint32_t bits[3], uint64_t deadline_ns)
{
    struct pollfd entries[3];
    for (int stream = 0; stream < 3; stream++) {
        entries[stream] = (struct pollfd){ .fd = bits[stream] == 0 ? -1 : stream };
        entries[stream].events |= (bits[stream] & PLATFORM_READABLE) != 0 ? POLLIN : 0;
        entries[stream].events |= (bits[stream] & PLATFORM_WRITABLE) != 0 ? POLLOUT : 0;
    }
    int count = poll(entries, 3, timeout_ms(deadline_ns));
    for (int stream = 0; stream < 3; stream++) {
        short events = entries[stream].revents;
        bits[stream] = ((events & POLLIN) != 0 ? PLATFORM_READABLE : 0U) |
                       ((events & POLLOUT) != 0 ? PLATFORM_WRITABLE : 0U) |
                       ((events & (POLLHUP | POLLERR)) != 0 ? PLATFORM_HANGUP : 0U);
    }
    if (count < 0) {
        return -EINTR;
    }
    return count > 0 ? 1 : 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the interface is for those that know a size
bool platform_stream_size(uint32_t stream, uint16_t *rows, uint16_t *columns)
{
    (void)stream;
    (void)rows;
    (void)columns;
    return false;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t platform_clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t platform_clock_realtime_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

uint64_t platform_clock_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int platform_sleep_until(uint64_t deadline_ns)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_ns / NS_PER_S),
                              .tv_nsec = (long)(deadline_ns % NS_PER_S) };
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0 ? 0 : -EINTR;
}

static void alarm_kick(int number)
{
    (void)number;
    host_kick();
}

void platform_alarm_at(uint64_t deadline_ns)
{
    static timer_t timer;
    static bool is_made;
    struct itimerspec when = { .it_value = { 0, 0 } };
    if (!is_made) {
        struct sigaction action = { .sa_handler = alarm_kick };
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
        (void)sigaction(SIGALRM, &action, NULL);
        is_made = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    }
    if (deadline_ns != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_S);
        when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_S);
    }
    (void)timer_settime(timer, TIMER_ABSTIME, &when, NULL);
}

void platform_random(void *buffer, size_t size)
{
    while (size > 0) {
        ssize_t count = getrandom(buffer, size, 0);
        if (count < 0) {
            host_fail("getrandom");
        }
        buffer = (uint8_t *)buffer + count;
        size -= (size_t)count;
    }
}

void platform_log(const char *line)
{
    if (host.log_fd >= 0) {
        (void)dprintf(host.log_fd, "%s\n", line);
    }
}

void platform_trace(const char *line)
{
    if (host.trace_fd >= 0) {
        (void)dprintf(host.trace_fd, "%s\n", line);
    }
}

void platform_memory_info(struct platform_memory_info *out_info)
{
    struct sysinfo info;
    (void)sysinfo(&info);
    out_info->total = info.totalram;
    out_info->free = info.freeram;
}

uint32_t platform_cpu_count(void)
{
    return (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

void *platform_page_alloc(size_t count)
{
    void *pages = NULL;
    if (posix_memalign(&pages, LINUX_PAGE_SIZE, count * LINUX_PAGE_SIZE) != 0) {
        return NULL;
    }
    memset(pages, 0, count * LINUX_PAGE_SIZE);
    return pages;
}

void platform_page_free(void *pages, size_t count)
{
    (void)count;
    free(pages);
}
