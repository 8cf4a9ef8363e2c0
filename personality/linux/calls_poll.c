// SPDX-License-Identifier: MIT OR Apache-2.0
// poll, ppoll, select, pselect6. Files and pipes are ready or not at once; only streams can become
// ready while waiting, so the wait is the platform's wait on the three streams.

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "pipe.h"
#include "special.h"

#define STREAM_COUNT 3U
#define ALWAYS_READY (LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLRDNORM | LINUX_POLLWRNORM)
#define SETS         3U
#define SET_WORDS    (LINUX_FD_SETSIZE / 64U)

// What the streams are asked for and say.
struct poll_streams {
    uint32_t wanted[STREAM_COUNT];
    uint32_t ready[STREAM_COUNT];
};

static int16_t stream_events(uint32_t ready)
{
    uint32_t events = 0;
    events |= (ready & PLATFORM_READABLE) != 0 ? LINUX_POLLIN | LINUX_POLLRDNORM : 0U;
    events |= (ready & PLATFORM_WRITABLE) != 0 ? LINUX_POLLOUT | LINUX_POLLWRNORM : 0U;
    events |= (ready & PLATFORM_HANGUP) != 0 ? LINUX_POLLHUP : 0U;
    return (int16_t)events;
}

// The events that hold now; notes what a stream would have to become ready for.
static int16_t file_events(const struct linux_file *file, int16_t wanted,
                           struct poll_streams *streams)
{
    const struct linux_inode *inode = file->entry->inode;
    int32_t stream = linux_special_stream(inode);
    if (linux_pipe_is(inode)) {
        return linux_pipe_poll(file);
    }
    if (stream < 0) {
        return ALWAYS_READY;
    }
    streams->wanted[stream] |=
        (wanted & (LINUX_POLLIN | LINUX_POLLRDNORM)) != 0 ? PLATFORM_READABLE : 0U;
    streams->wanted[stream] |=
        (wanted & (LINUX_POLLOUT | LINUX_POLLWRNORM)) != 0 ? PLATFORM_WRITABLE : 0U;
    return stream_events(streams->ready[stream]);
}

static int16_t descriptor_events(const struct linux_task *task, const struct linux_pollfd *entry,
                                 struct poll_streams *streams)
{
    if (entry->fd < 0) {
        return 0;
    }
    const struct linux_file *file = linux_files_find_io(task, entry->fd);
    if (file == NULL) {
        return LINUX_POLLNVAL;
    }
    int16_t always = LINUX_POLLERR | LINUX_POLLHUP;
    return (int16_t)(file_events(file, entry->events, streams) & (entry->events | always));
}

typedef int64_t (*scan_function)(struct linux_task *task, void *context,
                                 struct poll_streams *streams);

// Scans, and while nothing is ready waits for the streams that matter and scans again.
static int64_t poll_loop(struct linux_task *task, scan_function scan, void *context,
                         uint64_t deadline)
{
    struct poll_streams streams = { .wanted = { 0 } };
    for (;;) {
        int64_t count = scan(task, context, &streams);
        if (count != 0) {
            return count;
        }
        if (linux_signal_is_pending(task)) {
            return -LINUX_ERESTARTNOHAND;
        }
        memcpy(streams.ready, streams.wanted, sizeof(streams.ready));
        int waited = platform_stream_wait(streams.ready, deadline);
        linux_signal_poll(task);
        if (waited != 1) {
            memset(streams.ready, 0, sizeof(streams.ready));
        }
        if (waited == 0) {
            return 0;
        }
    }
}

struct poll_context {
    uint64_t address;
    uint32_t count;
};

