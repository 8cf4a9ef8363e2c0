// SPDX-License-Identifier: MIT OR Apache-2.0
// Serial line driver: the `stream` interface over a 16550. One event loop: calls on the endpoint
// "console", interrupts on its bound notification. Reads that must wait are kept as Replies,
// bounded in number; writes go to a bounded queue that the transmit interrupt empties. The endpoint
// belongs to init, and received bytes stay in the chip while no driver runs: a restart loses
// nothing typed after.
#include <abi/info.h>
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/log.h>
#include <tes/server.h>
#include <tes/startup.h>
#include <tes/stream.h>

#include "queue.h"
#include "uart.h"

#define SIGNAL_IRQ      1u
#define WAITERS_MAX     16u
#define BOUNCE_SIZE     512u
#define EXIT_NO_DEVICE  1
#define EXIT_NO_SERVICE 2

struct waiter {
    tes_reply_t reply; // 0: free
    uint64_t badge;
    uint64_t size;
    bool is_write;
};

struct watcher {
    tes_notification_t notification; // 0: free
    uint64_t badge, asked, bits;
};

static struct serial {
    struct uart uart;
    tes_irq_t irq;
    struct queue input;
    struct queue output;
    struct waiter waiters[WAITERS_MAX]; // in order of arrival
    uint32_t waiter_count;
    struct watcher watchers[WAITERS_MAX];
    uint64_t overruns; // bytes dropped because nobody read
} serial;

static void receive_all(struct serial *s)
{
    uint8_t byte = 0;
    while (uart_receive(&s->uart, &byte)) {
        if (!queue_put(&s->input, byte)) {
            s->overruns++;
        }
    }
}

static void send_some(struct serial *s)
{
    while (queue_count(&s->output) != 0 && uart_may_send(&s->uart)) {
        for (uint32_t room = UART_FIFO_SIZE; room != 0 && queue_count(&s->output) != 0; room--) {
            const uint8_t *byte = NULL;
            queue_peek(&s->output, &byte, 1);
            uart_send(&s->uart, *byte);
            queue_drop(&s->output, 1);
        }
    }
    uart_wants_to_send(&s->uart, queue_count(&s->output) != 0);
}

static uint64_t ready_bits(const struct serial *s)
{
    return (queue_count(&s->input) != 0 ? TES_STREAM_READABLE : 0) |
           (queue_room(&s->output) != 0 ? TES_STREAM_WRITABLE : 0);
}

static void watchers_signal(struct serial *s)
{
    uint64_t ready = ready_bits(s);
    for (uint32_t i = 0; i < WAITERS_MAX; i++) {
        struct watcher *watcher = &s->watchers[i];
        if (watcher->notification.value != 0 && (watcher->asked & ready) != 0) {
            (void)!tes_notification_signal(watcher->notification, watcher->bits); // it may be gone
            (void)!tes_handle_close(watcher->notification.value);                 // ours to close
            watcher->notification.value = 0;
        }
    }
}

// One chunk out of the input queue into the caller's memory.
static tes_status_t give_input(struct serial *s, tes_reply_t reply, uint64_t size,
                               uint64_t *out_count)
{
    const uint8_t *bytes = NULL;
    uint32_t count = queue_peek(&s->input, &bytes, (uint32_t)min_u64(size, QUEUE_SIZE));
    uint8_t bounce[BOUNCE_SIZE];
    count = (uint32_t)min_u64(count, sizeof(bounce));
    memcpy(bounce, bytes, count);
    tes_status_t status = tes_reply_lease_copy(reply, 0, bounce, count, TES_LEASE_COPY_WRITE);
    if (status == TES_OK) {
        queue_drop(&s->input, count);
        *out_count = count;
    }
    return status;
}

static tes_status_t take_output(struct serial *s, tes_reply_t reply, uint64_t size,
                                uint64_t *out_count)
{
    uint8_t *space = NULL;
    uint32_t count = queue_space(&s->output, &space, (uint32_t)min_u64(size, QUEUE_SIZE));
    tes_status_t status = tes_reply_lease_copy(reply, 0, space, count, 0);
    if (status == TES_OK) {
        queue_claim(&s->output, count);
        *out_count = count;
    }
    return status;
}

