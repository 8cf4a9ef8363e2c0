// SPDX-License-Identifier: MIT OR Apache-2.0
// The serial driver's queue against a count.
#include <queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <testing/tap.h>

static void test_queue(void)
{
    static struct queue queue;
    uint8_t put = 0;
    uint8_t taken = 0;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        for (int i = rand() % 700; i > 0 && queue_put(&queue, put); i--) {
            put++;
        }
        const uint8_t *bytes = NULL;
        uint32_t count = queue_peek(&queue, &bytes, (uint32_t)(rand() % 900));
        for (uint32_t i = 0; i < count; i++) {
            CHECK(bytes[i] == taken++);
        }
        queue_drop(&queue, count);
        uint8_t *space = NULL;
        count = queue_space(&queue, &space, (uint32_t)(rand() % 300));
        for (uint32_t i = 0; i < count; i++) {
            space[i] = put++;
        }
        queue_claim(&queue, count);
        CHECK(queue_count(&queue) + queue_room(&queue) == QUEUE_SIZE);
        CHECK((uint8_t)(put - taken) == (uint8_t)queue_count(&queue));
    }
}

int main(void)
{
    tap_test("bytes come out as they went in", test_queue);
    return tap_end();
}