static int64_t scan_poll(struct linux_task *task, void *context, struct poll_streams *streams)
{
    const struct poll_context *poll = context;
    int64_t count = 0;
    for (uint32_t index = 0; index < poll->count; index++) {
        struct linux_pollfd entry;
        uint64_t place = poll->address + (uint64_t)index * sizeof(entry);
        if (linux_guest_read(task, &entry, place, sizeof(entry)) != 0) {
            return -LINUX_EFAULT;
        }
        entry.revents = descriptor_events(task, &entry, streams);
        count += entry.revents != 0 ? 1 : 0;
        if (linux_guest_write(task, place, &entry, sizeof(entry)) != 0) {
            return -LINUX_EFAULT;
        }
    }
    return count;
}

static int64_t poll_run(struct linux_task *task, uint64_t fds, uint32_t count, uint64_t deadline)
{
    struct poll_context context = { .address = fds, .count = count };
    if (count > task->limits[LINUX_RLIMIT_NOFILE].current) {
        return -LINUX_EINVAL;
    }
    return poll_loop(task, scan_poll, &context, deadline);
}

static uint64_t deadline_after(uint64_t time_ns)
{
    uint64_t now = platform_clock_monotonic_ns();
    return time_ns > UINT64_MAX - now ? UINT64_MAX : now + time_ns;
}

int64_t linux_call_poll(struct linux_task *task, uint64_t fds, uint32_t count, int32_t timeout)
{
    uint64_t deadline =
        timeout < 0 ? UINT64_MAX : deadline_after((uint64_t)(uint32_t)timeout * LINUX_NS_PER_MS);
    return poll_run(task, fds, count, deadline);
}

static int deadline_read(const struct linux_task *task, uint64_t timeout, uint64_t units_per_s,
                         uint64_t *out_deadline)
{
    struct linux_timespec time;
    uint64_t value = 0;
    *out_deadline = UINT64_MAX;
    if (timeout == 0) {
        return 0;
    }
    if (linux_guest_read(task, &time, timeout, sizeof(time)) != 0) {
        return -LINUX_EFAULT;
    }
    if (time.seconds < 0 || time.nanoseconds < 0 || (uint64_t)time.nanoseconds >= units_per_s) {
        return -LINUX_EINVAL;
    }
    uint64_t part = (uint64_t)time.nanoseconds * (LINUX_NS_PER_S / units_per_s);
    if (!__builtin_mul_overflow((uint64_t)time.seconds, LINUX_NS_PER_S, &value)) {
        *out_deadline = deadline_after(value + part);
    }
    return 0;
}

static int mask_swap(struct linux_task *task, uint64_t set)
{
    uint64_t mask = 0;
    if (set == 0) {
        return 0;
    }
    if (linux_guest_read(task, &mask, set, sizeof(mask)) != 0) {
        return -LINUX_EFAULT;
    }
    task->saved_mask = task->blocked;
    task->has_saved_mask = true;
    task->blocked = mask & ~(linux_signal_bit(LINUX_SIGKILL) | linux_signal_bit(LINUX_SIGSTOP));
    return 0;
}

// The mask goes back at once unless a signal is to be delivered under the temporary one.
static void mask_restore(struct linux_task *task)
{
    if (task->has_saved_mask && !linux_signal_is_pending(task)) {
        task->blocked = task->saved_mask;
        task->has_saved_mask = false;
    }
}

int64_t linux_call_ppoll(struct linux_task *task, uint64_t fds, uint32_t count, uint64_t timeout,
                         uint64_t set, uint64_t size)
{
    uint64_t deadline = 0;
    if (set != 0 && size != sizeof(uint64_t)) {
        return -LINUX_EINVAL;
    }
    int error = deadline_read(task, timeout, LINUX_NS_PER_S, &deadline);
    if (error == 0) {
        error = mask_swap(task, set);
    }
    if (error != 0) {
        return error;
    }
    int64_t result = poll_run(task, fds, count, deadline);
    mask_restore(task);
    return result;
}

struct select_context {
    uint64_t addresses[SETS];
    uint64_t wanted[SETS][SET_WORDS];
    uint32_t count;
};

static const int16_t select_events[SETS] = { LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLHUP |
                                                 LINUX_POLLERR,
                                             LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLERR, 0 };

