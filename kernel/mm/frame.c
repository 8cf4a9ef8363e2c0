// SPDX-License-Identifier: MIT OR Apache-2.0
// Page frames: a buddy allocator (orders 0 to 10) behind per-core stacks of single frames that are
// refilled and emptied in batches. The table of all frames stands in the free RAM it describes.
// Only the head of a free block is in state FREE.
#include "mm.h"

#include <arch/cpu.h>
#include <kernel/boot.h>

#define ORDER_MAX        10u
#define CACHE_FRAMES     64u
#define CACHE_BATCH      32u
#define FRAME_SHARE_MASK ((1u << FRAME_PIN_SHIFT) - 1)
#define FRAME_PIN        ((1u << FRAME_PIN_SHIFT) + 1) // a pin also keeps the frame

struct frame_cache {
    uint32_t count;
    uint32_t frames[CACHE_FRAMES];
} __attribute__((aligned(64)));

static struct {
    struct spinlock lock; // guards all below
    uint32_t heads[ORDER_MAX + 1];
    uint64_t free;
    uint64_t total; // constant after boot
} buddy;
static struct frame_cache caches[CORES_MAX]; // each its core's
struct frame_info *frame_table;
uint64_t frame_limit;

static void block_link(uint32_t number, uint32_t order)
{
    struct frame_info *info = &frame_table[number];
    uint32_t head = buddy.heads[order];
    *info = (struct frame_info){
        .next = head, .previous = FRAME_NONE, .order = (uint8_t)order, .state = FRAME_FREE
    };
    if (head != FRAME_NONE) {
        frame_table[head].previous = number;
    }
    buddy.heads[order] = number;
}

static void block_unlink(uint32_t number)
{
    struct frame_info *info = &frame_table[number];
    if (info->previous != FRAME_NONE) {
        frame_table[info->previous].next = info->next;
    } else {
        buddy.heads[info->order] = info->next;
    }
    if (info->next != FRAME_NONE) {
        frame_table[info->next].previous = info->previous;
    }
    info->state = FRAME_USED;
}

static void block_free_locked(uint32_t number, uint32_t order)
{
    buddy.free += 1ull << order;
    while (order < ORDER_MAX) {
        uint32_t other = number ^ (1u << order);
        if (other >= frame_limit || frame_table[other].state != FRAME_FREE ||
            frame_table[other].order != order) {
            break;
        }
        block_unlink(other);
        number &= ~(1u << order);
        order++;
    }
    block_link(number, order);
}

static bool block_take_locked(uint32_t order, uint32_t *out_number)
{
    uint32_t from = order;
    while (from <= ORDER_MAX && buddy.heads[from] == FRAME_NONE) {
        from++;
    }
    if (from > ORDER_MAX) {
        return false;
    }
    uint32_t number = buddy.heads[from];
    block_unlink(number);
    while (from > order) {
        from--;
        block_link(number + (1u << from), from);
    }
    buddy.free -= 1ull << order;
    *out_number = number;
    return true;
}

// Boot:

static paddr_t table_place(const struct boot_info *info, uint64_t size)
{
    for (uint32_t i = info->range_count; i > 0; i--) {
        const struct boot_range *range = &info->ranges[i - 1];
        if (range->kind == BOOT_MEMORY_FREE && range->size >= size) {
            return paddr_make(range->base + range->size - size);
        }
    }
    panic("no free range for the frame table of %lu bytes", size);
}

static void range_add(uint64_t base, uint64_t end)
{
    uint64_t number = base >> PAGE_SHIFT;
    uint64_t limit = end >> PAGE_SHIFT;
    buddy.total += limit - number;
    while (number < limit) {
        uint32_t order = number == 0 ? ORDER_MAX : (uint32_t)__builtin_ctzll(number);
        order = order < ORDER_MAX ? order : ORDER_MAX;
        while (number + (1ull << order) > limit) {
            order--;
        }
        block_free_locked((uint32_t)number, order);
        number += 1ull << order;
    }
}

void frame_init(const struct boot_info *info)
{
    uint64_t top = 0;
    for (uint32_t i = 0; i < info->range_count; i++) {
        uint64_t end = info->ranges[i].base + info->ranges[i].size;
        top = info->ranges[i].kind == BOOT_MEMORY_FREE && end > top ? end : top;
    }
    frame_limit = top >> PAGE_SHIFT;
    ASSERT(frame_limit != 0 && frame_limit < FRAME_NONE);
    uint64_t size = (frame_limit * sizeof(struct frame_info) + PAGE_MASK) & ~PAGE_MASK;
    paddr_t place = table_place(info, size);
    frame_table = frame_address(place);
    for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
        page_zero((char *)frame_table + at);
    }
    for (uint32_t order = 0; order <= ORDER_MAX; order++) {
        buddy.heads[order] = FRAME_NONE;
    }
    for (uint32_t i = 0; i < info->range_count; i++) {
        const struct boot_range *range = &info->ranges[i];
        if (range->kind == BOOT_MEMORY_FREE) {
            uint64_t end = range->base + range->size;
            bool has_table = place.value >= range->base && place.value < end;
            range_add(range->base, has_table ? place.value : end);
        }
    }
}

// Single frames:

