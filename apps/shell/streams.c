// SPDX-License-Identifier: MIT OR Apache-2.0
// The stream server's methods. A read or write that must wait is kept as a Reply and tried again
// after every change (streams_serve); bytes move through one bounce buffer.
#include <abi/info.h>
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/log.h>
#include <tes/memory.h>

#include "streams.h"

static struct open *open_of(struct streams *s, uint64_t badge)
{
    for (uint32_t i = 0; i < OPENS_MAX && badge != 0; i++) {
        if (s->opens[i].badge == badge) {
            return &s->opens[i];
        }
    }
    return NULL;
}

static struct bytes *input_of(struct streams *s, struct open *open)
{
    return open->kind == TES_STREAM_TERMINAL ? &s->terminal.input : &open->pipe->bytes;
}

// WOULD_BLOCK: later. *out_count 0 with OK: the end.
static tes_status_t copy_out(struct streams *s, struct open *open, uint64_t size,
                             uint32_t *out_count)
{
    uint32_t most = (uint32_t)min_u64(size, BOUNCE_SIZE);
    *out_count = 0;
    if (open->kind == TES_STREAM_FILE) {
        uint64_t left = open->file->size > open->position ? open->file->size - open->position : 0;
        *out_count = (uint32_t)min_u64(most, left);
        memcpy(s->bounce, open->file->data + open->position, *out_count);
        return TES_OK;
    }
    *out_count = bytes_copy(input_of(s, open), s->bounce, most);
    bool has_ended =
        open->kind == TES_STREAM_TERMINAL ? s->terminal.has_end : open->pipe->writers == 0;
    return *out_count != 0 || has_ended ? TES_OK : TES_ERROR_WOULD_BLOCK;
}

static void consume(struct streams *s, struct open *open, uint32_t count)
{
    if (open->kind == TES_STREAM_FILE) {
        open->position += count;
        return;
    }
    bytes_drop(input_of(s, open), count);
    if (open->kind == TES_STREAM_TERMINAL && count == 0) {
        s->terminal.has_end = false;
    }
}

static tes_status_t read_try(struct streams *s, struct open *open, tes_reply_t reply, uint64_t size,
                             uint64_t *out_count)
{
    uint32_t count = 0;
    if (!open->may_read) {
        return TES_STREAM_CLOSED;
    }
    tes_status_t status = copy_out(s, open, size, &count);
    if (status == TES_OK) {
        status = tes_reply_lease_copy(reply, 0, s->bounce, count, TES_LEASE_COPY_WRITE);
    }
    if (status == TES_OK) {
        consume(s, open, count);
        *out_count = count;
    }
    return status;
}

// How many bytes could be taken now.
static uint64_t write_room(const struct open *open)
{
    return open->kind == TES_STREAM_PIPE ? bytes_room(&open->pipe->bytes) : BOUNCE_SIZE;
}

static tes_status_t deliver(struct streams *s, struct open *open, uint32_t count)
{
    if (open->kind == TES_STREAM_TERMINAL) {
        return terminal_output(&s->terminal, s->bounce, count);
    }
    if (open->kind == TES_STREAM_PIPE) {
        bytes_put(&open->pipe->bytes, s->bounce, count);
        return TES_OK;
    }
    uint64_t position = open->appends ? open->file->size : open->position;
    tes_status_t status = file_write(open->file, position, s->bounce, count);
    open->position = position + (status == TES_OK ? count : 0);
    return status;
}

static tes_status_t write_try(struct streams *s, struct open *open, tes_reply_t reply,
                              uint64_t size, uint64_t *out_count)
{
    if (!open->may_write || (open->kind == TES_STREAM_PIPE && open->pipe->readers == 0)) {
        return TES_STREAM_CLOSED;
    }
    uint32_t count = (uint32_t)min_u64(min_u64(size, BOUNCE_SIZE), write_room(open));
    if (count == 0) {
        return TES_ERROR_WOULD_BLOCK;
    }
    tes_status_t status = tes_reply_lease_copy(reply, 0, s->bounce, count, 0);
    if (status == TES_OK) {
        status = deliver(s, open, count);
    }
    if (status == TES_OK) {
        *out_count = count;
    }
    return status;
}

