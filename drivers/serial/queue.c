// SPDX-License-Identifier: MIT OR Apache-2.0
// A bounded queue of bytes: indices run freely and are masked on use.
#include <rt/bits.h>

#include "queue.h"

#define QUEUE_MASK (QUEUE_SIZE - 1)
static_assert((QUEUE_SIZE & QUEUE_MASK) == 0, "indices are masked");

uint32_t queue_count(const struct queue *queue)
{
    return queue->head - queue->tail;
}

uint32_t queue_room(const struct queue *queue)
{
    return QUEUE_SIZE - queue_count(queue);
}

bool queue_put(struct queue *queue, uint8_t byte)
{
    if (queue_room(queue) == 0) {
        return false;
    }
    queue->bytes[queue->head++ & QUEUE_MASK] = byte;
    return true;
}

uint32_t queue_peek(const struct queue *queue, const uint8_t **out_bytes, uint32_t size)
{
    uint32_t at = queue->tail & QUEUE_MASK;
    *out_bytes = queue->bytes + at;
    uint64_t most = min_u64(queue_count(queue), QUEUE_SIZE - at);
    return (uint32_t)min_u64(most, size);
}

void queue_drop(struct queue *queue, uint32_t count)
{
    queue->tail += count;
}

uint32_t queue_space(struct queue *queue, uint8_t **out_bytes, uint32_t size)
{
    uint32_t at = queue->head & QUEUE_MASK;
    *out_bytes = queue->bytes + at;
    uint64_t most = min_u64(queue_room(queue), QUEUE_SIZE - at);
    return (uint32_t)min_u64(most, size);
}

void queue_claim(struct queue *queue, uint32_t count)
{
    queue->head += count;
}
