// SPDX-License-Identifier: MIT OR Apache-2.0
// The guest's three streams over the `stream` interface, and the two outputs of the personality
// itself. Nothing here waits in a call to a server: what is not ready is watched, and waited for
// together with kicks, so an interrupted read loses no byte.
#include <personality/errors.h>
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/log.h>
#include <tes/startup.h>
#include <tes/stream.h>
#include <tes/time.h>

#include "platform.h"

#define STREAM_COUNT  3u
#define STREAM_ERROR  2u
#define STREAM_MASK   ((1u << STREAM_COUNT) - 1)
#define WATCH_LIFE_NS TES_NS_PER_SECOND // a server that died has forgotten who watches

static_assert(PLATFORM_READABLE == TES_STREAM_READABLE &&
                  PLATFORM_WRITABLE == TES_STREAM_WRITABLE && PLATFORM_HANGUP == TES_STREAM_HANGUP,
              "one encoding of readiness");

static struct stream {
    tes_endpoint_t endpoint;
    enum platform_stream_kind kind;
    uint32_t watched; // asked for, and not signalled yet
} streams[STREAM_COUNT];

void streams_init(void)
{
    static const char *const names[STREAM_COUNT] = { "stdin", "stdout", "stderr" };
    for (uint32_t i = 0; i < STREAM_COUNT; i++) {
        struct tes_stream_info info = { .kind = TES_STREAM_NONE };
        streams[i].endpoint = tes_endpoint_from(tes_startup_handle(names[i]));
        bool is_there =
            streams[i].endpoint.value != 0 && tes_stream_info(streams[i].endpoint, &info) == TES_OK;
        streams[i].kind = !is_there                          ? PLATFORM_STREAM_NONE
                          : info.kind == TES_STREAM_TERMINAL ? PLATFORM_STREAM_TERMINAL
                                                             : PLATFORM_STREAM_PIPE;
    }
}

enum platform_stream_kind platform_stream_kind(uint32_t stream)
{
    return streams[stream].kind;
}

static int64_t error_of(tes_status_t status)
{
    switch (status) {
    case TES_ERROR_WOULD_BLOCK:
        return -LINUX_EAGAIN;
    case TES_STREAM_CLOSED:
        return -LINUX_EPIPE;
    case TES_STREAM_NO_SPACE:
        return -LINUX_ENOSPC;
    default:
        return -LINUX_EIO;
    }
}

// What is ready; if nothing asked for is, the server will say when.
static uint32_t stream_poll(uint32_t index, uint32_t asked, bool will_wait)
{
    struct stream *stream = &streams[index];
    bool is_watched = (stream->watched & asked) == asked;
    tes_notification_t none = { 0 };
    uint64_t ready = 0;
    tes_status_t status = tes_stream_poll(stream->endpoint, asked,
                                          will_wait && !is_watched ? wait_notification() : none,
                                          UINT64_C(1) << index, &ready);
    if (status == TES_ERROR_BUSY) {
        return 0; // nobody will tell: the wait's slices look again
    }
    if (status != TES_OK) {
        return PLATFORM_HANGUP;
    }
    if (will_wait && ready == 0) {
        stream->watched |= asked;
    }
    return (uint32_t)ready;
}

static uint32_t poll_all(const uint32_t asked[STREAM_COUNT], uint32_t ready[STREAM_COUNT],
                         bool will_wait)
{
    uint32_t any = 0;
    for (uint32_t i = 0; i < STREAM_COUNT; i++) {
        ready[i] = asked[i] == 0 ? 0 : stream_poll(i, asked[i], will_wait);
        any |= ready[i];
    }
    return any;
}

int platform_stream_wait(uint32_t bits[3], uint64_t deadline_ns)
{
    const uint32_t asked[STREAM_COUNT] = { bits[0], bits[1], bits[2] };
    for (;;) {
        uint64_t now = platform_clock_monotonic_ns();
        bool is_late = deadline_ns <= now;
        if (poll_all(asked, bits, !is_late) != 0) {
            return 1;
        }
        if (is_late) {
            return 0;
        }
        uint64_t got = wait_for(STREAM_MASK | WAIT_KICK, min_u64(deadline_ns, now + WATCH_LIFE_NS));
        for (uint32_t i = 0; i < STREAM_COUNT; i++) {
            streams[i].watched = (got >> i & 1) != 0 ? 0 : streams[i].watched;
        }
        if ((got & WAIT_KICK) != 0) {
            return -LINUX_EINTR;
        }
    }
}

static int stream_wait_one(uint32_t stream, uint32_t asked)
{
    uint32_t bits[STREAM_COUNT] = { 0 };
    bits[stream] = asked;
    return platform_stream_wait(bits, UINT64_MAX) < 0 ? -LINUX_EINTR : 0;
}

int64_t platform_stream_read(uint32_t stream, void *buffer, size_t size, bool may_wait)
{
    for (;;) {
        uint64_t count = 0;
        tes_status_t status =
            tes_stream_read(streams[stream].endpoint, buffer, size, TES_STREAM_NOWAIT, &count);
        if (status == TES_OK) {
            return (int64_t)count;
        }
        if (status == TES_STREAM_CLOSED) {
            return -LINUX_EBADF; // not open for reading
        }
        if (status != TES_ERROR_WOULD_BLOCK || !may_wait) {
            return error_of(status);
        }
        int error = stream_wait_one(stream, PLATFORM_READABLE);
        if (error != 0) {
            return error;
        }
    }
}

int64_t platform_stream_write(uint32_t stream, const void *buffer, size_t size, bool may_wait)
{
    size_t done = 0;
    while (done < size) {
        uint64_t count = 0;
        tes_status_t status =
            tes_stream_write(streams[stream].endpoint, (const uint8_t *)buffer + done, size - done,
                             TES_STREAM_NOWAIT, &count);
        done += status == TES_OK ? count : 0;
        if (status == TES_OK) {
            continue;
        }
        int64_t error = error_of(status);
        if (status == TES_ERROR_WOULD_BLOCK && may_wait) {
            error = stream_wait_one(stream, PLATFORM_WRITABLE);
        }
        if (error != 0) {
            return done != 0 ? (int64_t)done : error;
        }
    }
    return (int64_t)done;
}

bool platform_stream_size(uint32_t stream, uint16_t *rows, uint16_t *columns)
{
    struct tes_stream_info info;
    if (tes_stream_info(streams[stream].endpoint, &info) != TES_OK || info.rows == 0) {
        return false;
    }
    *rows = (uint16_t)info.rows;
    *columns = (uint16_t)info.columns;
    return true;
}

void platform_log(const char *line)
{
    tes_log("%s", line);
}

void platform_trace(const char *line)
{
    // Nobody may read the trace any more: the guest runs on.
    (void)!tes_stream_write_all(streams[STREAM_ERROR].endpoint, line, strlen(line));
    (void)!tes_stream_write_all(streams[STREAM_ERROR].endpoint, "\n", 1);
}