// True: answered.
static bool waiter_try(struct streams *s, const struct stream_waiter *waiter)
{
    struct open *open = open_of(s, waiter->badge);
    uint64_t count = 0;
    tes_status_t status = TES_STREAM_CLOSED;
    if (open != NULL) {
        status = waiter->is_write ? write_try(s, open, waiter->reply, waiter->size, &count)
                                  : read_try(s, open, waiter->reply, waiter->size, &count);
    }
    if (status == TES_ERROR_WOULD_BLOCK) {
        return false;
    }
    if (status == TES_ERROR_FAULT) {
        tes_reply_fault(waiter->reply);
    } else {
        tes_reply_answer(waiter->reply, status, count);
    }
    return true;
}

static uint64_t ready_bits(struct streams *s, const struct open *open)
{
    bool is_pipe = open->kind == TES_STREAM_PIPE;
    uint64_t ready = 0;
    if (open->may_read) {
        bool has_bytes = open->kind == TES_STREAM_FILE ||
                         bytes_count(is_pipe ? &open->pipe->bytes : &s->terminal.input) != 0;
        bool has_end = is_pipe ? open->pipe->writers == 0 : s->terminal.has_end;
        ready |= has_bytes || has_end ? TES_STREAM_READABLE : 0;
        ready |= is_pipe && has_end ? TES_STREAM_HANGUP : 0;
    }
    if (open->may_write) {
        bool is_closed = is_pipe && open->pipe->readers == 0;
        ready |= is_closed || write_room(open) != 0 ? TES_STREAM_WRITABLE : 0;
        ready |= is_closed ? TES_STREAM_HANGUP : 0;
    }
    return ready;
}

static void watchers_serve(struct streams *s)
{
    for (uint32_t i = 0; i < STREAM_WATCHERS; i++) {
        struct stream_watcher *watcher = &s->watchers[i];
        if (watcher->notification.value == 0) {
            continue;
        }
        const struct open *open = open_of(s, watcher->badge);
        uint64_t wanted = watcher->asked | TES_STREAM_HANGUP;
        if (open == NULL || (ready_bits(s, open) & wanted) != 0) {
            (void)!tes_notification_signal(watcher->notification, watcher->bits); // may be gone
            tes_close(watcher->notification.value);
            watcher->notification.value = 0;
        }
    }
}

void streams_serve(struct streams *s)
{
    bool has_changed = true;
    while (has_changed) {
        has_changed = false;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < s->waiter_count; i++) {
            if (waiter_try(s, &s->waiters[i])) {
                has_changed = true;
            } else {
                s->waiters[kept++] = s->waiters[i];
            }
        }
        s->waiter_count = kept;
    }
    watchers_serve(s);
}

static tes_status_t move_or_wait(struct streams *s, struct tes_request *request, bool is_write)
{
    struct open *open = open_of(s, request->badge);
    uint64_t size = min_u64(request->words[0], request->leases[0].size);
    if (open == NULL) {
        return TES_STREAM_CLOSED;
    }
    if (size == 0) {
        request->words[0] = 0;
        return TES_OK;
    }
    tes_reply_t current = { 0 };
    tes_status_t status = is_write ? write_try(s, open, current, size, &request->words[0])
                                   : read_try(s, open, current, size, &request->words[0]);
    if (status != TES_ERROR_WOULD_BLOCK || (request->words[1] & TES_STREAM_NOWAIT) != 0) {
        return status;
    }
    if (s->waiter_count == STREAM_WAITERS) {
        return TES_ERROR_BUSY;
    }
    status = tes_request_defer(request);
    if (status == TES_OK) {
        s->waiters[s->waiter_count++] = (struct stream_waiter){
            .reply = request->deferred, .badge = request->badge, .size = size, .is_write = is_write
        };
    }
    return status;
}

static tes_status_t stream_read(void *context, struct tes_request *request)
{
    tes_status_t status = move_or_wait(context, request, false);
    if (status == TES_OK) {
        streams_serve(context); // a writer may have room now
    }
    return status;
}

static tes_status_t stream_write(void *context, struct tes_request *request)
{
    tes_status_t status = move_or_wait(context, request, true);
    if (status == TES_OK) {
        streams_serve(context); // a reader may have bytes now
    }
    return status;
}

