// SPDX-License-Identifier: MIT OR Apache-2.0
// Completion rings. The server counts what it promised; a promise is redeemed when the client has
// taken the slot, which the ring's bounded index shows.
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/completion.h>
#include <tes/startup.h>

tes_status_t tes_completion_open(struct tes_completion_sink *sink, struct tes_request *request)
{
    uint64_t slots = request->words[0];
    if (request->handle_count != 2 || slots == 0 || slots > TES_COMPLETION_SLOTS_MAX) {
        return TES_ERROR_INVALID;
    }
    if (sink->memory != NULL) {
        return TES_ERROR_BUSY;
    }
    uint64_t size = ring_bytes(sizeof(struct tes_completion), (uint32_t)slots);
    size = (size + TES_PAGE_SIZE - 1) & ~(TES_PAGE_SIZE - 1);
    tes_memory_t memory = { .value = request->handles[0] };
    void *address = NULL;
    tes_status_t status =
        tes_memory_map(memory, 0, size,
                       TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE | TES_SPACE_MAP_POPULATE, &address);
    if (status != TES_OK) {
        return status;
    }
    struct ring_end ring;
    if (!ring_open(&ring, address, size, sizeof(struct tes_completion), (uint32_t)slots)) {
        tes_memory_unmap(address, size);
        return TES_ERROR_INVALID;
    }
    *sink = (struct tes_completion_sink){ .ring = ring, .memory = address, .memory_size = size };
    sink->memory_handle = tes_request_take_handle(request, 0);
    sink->notification.value = tes_request_take_handle(request, 1);
    sink->next_token = 1;
    return TES_OK;
}

// Slots that are neither full nor promised.
static uint32_t free_slots(struct tes_completion_sink *sink)
{
    uint32_t room = ring_room(&sink->ring);
    return room > sink->promised ? room - sink->promised : 0;
}

tes_status_t tes_completion_start(struct tes_completion_sink *sink, uint64_t *out_token)
{
    if (sink->memory == NULL) {
        return TES_ERROR_INVALID;
    }
    if (free_slots(sink) == 0) {
        return TES_ERROR_BUSY;
    }
    sink->promised++;
    *out_token = sink->next_token++;
    return TES_OK;
}

void tes_completion_finish(struct tes_completion_sink *sink, const struct tes_completion *result)
{
    bool wake = false;
    sink->promised--;
    // A client that moves its index backwards loses what it is owed, nobody else.
    if (ring_put(&sink->ring, result, &wake) && wake) {
        (void)!tes_notification_signal(sink->notification, TES_COMPLETION_BIT); // it may be gone
    }
}

void tes_completion_close(struct tes_completion_sink *sink)
{
    if (sink->memory != NULL) {
        tes_memory_unmap(sink->memory, sink->memory_size);
        tes_close(sink->memory_handle);
        tes_close(sink->notification.value);
        *sink = (struct tes_completion_sink){ 0 };
    }
}

static tes_status_t connect_call(const struct tes_completion_source *source, tes_endpoint_t server,
                                 uint32_t slots)
{
    struct tes_call call = { .endpoint = server,
                             .method = TES_METHOD(TES_COMPLETION_INTERFACE, TES_COMPLETION_OPEN) };
    call.words[0] = slots;
    call.handles[0] = source->pages.memory.value;
    call.handles[1] = source->notification.value;
    call.handle_count = 2;
    return tes_call(&call);
}

tes_status_t tes_completion_connect(struct tes_completion_source *source, tes_endpoint_t server,
                                    uint32_t slots)
{
    memset(source, 0, sizeof(*source));
    tes_status_t status =
        tes_pages_create(ring_bytes(sizeof(struct tes_completion), slots), &source->pages);
    if (status != TES_OK) {
        return status;
    }
    if (!ring_open(&source->ring, source->pages.address, source->pages.size,
                   sizeof(struct tes_completion), slots)) {
        status = TES_ERROR_INVALID;
    }
    if (status == TES_OK) {
        status = tes_notification_create(tes_self()->quota, &source->notification);
    }
    if (status == TES_OK) {
        status = connect_call(source, server, slots);
    }
    if (status != TES_OK) {
        tes_completion_disconnect(source);
    }
    return status;
}

tes_status_t tes_completion_next(struct tes_completion_source *source,
                                 struct tes_completion *out_completion)
{
    bool wake = false;
    while (!ring_take(&source->ring, out_completion, &wake)) {
        if (!ring_consumer_sleep(&source->ring)) {
            continue;
        }
        uint64_t bits = 0;
        tes_status_t status =
            tes_notification_wait(source->notification, TES_COMPLETION_BIT, 0, &bits);
        ring_consumer_awake(&source->ring);
        if (status != TES_OK) {
            return status;
        }
    }
    return TES_OK;
}

void tes_completion_disconnect(struct tes_completion_source *source)
{
    tes_destroy(tes_notification_any(source->notification));
    tes_pages_destroy(&source->pages);
    memset(source, 0, sizeof(*source));
}
