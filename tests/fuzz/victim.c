// SPDX-License-Identifier: MIT OR Apache-2.0
// The victim: draws a call and arguments from the grammar. It has no state but its block, since its
// data is read-only; what calls return goes into its ring of handles, so that sequences arise
// (create, derive, map, call, destroy, use again).
#include "fuzz.h"

#include <abi/settings.h>
#include <fuzz_grammar.h>
#include <rt/atomic.h>

#define RANDOM_MULTIPLIER 0x5851f42d4c957f2dull // Knuth, MMIX
#define RANDOM_INCREMENT  0x14057b7ef767814full
#define DEADLINE_NS       (50 * NS_PER_US)
#define SIZE_MAX_PAGES    16u

struct random {
    uint64_t state;
};

static uint64_t next(struct random *random)
{
    random->state = random->state * RANDOM_MULTIPLIER + RANDOM_INCREMENT;
    uint64_t mixed = random->state ^ random->state >> 29;
    return mixed * 0x9e3779b97f4a7c15ull >> 7 ^ mixed << 40;
}

static uint64_t below(struct random *random, uint64_t limit)
{
    return (next(random) >> 8) % limit;
}

static uint64_t draw_number(struct random *random)
{
    static const uint64_t edges[] = {
        0,       1,          2,          3,          4,
        63,      64,         4095,       4096,       0xffff,
        0x10000, UINT32_MAX, 1ull << 47, UINT64_MAX, UINT64_MAX - 4095
    };
    switch (below(random, 4)) {
    case 0:
        return next(random);
    case 1:
        return below(random, 16);
    default:
        return edges[below(random, sizeof(edges) / sizeof(edges[0]))];
    }
}

static uint64_t draw_address(struct random *random, const struct child_block *block)
{
    const uint64_t own = (uint64_t)block & ~(TES_PAGE_SIZE - 1);
    switch (below(random, 6)) {
    case 0:
        return own + 2048; // behind what the supervisor reads
    case 1:
        return 0x600000000000ull + below(random, 64) * TES_PAGE_SIZE;
    case 2:
        return TES_USER_TOP - below(random, 4) * TES_PAGE_SIZE;
    case 3:
        return 0;
    case 4:
        return 0x600000000000ull + next(random) % (1u << 20);
    default:
        return draw_number(random);
    }
}

static uint64_t draw_handle(struct random *random, const struct child_block *block)
{
    uint64_t value = block->handles[below(random, CHILD_HANDLES)];
    switch (below(random, 12)) {
    case 0:
        return next(random);
    case 1:
        return value ^ 1ull << below(random, 64);
    case 2:
        return 0;
    default:
        return value;
    }
}

static uint64_t draw(struct random *random, const struct child_block *block,
                     const struct fuzz_param *param)
{
    switch (param->kind) {
    case FUZZ_HANDLE:
    case FUZZ_HANDLE_OPTIONAL:
        return draw_handle(random, block);
    case FUZZ_FLAGS:
        return below(random, 8) == 0   ? next(random)
               : below(random, 2) == 0 ? 1ull << below(random, 8) & param->mask
                                       : next(random) & param->mask;
    case FUZZ_ADDRESS:
        return draw_address(random, block);
    case FUZZ_SIZE:
        return below(random, 8) == 0 ? draw_number(random)
                                     : below(random, SIZE_MAX_PAGES) * TES_PAGE_SIZE;
    default:
        // A u64 may be a handle in disguise (handle_close, thread_control, endpoint_control).
        return below(random, 3) == 0 ? draw_handle(random, block) : draw_number(random);
    }
}

static void remember(struct random *random, struct child_block *block, uint64_t value)
{
    if (value >> 32 != 0 && (value & 0x3f) == 0) {
        block->handles[below(random, CHILD_HANDLES)] = value;
    }
}

static void message_draw(struct random *random, struct child_block *block,
                         struct tes_message *message)
{
    struct tes_message_page *page = child_own_page(block);
    message->label = below(random, 4) == 0 ? next(random) : next(random) & 0xff;
    message->label = below(random, 2) == 0 ? 0 : message->label;
    page->accept = (uint32_t)below(random, 6);
    for (uint32_t i = 0; i < TES_MESSAGE_HANDLES_MAX; i++) {
        page->handles[i] = draw_handle(random, block);
        page->leases[i] = (struct tes_lease){
            .address = draw_address(random, block),
            .size = below(random, 3) * TES_PAGE_SIZE,
            .flags = (uint32_t)below(random, 9),
        };
        message->words[i] = next(random);
    }
}

static void call_once(struct random *random, struct child_block *block)
{
    const struct fuzz_call *call = &fuzz_calls[below(random, FUZZ_CALL_COUNT)];
    struct tes_call_data data = { 0 };
    if (call->number == TES_CALL_THREAD_EXIT && below(random, 64) != 0) {
        return;
    }
    (void)!tes_thread_deadline(time_now() + DEADLINE_NS); // nothing waits for ever
    for (uint32_t i = 0; i < call->input_count; i++) {
        data.arguments[i] = draw(random, block, &call->inputs[i]);
    }
    if (call->call_class == TES_CALL_CLASS_MESSAGE) {
        struct tes_message message = { .handle = data.arguments[0] };
        message_draw(random, block, &message);
        (void)!tes_arch_message(call->number, &message); // any answer is good
        return;
    }
    uint64_t number = below(random, 200) == 0 ? next(random) : call->number;
    if (tes_arch_call_6(number, &data) == TES_OK && call->output_count != 0) {
        remember(random, block, data.results[0]);
    }
}

void victim_main(struct child_block *block)
{
    struct random random = { block->words[FUZZ_SEED] };
    while (atomic_add_u64(&block->words[FUZZ_DONE], 1, ATOMIC_RELAXED) < block->words[FUZZ_LIMIT]) {
        call_once(&random, block);
    }
}