static bool cache_refill(struct frame_cache *cache)
{
    spinlock_acquire(&buddy.lock);
    while (cache->count < CACHE_BATCH) {
        uint32_t number = 0;
        if (!block_take_locked(0, &number)) {
            break;
        }
        frame_table[number].state = FRAME_CACHED;
        cache->frames[cache->count++] = number;
    }
    spinlock_release(&buddy.lock);
    return cache->count != 0;
}

static void cache_drain(struct frame_cache *cache)
{
    spinlock_acquire(&buddy.lock);
    while (cache->count > CACHE_FRAMES - CACHE_BATCH) {
        block_free_locked(cache->frames[--cache->count], 0);
    }
    spinlock_release(&buddy.lock);
}

tes_status_t frame_allocate(paddr_t *out_frame)
{
    struct frame_cache *cache = &caches[cpu_local()->id];
    if (__builtin_expect(cache->count == 0, 0) && !cache_refill(cache)) {
        return TES_ERROR_NO_MEMORY;
    }
    uint32_t number = cache->frames[--cache->count];
    struct frame_info *info = &frame_table[number];
    ASSERT(info->state == FRAME_CACHED);
    info->state = FRAME_USED;
    info->count = 1;
    *out_frame = frame_at(number);
    return TES_OK;
}

tes_status_t frame_allocate_zeroed(paddr_t *out_frame)
{
    tes_status_t status = frame_allocate(out_frame);
    if (status == TES_OK) {
        page_zero(frame_address(*out_frame));
    }
    return status;
}

void frame_free(paddr_t frame)
{
    struct frame_cache *cache = &caches[cpu_local()->id];
    struct frame_info *info = frame_info_of(frame_number_of(frame));
    ASSERT(info->state == FRAME_USED);
    if (__builtin_expect(cache->count == CACHE_FRAMES, 0)) {
        cache_drain(cache);
    }
    info->state = FRAME_CACHED;
    cache->frames[cache->count++] = frame_number_of(frame);
}

// Blocks:

tes_status_t frame_allocate_order(uint32_t order, paddr_t *out_frame)
{
    uint32_t number = 0;
    if (order > ORDER_MAX) {
        return TES_ERROR_NO_MEMORY;
    }
    spinlock_acquire(&buddy.lock);
    bool is_found = block_take_locked(order, &number);
    for (uint32_t i = 0; is_found && i < 1u << order; i++) {
        frame_table[number + i].state = FRAME_USED;
        frame_table[number + i].count = 1;
    }
    spinlock_release(&buddy.lock);
    if (!is_found) {
        return TES_ERROR_NO_MEMORY;
    }
    *out_frame = frame_at(number);
    return TES_OK;
}

void frame_free_order(paddr_t frame, uint32_t order)
{
    spinlock_acquire(&buddy.lock);
    for (uint32_t i = 0; i < 1u << order; i++) {
        ASSERT(frame_info_of(frame_number_of(frame) + i)->state == FRAME_USED);
        frame_info_of(frame_number_of(frame) + i)->state = FRAME_RESERVED; // inside of a block
    }
    block_free_locked(frame_number_of(frame), order);
    spinlock_release(&buddy.lock);
}

// Sharing:

void frame_get(paddr_t frame)
{
    atomic_add_u32(&frame_info_of(frame_number_of(frame))->count, 1, ATOMIC_RELAXED);
}

bool frame_put(paddr_t frame)
{
    struct frame_info *info = frame_info_of(frame_number_of(frame));
    if (!frame_info_put(info)) {
        return false;
    }
    frame_free(frame);
    return true;
}

uint32_t frame_shares(paddr_t frame)
{
    uint32_t count = atomic_load_u32(&frame_info_of(frame_number_of(frame))->count,
                                     ATOMIC_ACQUIRE); // pairs with put
    return (count & FRAME_SHARE_MASK) - (count >> FRAME_PIN_SHIFT);
}

void frame_pin(paddr_t frame)
{
    atomic_add_u32(&frame_info_of(frame_number_of(frame))->count, FRAME_PIN, ATOMIC_RELAXED);
}

void frame_unpin(paddr_t frame)
{
    // Pairs with itself and frame_put: the last one frees.
    if (atomic_sub_u32(&frame_info_of(frame_number_of(frame))->count, FRAME_PIN, ATOMIC_ACQ_REL) ==
        FRAME_PIN) {
        frame_free(frame);
    }
}

bool frame_is_pinned(paddr_t frame)
{
    return atomic_load_u32(&frame_info_of(frame_number_of(frame))->count, ATOMIC_RELAXED) >>
               FRAME_PIN_SHIFT !=
           0;
}

bool frame_is_ram(paddr_t frame)
{
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        if (frame.value - range->base < range->size) {
            return range->kind == BOOT_MEMORY_FREE;
        }
    }
    return false;
}

uint64_t frame_total(void)
{
    return buddy.total;
}

uint64_t frame_free_count(void)
{
    uint64_t count = buddy.free;
    for (uint32_t core = 0; core < CORES_MAX; core++) {
        count += caches[core].count;
    }
    return count;
}

void *frame_address(paddr_t frame)
{
    return (void *)(uintptr_t)(MMU_DIRECT_MAP + frame.value);
}

paddr_t frame_of_address(const void *address)
{
    return paddr_make(((uint64_t)(uintptr_t)address - MMU_DIRECT_MAP) & ~PAGE_MASK);
}
