// SPDX-License-Identifier: MIT OR Apache-2.0
// guest_call and guest_clone_destroy, in a process whose program lies in the part of its Space that
// guests share (a personality). It leaves its samples in Memory shared with the parent, which
// prints them.
#include "guest.h"

#include "measure.h"

#include <abi/settings.h>
#include <rt/string.h>

#define GUEST_CODE    0x400000ull
#define GUEST_DATA    0x500000ull
#define GUEST_PAGES   50u // present pages: code and data
#define HANDLE_SHARED 1u
#define READ_WRITE    (TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE)

struct guest_results {
    struct bench_samples calls;
    struct bench_samples clones;
    tes_status_t status;
    uint32_t line;
};
#define RESULTS_SIZE ((sizeof(struct guest_results) + TES_PAGE_SIZE - 1) & ~(TES_PAGE_SIZE - 1))

static struct guest_results *map_results(tes_space_t space, uint64_t handle, uint64_t address)
{
    uint64_t mapped = 0;
    MUST(tes_space_map(space, (tes_memory_t){ handle }, 0, address, RESULTS_SIZE, READ_WRITE,
                       &mapped));
    return (struct guest_results *)mapped;
}

static uint64_t map_new(const struct child_block *block, uint64_t size, uint64_t address,
                        tes_memory_t *out_memory)
{
    uint64_t mapped = 0;
    MUST(tes_memory_create(block->quota, size, 0, (tes_endpoint_t){ 0 }, 0, out_memory));
    MUST(tes_space_map(block->space, *out_memory, 0, address, size,
                       READ_WRITE | TES_SPACE_MAP_POPULATE, &mapped));
    return mapped;
}

// The personality's own pages, beside its program.
static uint64_t near(const struct child_block *block, uint64_t index)
{
    const uint64_t distance = 1u << 24;
    return ((uint64_t)block & ~(TES_PAGE_SIZE - 1)) + distance * (1 + index);
}

static tes_space_t guest_make(const struct child_block *block)
{
    tes_space_t guest = { 0 };
    tes_memory_t code = { 0 };
    tes_memory_t data = { 0 };
    uint64_t mapped = 0;
    const uint64_t data_size = (GUEST_PAGES - 1) * TES_PAGE_SIZE;
    MUST(tes_space_create(block->quota, 0, &guest));
    uint64_t address = map_new(block, TES_PAGE_SIZE, near(block, 0), &code);
    memcpy((void *)address, guest_program, (size_t)(guest_program_end - guest_program));
    MUST(tes_space_unmap(block->space, address, TES_PAGE_SIZE));
    MUST(tes_memory_control(code, TES_MEMORY_CONTROL_SEAL, 0, TES_PAGE_SIZE));
    MUST(tes_space_map(guest, code, 0, GUEST_CODE, TES_PAGE_SIZE,
                       TES_SPACE_MAP_READ | TES_SPACE_MAP_EXECUTE | TES_SPACE_MAP_POPULATE,
                       &mapped));
    MUST(tes_memory_create(block->quota, data_size, TES_MEMORY_CREATE_COMMIT, (tes_endpoint_t){ 0 },
                           0, &data));
    MUST(tes_space_map(guest, data, 0, GUEST_DATA, data_size, READ_WRITE | TES_SPACE_MAP_POPULATE,
                       &mapped));
    return guest;
}

static void measure_calls(struct tes_guest_state *state, struct bench_samples *samples)
{
    MUST(guest_rounds(state, BENCH_OPERATIONS) == 0 ? TES_OK : TES_ERROR_FAULT);
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        uint64_t start = tes_arch_ticks();
        uint64_t left = guest_rounds(state, BENCH_OPERATIONS);
        samples_add(samples, tes_arch_ticks() - start);
        MUST(left == 0 ? TES_OK : TES_ERROR_FAULT);
    }
}

static void measure_clones(const struct child_block *block, tes_space_t guest,
                           struct bench_samples *samples)
{
    for (uint32_t i = 0; i <= BENCH_BATCHES; i++) {
        tes_space_t clone = { 0 };
        uint64_t start = tes_arch_ticks();
        tes_status_t status = tes_space_clone(guest, block->quota, &clone);
        if (status == TES_OK) {
            status = tes_object_destroy(tes_space_any(clone));
        }
        uint64_t ticks = tes_arch_ticks() - start;
        MUST(status);
        if (i != 0) { // the first one warms up
            samples_add(samples, ticks);
        }
    }
}

static void personality_main(struct child_block *block)
{
    struct guest_results *results =
        map_results(block->space, block->handles[HANDLE_SHARED], near(block, 1));
    tes_memory_t memory = { 0 };
    const tes_thread_t self = { 0 };
    struct tes_guest_state *state =
        (struct tes_guest_state *)map_new(block, TES_PAGE_SIZE, near(block, 2), &memory);
    tes_space_t guest = guest_make(block);
    state->registers.rip = GUEST_CODE;
    state->registers.rsp = GUEST_DATA + TES_PAGE_SIZE;
    state->registers.rflags = 2;
    state->full_restore = 1;
    MUST(tes_thread_control(self, TES_THREAD_GUEST, guest.value, (uint64_t)state));
    measure_calls(state, &results->calls);
    MUST(tes_thread_control(self, TES_THREAD_GUEST, 0, 0));
    measure_clones(block, guest, &results->clones);
    results->line = 1; // all done
}

void bench_guest(void)
{
    struct child child;
    tes_memory_t memory = { 0 };
    const struct child_options options = {
        .name = "personality",
        .priority = BENCH_PRIORITY,
        .is_personality = true,
    };
    MUST(tes_memory_create(own_quota(), RESULTS_SIZE, 0, (tes_endpoint_t){ 0 }, 0, &memory));
    struct guest_results *results = map_results(own_space(), memory.value, 0);
    MUST(child_create(&child, &options));
    MUST(child_give(&child, HANDLE_SHARED, memory.value));
    // What MUST says in the child goes through the same port.
    MUST(child_run(&child, personality_main));
    MUST(child_wait(&child));
    MUST(results->line == 1 ? TES_OK : TES_ERROR_FAULT);
    samples_report(&results->calls, "guest_call", BENCH_OPERATIONS);
    samples_report(&results->clones, "guest_clone_destroy", 1);
    MUST(child_destroy(&child));
    MUST(tes_space_unmap(own_space(), (uint64_t)results, RESULTS_SIZE));
    MUST(tes_object_destroy(tes_memory_any(memory)));
}