static bool set_has(const uint64_t *words, uint32_t fd)
{
    return (words[fd / 64U] >> (fd % 64U) & 1) != 0;
}

static int64_t select_one(const struct linux_task *task, struct select_context *context,
                          uint32_t fd, struct poll_streams *streams,
                          uint64_t result[SETS][SET_WORDS])
{
    int64_t count = 0;
    for (uint32_t set = 0; set < SETS; set++) {
        if (!set_has(context->wanted[set], fd)) {
            continue;
        }
        const struct linux_file *file = linux_files_find_io(task, (int32_t)fd);
        if (file == NULL) {
            return -LINUX_EBADF;
        }
        if ((file_events(file, select_events[set], streams) & select_events[set]) != 0) {
            result[set][fd / 64U] |= UINT64_C(1) << (fd % 64U);
            count++;
        }
    }
    return count;
}

static size_t set_bytes(uint32_t count)
{
    return (size_t)((count + 63U) / 64U) * sizeof(uint64_t);
}

static int64_t scan_select(struct linux_task *task, void *context_pointer,
                           struct poll_streams *streams)
{
    struct select_context *context = context_pointer;
    uint64_t result[SETS][SET_WORDS];
    int64_t count = 0;
    memset(result, 0, sizeof(result));
    for (uint32_t fd = 0; fd < context->count; fd++) {
        int64_t ready = select_one(task, context, fd, streams, result);
        if (ready < 0) {
            return ready;
        }
        count += ready;
    }
    for (uint32_t set = 0; set < SETS; set++) {
        if (context->addresses[set] != 0 &&
            linux_guest_write(task, context->addresses[set], result[set],
                              set_bytes(context->count)) != 0) {
            return -LINUX_EFAULT;
        }
    }
    return count;
}

static int64_t select_run(struct linux_task *task, int32_t count, const uint64_t addresses[SETS],
                          uint64_t deadline)
{
    struct select_context context;
    memset(&context, 0, sizeof(context));
    if (count < 0) {
        return -LINUX_EINVAL;
    }
    context.count = (uint32_t)count < LINUX_FD_SETSIZE ? (uint32_t)count : LINUX_FD_SETSIZE;
    for (uint32_t set = 0; set < SETS; set++) {
        context.addresses[set] = addresses[set];
        if (addresses[set] != 0 && linux_guest_read(task, context.wanted[set], addresses[set],
                                                    set_bytes(context.count)) != 0) {
            return -LINUX_EFAULT;
        }
    }
    return poll_loop(task, scan_select, &context, deadline);
}

int64_t linux_call_select(struct linux_task *task, int32_t count, uint64_t read, uint64_t write,
                          uint64_t except, uint64_t timeout)
{
    const uint64_t addresses[SETS] = { read, write, except };
    uint64_t deadline = 0;
    int error = deadline_read(task, timeout, (uint64_t)LINUX_US_PER_S, &deadline);
    return error != 0 ? error : select_run(task, count, addresses, deadline);
}

int64_t linux_call_pselect6(struct linux_task *task,
                            const struct linux_call_pselect6_arguments *arguments)
{
    const uint64_t addresses[SETS] = { arguments->read, arguments->write, arguments->except };
    uint64_t set_and_size[2] = { 0, 0 };
    uint64_t deadline = 0;
    if (arguments->set != 0 &&
        linux_guest_read(task, set_and_size, arguments->set, sizeof(set_and_size)) != 0) {
        return -LINUX_EFAULT;
    }
    if (set_and_size[0] != 0 && set_and_size[1] != sizeof(uint64_t)) {
        return -LINUX_EINVAL;
    }
    int error = deadline_read(task, arguments->timeout, LINUX_NS_PER_S, &deadline);
    if (error == 0) {
        error = mask_swap(task, set_and_size[0]);
    }
    if (error != 0) {
        return error;
    }
    int64_t result = select_run(task, arguments->count, addresses, deadline);
    mask_restore(task);
    return result;
}
