// SPDX-License-Identifier: MIT OR Apache-2.0
// Frames and slabs: what is allocated is filled with its own number and looked at when it is freed.
#include "fake.h"

#include <string.h>

#define BLOCKS 300u

void test_frames(void)
{
    static struct {
        paddr_t frame;
        uint32_t order;
        bool is_used;
    } blocks[BLOCKS];
    uint64_t before = frame_free_count();
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t i = (uint32_t)fake_random(BLOCKS);
        uint64_t *words = NULL;
        if (!blocks[i].is_used) {
            blocks[i].order = (uint32_t)fake_random(4) * (uint32_t)fake_random(3);
            tes_status_t status = blocks[i].order == 0
                                      ? frame_allocate(&blocks[i].frame)
                                      : frame_allocate_order(blocks[i].order, &blocks[i].frame);
            CHECK(status == TES_OK && frame_is_ram(blocks[i].frame));
            words = frame_address(blocks[i].frame);
            words[0] = i;
            words[(PAGE_SIZE << blocks[i].order) / sizeof(*words) - 1] = i;
            blocks[i].is_used = true;
            continue;
        }
        words = frame_address(blocks[i].frame);
        CHECK(words[0] == i && words[(PAGE_SIZE << blocks[i].order) / sizeof(*words) - 1] == i);
        if (blocks[i].order == 0) {
            frame_free(blocks[i].frame);
        } else {
            frame_free_order(blocks[i].frame, blocks[i].order);
        }
        blocks[i].is_used = false;
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        for (uint64_t page = 0; blocks[i].is_used && page < 1ull << blocks[i].order; page++) {
            frame_get(paddr_make(blocks[i].frame.value + page * PAGE_SIZE));
            CHECK(!frame_put(paddr_make(blocks[i].frame.value + page * PAGE_SIZE)));
            CHECK(frame_put(paddr_make(blocks[i].frame.value + page * PAGE_SIZE)));
        }
    }
    CHECK(frame_free_count() == before);
    paddr_t largest;
    CHECK(frame_allocate_order(10, &largest) == TES_OK); // blocks merge again
    frame_free_order(largest, 10);
    CHECK(frame_allocate_order(11, &largest) == TES_ERROR_NO_MEMORY);
}

void test_slabs(void)
{
    static struct {
        unsigned char *memory;
        uint32_t size;
    } objects[2000];
    const uint32_t sizes[] = { 8, 64, 100, 192, 200, 300, 512, 700, 1000, 1024, 1500, 2048 };
    for (uint32_t step = 0; step < 60000; step++) {
        uint32_t i = (uint32_t)fake_random(2000);
        if (objects[i].memory == NULL) {
            void *memory = NULL;
            objects[i].size = sizes[fake_random(sizeof(sizes) / sizeof(sizes[0]))];
            CHECK(slab_allocate(objects[i].size, &memory) == TES_OK &&
                  ((uintptr_t)memory & 63) == 0);
            objects[i].memory = memory;
            bool is_zero = true;
            for (uint32_t at = 0; at < objects[i].size; at++) {
                is_zero = is_zero && objects[i].memory[at] == 0;
            }
            CHECK(is_zero);
            memset(memory, (int)(i & 255), objects[i].size);
            continue;
        }
        CHECK(objects[i].memory[0] == (i & 255) &&
              objects[i].memory[objects[i].size - 1] == (i & 255));
        slab_free(objects[i].memory, objects[i].size);
        objects[i].memory = NULL;
    }
    for (uint32_t i = 0; i < 2000; i++) {
        if (objects[i].memory != NULL) {
            slab_free(objects[i].memory, objects[i].size);
        }
    }
    CHECK(slab_pages() < 150); // what the magazines keep
}