static bool waiter_may_go(const struct serial *s, const struct waiter *waiter)
{
    return waiter->is_write ? queue_room(&s->output) != 0 : queue_count(&s->input) != 0;
}

static void waiter_answer(struct serial *s, const struct waiter *waiter)
{
    uint64_t count = 0;
    tes_status_t status = waiter->is_write ? take_output(s, waiter->reply, waiter->size, &count)
                                           : give_input(s, waiter->reply, waiter->size, &count);
    if (status == TES_ERROR_FAULT) {
        tes_reply_fault(waiter->reply);
    } else {
        tes_reply_answer(waiter->reply, status, count);
    }
}

static void waiters_serve(struct serial *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->waiter_count; i++) {
        if (waiter_may_go(s, &s->waiters[i])) {
            waiter_answer(s, &s->waiters[i]);
        } else {
            s->waiters[kept++] = s->waiters[i];
        }
    }
    s->waiter_count = kept;
}

// Everything that may follow from new input, new output or an interrupt.
static void pump(struct serial *s)
{
    receive_all(s);
    waiters_serve(s);
    send_some(s);
    waiters_serve(s);
    watchers_signal(s);
}

static tes_status_t wait_later(struct serial *s, struct tes_request *request, bool is_write)
{
    if ((request->words[1] & TES_STREAM_NOWAIT) != 0) {
        return TES_ERROR_WOULD_BLOCK;
    }
    if (s->waiter_count == WAITERS_MAX) {
        return TES_ERROR_BUSY;
    }
    tes_status_t status = tes_request_defer(request);
    if (status == TES_OK) {
        s->waiters[s->waiter_count++] = (struct waiter){ .reply = request->deferred,
                                                         .badge = request->badge,
                                                         .size = request->words[0],
                                                         .is_write = is_write };
    }
    return status;
}

static tes_status_t serial_read(void *context, struct tes_request *request)
{
    struct serial *s = context;
    request->words[0] = min_u64(request->words[0], request->leases[0].size);
    if (request->words[0] == 0) {
        return TES_OK;
    }
    receive_all(s);
    if (queue_count(&s->input) == 0) {
        return wait_later(s, request, false);
    }
    return give_input(s, (tes_reply_t){ 0 }, request->words[0], &request->words[0]);
}

static tes_status_t serial_write(void *context, struct tes_request *request)
{
    struct serial *s = context;
    request->words[0] = min_u64(request->words[0], request->leases[0].size);
    if (request->words[0] == 0) {
        return TES_OK;
    }
    send_some(s);
    if (queue_room(&s->output) == 0) {
        return wait_later(s, request, true);
    }
    tes_status_t status = take_output(s, (tes_reply_t){ 0 }, request->words[0], &request->words[0]);
    send_some(s);
    return status;
}

static tes_status_t serial_close(void *context, struct tes_request *request)
{
    (void)context;
    (void)request;
    return TES_OK; // the line itself is never closed
}