static tes_status_t stream_close(void *context, struct tes_request *request)
{
    struct streams *s = context;
    struct open *open = open_of(s, request->badge);
    if (open != NULL && open->kind == TES_STREAM_PIPE) {
        open->pipe->readers -= open->may_read ? 1 : 0;
        open->pipe->writers -= open->may_write ? 1 : 0;
    }
    if (open != NULL) {
        open->may_read = false;
        open->may_write = false;
    }
    streams_serve(s);
    return TES_OK;
}

static tes_status_t watch(struct streams *s, struct tes_request *request)
{
    for (uint32_t i = 0; i < STREAM_WATCHERS; i++) {
        struct stream_watcher *watcher = &s->watchers[i];
        if (watcher->notification.value == 0) {
            watcher->notification.value = tes_request_take_handle(request, 0);
            watcher->badge = request->badge;
            watcher->asked = request->words[0];
            watcher->bits = request->words[1];
            return TES_OK;
        }
    }
    return TES_ERROR_BUSY;
}

static tes_status_t stream_poll(void *context, struct tes_request *request)
{
    struct streams *s = context;
    const struct open *open = open_of(s, request->badge);
    if (open == NULL) {
        return TES_STREAM_CLOSED;
    }
    uint64_t ready = ready_bits(s, open) & (request->words[0] | TES_STREAM_HANGUP);
    tes_status_t status = TES_OK;
    if (ready == 0 && request->handle_count != 0) {
        status = watch(s, request);
    }
    request->words[0] = ready;
    return status;
}

static tes_status_t stream_info(void *context, struct tes_request *request)
{
    const struct open *open = open_of(context, request->badge);
    if (open == NULL) {
        return TES_STREAM_CLOSED;
    }
    request->words[0] = open->kind;
    request->words[1] = 0;
    request->words[2] = 0;
    request->words[3] = open->file != NULL ? open->file->size : 0;
    return TES_OK;
}

static const struct tes_method methods[TES_STREAM_METHOD_COUNT] = {
    [TES_STREAM_READ] = { .name = "read",
                          .run = stream_read,
                          .lease_count = 1,
                          .lease_flags = TES_LEASE_WRITE },
    [TES_STREAM_WRITE] = { .name = "write",
                           .run = stream_write,
                           .lease_count = 1,
                           .lease_flags = TES_LEASE_READ },
    [TES_STREAM_CLOSE] = { .name = "close", .run = stream_close },
    [TES_STREAM_POLL] = { .name = "poll", .run = stream_poll, .handles_max = 1 },
    [TES_STREAM_INFO] = { .name = "info", .run = stream_info },
};
static const struct tes_interface stream_interface = { .name = "stream",
                                                       .number = TES_STREAM_INTERFACE,
                                                       .method_count = TES_STREAM_METHOD_COUNT,
                                                       .methods = methods };

static void on_closed(void *context, uint64_t badge)
{
    struct open *open = open_of(context, badge);
    if (open != NULL) {
        open_end(context, open);
    }
}

// A caller under this badge gave up: its kept Reply is dead.
static void on_cancelled(void *context, uint64_t badge)
{
    struct streams *s = context;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->waiter_count; i++) {
        struct tes_info_object object;
        uint64_t written = 0;
        bool is_dead = s->waiters[i].badge == badge &&
                       tes_object_info(tes_reply_any(s->waiters[i].reply), TES_INFO_OBJECT, 0,
                                       (uint64_t)&object, sizeof(object), &written) != TES_OK;
        if (is_dead) {
            tes_close(s->waiters[i].reply.value);
        } else {
            s->waiters[kept++] = s->waiters[i];
        }
    }
    s->waiter_count = kept;
}

void streams_thread(void *context)
{
    static const struct tes_interface *const interfaces[] = { &stream_interface,
                                                              &streams_control_interface, NULL };
    struct streams *streams = context;
    struct tes_server server = { .endpoint = streams->endpoint,
                                 .context = streams,
                                 .interfaces = interfaces,
                                 .on_closed = on_closed,
                                 .on_cancelled = on_cancelled };
    tes_status_t status = tes_server_run(&server);
    tes_log("shell: stream server: %s", tes_status_text(status));
}
