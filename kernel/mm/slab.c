// SPDX-License-Identifier: MIT OR Apache-2.0
// Slab caches for kernel objects: nine sizes, each page cut into objects of one. A page's list
// links, count of objects in use and first free object stand in its frame's table entry; a free
// object's first word is the next one's number + 1. Per-core magazines in front; pages whose
// objects are all free go back to the frame allocator.
#include "mm.h"

#include <arch/cpu.h>

#define SLAB_CLASSES   9u
#define MAGAZINE_SIZE  16u
#define MAGAZINE_BATCH 8u
#define SLAB_UNIT      64u
#define SLAB_SIZE_MAX  2048u

static const uint16_t class_sizes[SLAB_CLASSES] = { 64, 128, 192, 256, 384, 512, 768, 1024, 2048 };
// By (size + 63) / 64 - 1.
static const uint8_t class_of_units[SLAB_SIZE_MAX / SLAB_UNIT] = { 0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6,
                                                                   6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8,
                                                                   8, 8, 8, 8, 8, 8, 8, 8, 8, 8 };

struct slab_class {
    struct spinlock lock; // guards the list and its pages' table entries
    uint32_t partial;     // first page with a free object + 1; 0: none
    uint64_t pages;
};

struct magazine {
    uint32_t count;
    void *items[MAGAZINE_SIZE];
};

static struct slab_class classes[SLAB_CLASSES];
static struct magazine magazines[CORES_MAX][SLAB_CLASSES]; // each its core's

static uint32_t class_of(uint32_t size)
{
    ASSERT(size != 0 && size <= SLAB_SIZE_MAX);
    return class_of_units[(size + SLAB_UNIT - 1) / SLAB_UNIT - 1];
}

static void page_link(struct slab_class *slab, uint32_t number)
{
    struct frame_info *info = frame_info_of(number);
    info->next = slab->partial;
    info->previous = 0;
    if (slab->partial != 0) {
        frame_info_of(slab->partial - 1)->previous = number + 1;
    }
    slab->partial = number + 1;
}

static void page_unlink(struct slab_class *slab, uint32_t number)
{
    const struct frame_info *info = frame_info_of(number);
    if (info->previous != 0) {
        frame_info_of(info->previous - 1)->next = info->next;
    } else {
        slab->partial = info->next;
    }
    if (info->next != 0) {
        frame_info_of(info->next - 1)->previous = info->previous;
    }
}

static tes_status_t page_add(struct slab_class *slab, uint32_t class)
{
    paddr_t frame;
    tes_status_t status = frame_allocate(&frame);
    if (status != TES_OK) {
        return status;
    }
    uint32_t count = (uint32_t)PAGE_SIZE / class_sizes[class];
    char *page = frame_address(frame);
    for (uint32_t i = 0; i < count; i++) {
        *(uint64_t *)(void *)(page + (size_t)i * class_sizes[class]) = i + 1 < count ? i + 2 : 0;
    }
    struct frame_info *info = frame_info_of(frame_number_of(frame));
    info->count = 0;
    info->slab_free = 1;
    info->order = (uint8_t) class;
    page_link(slab, frame_number_of(frame));
    slab->pages++;
    return TES_OK;
}

static void *object_take(struct slab_class *slab, uint32_t class)
{
    uint32_t number = slab->partial - 1;
    struct frame_info *info = frame_info_of(number);
    char *memory = (char *)frame_address(frame_at(number)) +
                   (size_t)(info->slab_free - 1) * class_sizes[class];
    info->slab_free = (uint16_t) * (uint64_t *)(void *)memory;
    info->count++;
    if (info->slab_free == 0) {
        page_unlink(slab, number);
    }
    return memory;
}

static void object_give(struct slab_class *slab, uint32_t class, void *memory)
{
    paddr_t frame = frame_of_address(memory);
    uint32_t number = frame_number_of(frame);
    struct frame_info *info = frame_info_of(number);
    uint64_t offset = (uint64_t)((char *)memory - (char *)frame_address(frame));
    ASSERT(info->count != 0 && info->order == class);
    if (info->slab_free == 0) {
        page_link(slab, number);
    }
    *(uint64_t *)memory = info->slab_free;
    info->slab_free = (uint16_t)(offset / class_sizes[class] + 1);
    if (--info->count == 0) {
        page_unlink(slab, number);
        slab->pages--;
        frame_free(frame);
    }
}

static tes_status_t magazine_refill(struct magazine *magazine, uint32_t class)
{
    struct slab_class *slab = &classes[class];
    tes_status_t status = TES_OK;
    spinlock_acquire(&slab->lock);
    while (magazine->count < MAGAZINE_BATCH && status == TES_OK) {
        if (slab->partial == 0) {
            status = page_add(slab, class);
        }
        if (status == TES_OK) {
            magazine->items[magazine->count++] = object_take(slab, class);
        }
    }
    spinlock_release(&slab->lock);
    return magazine->count != 0 ? TES_OK : status;
}

static void magazine_drain(struct magazine *magazine, uint32_t class)
{
    spinlock_acquire(&classes[class].lock);
    while (magazine->count > MAGAZINE_SIZE - MAGAZINE_BATCH) {
        object_give(&classes[class], class, magazine->items[--magazine->count]);
    }
    spinlock_release(&classes[class].lock);
}

tes_status_t slab_allocate(uint32_t size, void **out_memory)
{
    uint32_t class = class_of(size);
    struct magazine *magazine = &magazines[cpu_local()->id][class];
    if (__builtin_expect(magazine->count == 0, 0)) {
        tes_status_t status = magazine_refill(magazine, class);
        if (status != TES_OK) {
            return status;
        }
    }
    uint64_t *words = magazine->items[--magazine->count];
    *out_memory = words;
    for (uint32_t left = (size + SLAB_UNIT - 1) / SLAB_UNIT; left > 0;
         left--, words += SLAB_UNIT / sizeof(*words)) {
        words[0] = 0;
        words[1] = 0;
        words[2] = 0;
        words[3] = 0;
        words[4] = 0;
        words[5] = 0;
        words[6] = 0;
        words[7] = 0;
        __asm__ volatile("" : : : "memory"); // no call of memset
    }
    return TES_OK;
}

void slab_free(void *memory, uint32_t size)
{
    uint32_t class = class_of(size);
    struct magazine *magazine = &magazines[cpu_local()->id][class];
    if (__builtin_expect(magazine->count == MAGAZINE_SIZE, 0)) {
        magazine_drain(magazine, class);
    }
    magazine->items[magazine->count++] = memory;
}

uint64_t slab_pages(void)
{
    uint64_t count = 0;
    for (uint32_t class = 0; class < SLAB_CLASSES; class ++) {
        count += classes[class].pages;
    }
    return count;
}