static tes_status_t watch(struct serial *s, struct tes_request *request)
{
    for (uint32_t i = 0; i < WAITERS_MAX; i++) {
        struct watcher *watcher = &s->watchers[i];
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

static tes_status_t serial_poll(void *context, struct tes_request *request)
{
    struct serial *s = context;
    receive_all(s);
    send_some(s);
    uint64_t ready = ready_bits(s) & request->words[0];
    if (ready == 0 && request->handle_count != 0) {
        tes_status_t status = watch(s, request);
        if (status != TES_OK) {
            return status;
        }
    }
    request->words[0] = ready;
    return TES_OK;
}

static tes_status_t serial_info(void *context, struct tes_request *request)
{
    (void)context;
    request->words[0] = TES_STREAM_TERMINAL;
    request->words[1] = 0; // rows and columns are the business of whoever sits at the other end
    request->words[2] = 0;
    request->words[3] = 0;
    return TES_OK;
}

static const struct tes_method methods[TES_STREAM_METHOD_COUNT] = {
    [TES_STREAM_READ] = { .name = "read",
                          .run = serial_read,
                          .lease_count = 1,
                          .lease_flags = TES_LEASE_WRITE },
    [TES_STREAM_WRITE] = { .name = "write",
                           .run = serial_write,
                           .lease_count = 1,
                           .lease_flags = TES_LEASE_READ },
    [TES_STREAM_CLOSE] = { .name = "close", .run = serial_close },
    [TES_STREAM_POLL] = { .name = "poll", .run = serial_poll, .handles_max = 1 },
    [TES_STREAM_INFO] = { .name = "info", .run = serial_info },
};
static const struct tes_interface stream_interface = { .name = "stream",
                                                       .number = TES_STREAM_INTERFACE,
                                                       .method_count = TES_STREAM_METHOD_COUNT,
                                                       .methods = methods };

// The source is an edge and is masked since it fired: what rose meanwhile is lost for ever. So it
// is unmasked first and the chip asked afterwards whether it wants something still.
static void on_signal(void *context, uint64_t bits)
{
    struct serial *s = context;
    (void)bits;
    do {
        pump(s);
        (void)!tes_irq_acknowledge(
            s->irq); // fails only if the Irq was revoked: then none will come
    } while (uart_is_pending(&s->uart) && queue_room(&s->input) != 0);
}

// The client or its call is gone: its waiting reads and writes too.
static void on_gone(void *context, uint64_t badge)
{
    struct serial *s = context;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->waiter_count; i++) {
        // A Reply whose caller was cancelled answers INVALID use with an error; one that lives
        // stays.
        struct tes_info_object object;
        uint64_t written = 0;
        tes_status_t status = TES_OK;
        if (s->waiters[i].badge == badge) {
            status = tes_object_info(tes_reply_any(s->waiters[i].reply), TES_INFO_OBJECT, 0,
                                     (uint64_t)&object, sizeof(object), &written);
        }
        if (status == TES_OK) {
            s->waiters[kept++] = s->waiters[i];
        } else {
            (void)!tes_handle_close(s->waiters[i].reply.value); // dead
        }
    }
    s->waiter_count = kept;
}

static tes_status_t bind_irq(struct serial *s, tes_endpoint_t endpoint)
{
    tes_notification_t notification;
    tes_status_t status = tes_notification_create(tes_self()->quota, &notification);
    if (status == TES_OK) {
        status = tes_endpoint_control(endpoint, TES_ENDPOINT_CONTROL_BIND, notification.value, 0);
    }
    struct tes_info_resource range;
    uint64_t written = 0;
    tes_resource_t irqs = tes_resource_from(tes_startup_handle("irq"));
    if (status == TES_OK) {
        status = tes_object_info(tes_resource_any(irqs), TES_INFO_RESOURCE, 0, (uint64_t)&range,
                                 sizeof(range), &written);
    }
    if (status == TES_OK) {
        status = tes_irq_create(irqs, range.base, notification, SIGNAL_IRQ, 0, &s->irq);
    }
    return status;
}

int tes_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static const struct tes_interface *const interfaces[] = { &stream_interface, NULL };
    struct tes_server server = { .endpoint = tes_endpoint_from(tes_startup_handle("console")),
                                 .context = &serial,
                                 .interfaces = interfaces,
                                 .on_signal = on_signal,
                                 .on_closed = on_gone,
                                 .on_cancelled = on_gone };
    tes_status_t status = bind_irq(&serial, server.endpoint);
    if (status == TES_OK) {
        status = uart_init(&serial.uart, tes_resource_from(tes_startup_handle("ports")));
    }
    if (status != TES_OK) {
        tes_log("serial: no device: %s", tes_status_text(status));
        return EXIT_NO_DEVICE;
    }
    pump(&serial);
    status = tes_server_run(&server);
    tes_log("serial: cannot receive: %s", tes_status_text(status));
    return EXIT_NO_SERVICE;
}
