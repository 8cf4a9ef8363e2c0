// SPDX-License-Identifier: MIT OR Apache-2.0
// A ring of equal slots in memory shared by one producer and one consumer that need not trust each
// other. Each side owns its index and keeps it locally; the peer's index is read once, and bounded
// to what it could honestly be, before every use. Slots are copied, so a peer that scribbles can
// spoil what it sends, nothing else. The peer is woken only if it said that it sleeps.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_LINE_SIZE 64ul

// Starts the shared memory; slots follow.
struct ring_shared {
    _Alignas(RING_LINE_SIZE) uint32_t head; // written by the producer: slots ever put
    uint32_t is_producer_asleep;            // written by the producer
    _Alignas(RING_LINE_SIZE) uint32_t tail; // written by the consumer: slots ever taken
    uint32_t is_consumer_asleep;            // written by the consumer
};
static_assert(sizeof(struct ring_shared) == 2 * RING_LINE_SIZE, "shared layout");

struct ring_end {
    struct ring_shared *shared;
    uint8_t *slots;
    uint32_t slot_size;
    uint32_t slot_count; // power of two
    uint32_t own;        // this side's index; the shared copy is never read back
};

static inline uint64_t ring_bytes(uint32_t slot_size, uint32_t slot_count)
{
    return sizeof(struct ring_shared) + (uint64_t)slot_size * slot_count;
}

// False: slot_count is no power of two, or the ring does not fit into size. Both ends begin at 0:
// the memory must be fresh or cleared.
bool ring_open(struct ring_end *end, void *memory, uint64_t size, uint32_t slot_size,
               uint32_t slot_count);

// Free slots as the producer sees it; slots to take as the consumer sees it. A peer whose index is
// impossible looks as if it had done nothing.
uint32_t ring_room(const struct ring_end *producer);
uint32_t ring_ready(const struct ring_end *consumer);

// False: full or empty. *out_wake: the peer sleeps and must be signalled.
bool ring_put(struct ring_end *producer, const void *slot, bool *out_wake);
bool ring_take(struct ring_end *consumer, void *slot, bool *out_wake);

// Announces that this side will wait for a signal. True: do so; false: there is something to do
// after all, and the announcement is taken back. After waking, call ring_*_awake.
bool ring_producer_sleep(struct ring_end *producer);
bool ring_consumer_sleep(struct ring_end *consumer);
void ring_producer_awake(struct ring_end *producer);
void ring_consumer_awake(struct ring_end *consumer);
