// SPDX-License-Identifier: MIT OR Apache-2.0
// Single-producer single-consumer rings. Indices run freely and are masked on use. The sequence
// "publish index, then read the peer's sleep flag" pairs with "set own flag, then read the index"
// on the other side; both need sequential consistency, or a wake-up could be lost.
#include <ring/ring.h>
#include <rt/atomic.h>
#include <rt/bits.h>
#include <rt/string.h>

bool ring_open(struct ring_end *end, void *memory, uint64_t size, uint32_t slot_size,
               uint32_t slot_count)
{
    if (slot_size == 0 || !is_power_of_two(slot_count) ||
        ring_bytes(slot_size, slot_count) > size) {
        return false;
    }
    *end = (struct ring_end){ .shared = memory,
                              .slots = (uint8_t *)memory + sizeof(struct ring_shared),
                              .slot_size = slot_size,
                              .slot_count = slot_count };
    return true;
}

uint32_t ring_room(const struct ring_end *producer)
{
    uint32_t tail = atomic_load_u32(&producer->shared->tail, ATOMIC_SEQ_CST);
    uint32_t used = producer->own - tail;
    return used <= producer->slot_count ? producer->slot_count - used : 0;
}

uint32_t ring_ready(const struct ring_end *consumer)
{
    uint32_t head = atomic_load_u32(&consumer->shared->head, ATOMIC_SEQ_CST);
    uint32_t ready = head - consumer->own;
    return ready <= consumer->slot_count ? ready : 0;
}

static uint8_t *slot_at(const struct ring_end *end)
{
    return end->slots + (size_t)(end->own & (end->slot_count - 1)) * end->slot_size;
}

bool ring_put(struct ring_end *producer, const void *slot, bool *out_wake)
{
    if (ring_room(producer) == 0) {
        return false;
    }
    memcpy(slot_at(producer), slot, producer->slot_size);
    producer->own++;
    atomic_store_u32(&producer->shared->head, producer->own, ATOMIC_SEQ_CST);
    *out_wake = atomic_load_u32(&producer->shared->is_consumer_asleep, ATOMIC_SEQ_CST) != 0;
    return true;
}

bool ring_take(struct ring_end *consumer, void *slot, bool *out_wake)
{
    if (ring_ready(consumer) == 0) {
        return false;
    }
    memcpy(slot, slot_at(consumer), consumer->slot_size);
    consumer->own++;
    atomic_store_u32(&consumer->shared->tail, consumer->own, ATOMIC_SEQ_CST);
    *out_wake = atomic_load_u32(&consumer->shared->is_producer_asleep, ATOMIC_SEQ_CST) != 0;
    return true;
}

bool ring_producer_sleep(struct ring_end *producer)
{
    atomic_store_u32(&producer->shared->is_producer_asleep, 1, ATOMIC_SEQ_CST);
    if (ring_room(producer) == 0) {
        return true;
    }
    ring_producer_awake(producer);
    return false;
}

bool ring_consumer_sleep(struct ring_end *consumer)
{
    atomic_store_u32(&consumer->shared->is_consumer_asleep, 1, ATOMIC_SEQ_CST);
    if (ring_ready(consumer) == 0) {
        return true;
    }
    ring_consumer_awake(consumer);
    return false;
}

void ring_producer_awake(struct ring_end *producer)
{
    atomic_store_u32(&producer->shared->is_producer_asleep, 0, ATOMIC_SEQ_CST);
}

void ring_consumer_awake(struct ring_end *consumer)
{
    atomic_store_u32(&consumer->shared->is_consumer_asleep, 0, ATOMIC_SEQ_CST);
}
