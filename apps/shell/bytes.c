// SPDX-License-Identifier: MIT OR Apache-2.0
// Bounded queues of bytes on the heap.
#include <rt/bits.h>
#include <tes/heap.h>

#include "streams.h"

bool bytes_create(struct bytes *bytes, uint32_t size)
{
    *bytes = (struct bytes){ .data = tes_alloc(size), .mask = size - 1 };
    return bytes->data != NULL;
}

uint32_t bytes_count(const struct bytes *bytes)
{
    return bytes->head - bytes->tail;
}

uint32_t bytes_room(const struct bytes *bytes)
{
    return bytes->mask + 1 - bytes_count(bytes);
}

uint32_t bytes_put(struct bytes *bytes, const uint8_t *from, uint32_t size)
{
    uint32_t count = (uint32_t)min_u64(size, bytes_room(bytes));
    for (uint32_t i = 0; i < count; i++) {
        bytes->data[bytes->head++ & bytes->mask] = from[i];
    }
    return count;
}

uint32_t bytes_copy(const struct bytes *bytes, uint8_t *to, uint32_t size)
{
    uint32_t count = (uint32_t)min_u64(size, bytes_count(bytes));
    for (uint32_t i = 0; i < count; i++) {
        to[i] = bytes->data[(bytes->tail + i) & bytes->mask];
    }
    return count;
}

void bytes_drop(struct bytes *bytes, uint32_t count)
{
    bytes->tail += count;
}
