// SPDX-License-Identifier: MIT OR Apache-2.0
// Rings: order between two threads, and peers that write nonsense into the shared indices.
#include <pthread.h>
#include <ring/ring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing/tap.h>

#define SLOTS  8u
#define ROUNDS 200000u

static _Alignas(64) uint8_t memory[sizeof(struct ring_shared) + SLOTS * sizeof(uint64_t)];

static void *produce(void *argument)
{
    struct ring_end *end = argument;
    bool wake = false;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        while (!ring_put(end, &i, &wake)) {
            sched_yield();
        }
    }
    return NULL;
}

static void test_threads(void)
{
    struct ring_end producer;
    struct ring_end consumer;
    pthread_t thread;
    memset(memory, 0, sizeof(memory));
    CHECK(ring_open(&producer, memory, sizeof(memory), sizeof(uint64_t), SLOTS));
    CHECK(ring_open(&consumer, memory, sizeof(memory), sizeof(uint64_t), SLOTS));
    CHECK(pthread_create(&thread, NULL, produce, &producer) == 0);
    bool wake = false;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t value = 0;
        while (!ring_take(&consumer, &value, &wake)) {
            sched_yield();
        }
        CHECK(value == i);
    }
    pthread_join(thread, NULL);
}

static void test_hostile(void)
{
    struct ring_end end;
    struct ring_shared *shared = (void *)memory;
    bool wake = false;
    uint64_t value = 0;
    srand(1);
    memset(memory, 0, sizeof(memory));
    CHECK(ring_open(&end, memory, sizeof(memory), sizeof(uint64_t), SLOTS));
    for (unsigned i = 0; i < ROUNDS; i++) {
        shared->head = (uint32_t)rand();
        shared->tail = (uint32_t)rand() ^ (i % 3 == 0 ? end.own : 0);
        CHECK(ring_room(&end) <= SLOTS && ring_ready(&end) <= SLOTS);
        (void)ring_put(&end, &value, &wake);
        (void)ring_take(&end, &value, &wake);
    }
}

static void test_sizes(void)
{
    struct ring_end end;
    CHECK(!ring_open(&end, memory, sizeof(memory), sizeof(uint64_t), 2 * SLOTS));
    CHECK(!ring_open(&end, memory, sizeof(memory), sizeof(uint64_t), 3));
    CHECK(!ring_open(&end, memory, sizeof(memory), sizeof(uint64_t), 0));
    CHECK(!ring_open(&end, memory, sizeof(memory), 0, SLOTS));
}

static void test_sleep(void)
{
    struct ring_end producer;
    struct ring_end consumer;
    uint64_t value = 1;
    bool wake = false;
    memset(memory, 0, sizeof(memory));
    CHECK(ring_open(&producer, memory, sizeof(memory), sizeof(uint64_t), SLOTS));
    CHECK(ring_open(&consumer, memory, sizeof(memory), sizeof(uint64_t), SLOTS));
    CHECK(ring_put(&producer, &value, &wake) && !wake);
    CHECK(!ring_consumer_sleep(&consumer));
    CHECK(ring_take(&consumer, &value, &wake));
    CHECK(ring_consumer_sleep(&consumer));
    CHECK(ring_put(&producer, &value, &wake) && wake);
    ring_consumer_awake(&consumer);
    CHECK(ring_put(&producer, &value, &wake) && !wake);
}

int main(void)
{
    tap_test("order between two threads", test_threads);
    tap_test("impossible indices of the peer", test_hostile);
    tap_test("sizes that do not fit are refused", test_sizes);
    tap_test("a wake-up is asked for only by who sleeps", test_sleep);
    return tap_end();
}
