// SPDX-License-Identifier: MIT OR Apache-2.0
// call_reply_64: two processes with address spaces of their own. The server increments each of the
// eight words and the label before it answers; the client sends on what it received. Both ends
// check each message's hash against a table that is filled between batches (call64.S).
#include "measure.h"

#include <abi/settings.h>
#include <rt/atomic.h>

#define ROUNDS       BENCH_OPERATIONS
#define LABEL_STEP   (1ull << TES_LABEL_METHOD_SHIFT)
#define LABEL_STOP   (0xffffffffull << TES_LABEL_METHOD_SHIFT)
#define WORD_ERRORS  0u // of the child's block
#define HANDLE_INDEX 1u

struct pair {
    uint64_t handle, expected;
};

// Layout known to call64.S.
struct call64_state {
    uint64_t stack, end, hash, badge;
    uint64_t label;
    uint64_t words[TES_MESSAGE_WORDS];
    uint64_t step;
};
static_assert(offsetof(struct call64_state, label) == 32, "known to call64.S");
static_assert(offsetof(struct call64_state, step) == 104, "known to call64.S");

void call64_client(const struct pair *table);
void call64_server(const struct pair *table);

static uint64_t hash_after(const struct call64_state *base, uint64_t rounds)
{
    uint64_t sum = base->label + rounds * LABEL_STEP;
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        sum = base->words[i] + rounds + 2 * sum;
    }
    return sum;
}

// expected[k] is the message after first + k rounds; the last is wrong.
static void table_fill(struct pair *table, uint32_t count, const struct call64_state *base,
                       uint64_t first, uint64_t handle)
{
    for (uint32_t i = 0; i < count; i++) {
        table[i] = (struct pair){ handle, hash_after(base, first + i) };
    }
    table[count - 1].expected ^= 1;
}

static void state_adopt(struct call64_state *state)
{
    const tes_thread_t self = { 0 };
    MUST(tes_thread_control(self, TES_THREAD_THREAD_POINTER, (uint64_t)state, 0));
}

static void state_from(struct call64_state *state, const struct tes_message *message)
{
    state->label = message->label;
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        state->words[i] = message->words[i];
    }
}

// Each batch begins with a message that no table expects; it names the next base.
static void server_main(struct child_block *block)
{
    struct call64_state state = { .step = LABEL_STEP };
    struct pair table[ROUNDS + 1];
    struct tes_message message = { .handle = block->handles[HANDLE_INDEX] };
    state_adopt(&state);
    block->words[WORD_ERRORS] += tes_arch_message(TES_CALL_IPC_RECV, &message) != TES_OK;
    state_from(&state, &message);
    while (state.label != LABEL_STOP) {
        table_fill(table, ROUNDS + 1, &state, 0, message.handle);
        call64_server(table);
        bool is_at_end = state.end == (uint64_t)(table + ROUNDS + 1);
        block->words[WORD_ERRORS] += !is_at_end;
        state.label -= LABEL_STEP;
        for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
            state.words[i]--;
        }
    }
    message.handle = 0;
    message.label = 0;
    block->words[WORD_ERRORS] += tes_arch_message(TES_CALL_IPC_REPLY, &message) != TES_OK;
}

void call64_pair_create(struct call64_pair *pair, uint64_t core_mask)
{
    *pair = (struct call64_pair){ 0 };
    MUST(tes_endpoint_create(own_quota(), &pair->endpoint));
    helper_create(&pair->server, core_mask);
    MUST(child_give(&pair->server, HANDLE_INDEX, pair->endpoint.value));
    MUST(child_run(&pair->server, server_main));
}

static void call_once(const struct call64_pair *pair, const struct call64_state *state)
{
    struct tes_message message = { .handle = pair->endpoint.value, .label = state->label };
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        message.words[i] = state->words[i];
    }
    MUST(tes_arch_message(TES_CALL_IPC_CALL, &message));
    if (state->label != LABEL_STOP && message.words[7] != state->words[7]) {
        MUST(TES_ERROR_INVALID);
    }
}

void call64_pair_destroy(struct call64_pair *pair)
{
    const struct call64_state stop = { .label = LABEL_STOP };
    call_once(pair, &stop);
    MUST(child_wait(&pair->server));
    if (pair->server.block->words[WORD_ERRORS] != 0) {
        print("call64: the server counted %lu errors\n",
              (unsigned long)pair->server.block->words[WORD_ERRORS]);
        program_exit(PROGRAM_EXIT_BAD);
    }
    MUST(child_destroy(&pair->server));
    MUST(tes_object_destroy(tes_endpoint_any(pair->endpoint)));
}

uint64_t call64_batch(struct call64_pair *pair)
{
    struct call64_state state = { .label = ++pair->batch << TES_LABEL_METHOD_SHIFT };
    struct pair table[ROUNDS];
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        state.words[i] = (pair->batch + i) * 0x9e3779b97f4a7c15ull; // any words that differ
    }
    call_once(pair, &state);
    table_fill(table, ROUNDS, &state, 1, pair->endpoint.value);
    uint64_t last = hash_after(&state, ROUNDS);
    state_adopt(&state);
    uint64_t start = tes_arch_ticks();
    call64_client(table);
    uint64_t ticks = tes_arch_ticks() - start;
    if (state.end != (uint64_t)(table + ROUNDS) || state.hash != last) {
        print("call64: the client's loop ended after %lu of %u rounds, hash %lx, expected %lx\n",
              (unsigned long)(state.end - (uint64_t)table) / sizeof(table[0]), ROUNDS,
              (unsigned long)state.hash, (unsigned long)last);
        program_exit(PROGRAM_EXIT_BAD);
    }
    return ticks;
}

void bench_call64(void)
{
    struct call64_pair pair;
    struct bench_samples samples = { 0 };
    call64_pair_create(&pair, 1);
    (void)call64_batch(&pair); // warms up
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        samples_add(&samples, call64_batch(&pair));
    }
    samples_report(&samples, "call_reply_64", ROUNDS);
    call64_pair_destroy(&pair);
}
