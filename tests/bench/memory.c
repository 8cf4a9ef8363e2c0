// SPDX-License-Identifier: MIT OR Apache-2.0
// Mappings, faults, frames, copy-on-write clones.
#include "measure.h"

#define CLONE_SIZE (64ull << 20)
#define READ_WRITE (TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE)

struct mapping {
    tes_memory_t memory;
    uint64_t address;
};

static tes_memory_t memory_make(uint64_t size, uint64_t flags)
{
    tes_memory_t memory = { 0 };
    MUST(tes_memory_create(own_quota(), size, flags, (tes_endpoint_t){ 0 }, 0, &memory));
    return memory;
}

// Ends in a present entry: POPULATE, and the page is there.
static void map_unmap(void *context, uint32_t operations)
{
    const struct mapping *mapping = context;
    for (uint32_t i = 0; i < operations; i++) {
        uint64_t mapped = 0;
        MUST(tes_space_map(own_space(), mapping->memory, 0, mapping->address, TES_PAGE_SIZE,
                           READ_WRITE | TES_SPACE_MAP_POPULATE, &mapped));
        MUST(tes_space_unmap(own_space(), mapped, TES_PAGE_SIZE));
    }
}

static void bench_map(void)
{
    struct mapping mapping = { .memory = memory_make(TES_PAGE_SIZE, TES_MEMORY_CREATE_COMMIT) };
    uint64_t mapped = 0;
    MUST(tes_space_map(own_space(), mapping.memory, 0, 0, TES_PAGE_SIZE,
                       READ_WRITE | TES_SPACE_MAP_POPULATE, &mapped));
    *(volatile uint64_t *)mapped = 1;
    MUST(tes_space_unmap(own_space(), mapped, TES_PAGE_SIZE));
    mapping.address = mapped;
    bench("map_unmap", map_unmap, &mapping, BENCH_OPERATIONS);
    MUST(tes_object_destroy(tes_memory_any(mapping.memory)));
}

static void zero_pages(void *context, uint32_t operations)
{
    for (uint32_t i = 0; i < operations; i++) {
        page_zero(context);
    }
}

// Writes one word to each page of a fresh Memory; making and unmapping it is outside the time.
static void bench_fault(uint64_t zeroing)
{
    struct bench_samples samples = { 0 };
    const uint64_t size = BENCH_OPERATIONS * TES_PAGE_SIZE;
    for (uint32_t batch = 0; batch < BENCH_BATCHES; batch++) {
        tes_memory_t memory = memory_make(size, 0);
        uint64_t mapped = 0;
        MUST(tes_space_map(own_space(), memory, 0, 0, size, READ_WRITE, &mapped));
        *(volatile uint64_t *)mapped = batch; // tables of that range
        uint64_t start = tes_arch_ticks();
        for (uint32_t page = 1; page < BENCH_OPERATIONS; page++) {
            *(volatile uint64_t *)(mapped + page * TES_PAGE_SIZE) = batch;
        }
        samples_add(&samples, tes_arch_ticks() - start);
        MUST(tes_space_unmap(own_space(), mapped, size));
        MUST(tes_object_destroy(tes_memory_any(memory)));
    }
    samples_report(&samples, "anon_fault_whole", BENCH_OPERATIONS - 1);
    uint64_t whole = samples_minimum(&samples, BENCH_OPERATIONS - 1);
    report("anon_fault", whole > zeroing ? whole - zeroing : 0, "instructions");
}

static void frames(void *context, uint32_t operations)
{
    const struct mapping *mapping = context;
    for (uint32_t i = 0; i < operations; i++) {
        MUST(tes_memory_control(mapping->memory, TES_MEMORY_CONTROL_COMMIT, 0, TES_PAGE_SIZE));
        MUST(tes_memory_control(mapping->memory, TES_MEMORY_CONTROL_DISCARD, 0, TES_PAGE_SIZE));
    }
}

static void clones(void *context, uint32_t operations)
{
    const struct mapping *mapping = context;
    for (uint32_t i = 0; i < operations; i++) {
        tes_memory_t clone = { 0 };
        MUST(tes_memory_clone(mapping->memory, own_quota(), 0, CLONE_SIZE, &clone));
        MUST(tes_object_destroy(tes_memory_any(clone)));
    }
}

void bench_memory(void)
{
    static _Alignas(TES_PAGE_SIZE) uint8_t page[TES_PAGE_SIZE];
    bench_map();
    uint64_t zeroing = bench("page_zero", zero_pages, page, BENCH_OPERATIONS);
    bench_fault(zeroing);
    struct mapping one = { .memory = memory_make(TES_PAGE_SIZE, 0) };
    bench("frame_allocate_free", frames, &one, BENCH_OPERATIONS);
    MUST(tes_object_destroy(tes_memory_any(one.memory)));
    struct mapping large = { .memory = memory_make(CLONE_SIZE, TES_MEMORY_CREATE_COMMIT) };
    bench("memory_clone_64m", clones, &large, 1);
    MUST(tes_object_destroy(tes_memory_any(large.memory)));
}
