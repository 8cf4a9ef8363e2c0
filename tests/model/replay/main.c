// SPDX-License-Identifier: MIT OR Apache-2.0
// Replays the model's traces against the kernel: each call must return what the model says, and
// afterwards the state must become the model's within a bounded time (what is freed after a
// quiescent period comes late). One test a trace; it ends at the first difference. `trace=N` on the
// command line replays that one only.
#include "replay.h"

#include <rt/string.h>

#define SETTLE_TRIES  400u
#define SETTLE_YIELDS 50u // tries that only yield; then each sleeps
#define SETTLE_NS     (100 * NS_PER_US)
#define ALL_TRACES    UINT64_MAX

static struct replay replay;

static bool settles(uint64_t state_crc)
{
    for (uint32_t tries = 0; tries < SETTLE_TRIES; tries++) {
        if (replay_state(&replay) == state_crc) {
            return true;
        }
        if (tries < SETTLE_YIELDS) {
            MUST(tes_yield());
        } else {
            program_sleep(SETTLE_NS);
        }
    }
    return false;
}

static void explain(uint32_t trace, uint32_t number, const struct replay_step *step,
                    tes_status_t status)
{
    print("# trace %u step %u: %s %lu %lu %lu %lu %lu\n", trace, number, step->call,
          step->arguments[0], step->arguments[1], step->arguments[2], step->arguments[3],
          step->arguments[4]);
    print("# got %d (%lu, %lu), the model says %ld or %ld (%lu, %lu)\n", status, replay.results[0],
          replay.results[1], step->statuses[0], step->statuses[1], step->results[0],
          step->results[1]);
    (void)replay_state(&replay); // for its text
    print("# state: %s\n", replay.state);
    print("# model: python3 tests/model/generate.py --show %u %u\n", trace, number);
}

static bool step_is_right(const struct replay_step *step, tes_status_t status)
{
    bool is_known = status == step->statuses[0] || status == step->statuses[1];
    bool is_same = replay.results[0] == step->results[0] && replay.results[1] == step->results[1];
    return is_known && is_same && settles(step->state_crc);
}

static void replay_begin(void)
{
    memset(&replay, 0, sizeof(replay));
    for (uint32_t symbol = 0; symbol < REPLAY_SYMBOLS_MAX; symbol++) {
        replay.handles[symbol] = REPLAY_HANDLE_NEVER;
    }
    replay.handles[REPLAY_OWN] = own_quota().value;
    replay.symbol_end = REPLAY_OWN + 1;
    program_sleep(SETTLE_NS); // makes what sleeping needs, before it is counted
    replay_base_take(&replay.base);
}

// Ends what a trace that failed has made.
static void end_trace(void)
{
    tes_status_t status = tes_object_destroy((tes_handle_t){ replay.handles[REPLAY_BASE] });
    print("# its Quota is destroyed: %s\n", status_name(status));
    program_sleep(NS_PER_MS);
}

static bool replay_trace(uint32_t trace)
{
    const char *at = replay_traces[trace];
    struct replay_step step;
    replay_begin();
    for (uint32_t number = 1; replay_parse(&at, &step); number++) {
        tes_status_t status = replay_call(&replay, &step);
        if (!step_is_right(&step, status)) {
            explain(trace, number, &step, status);
            end_trace();
            return false;
        }
    }
    return true;
}

uint32_t program_main(void)
{
    uint64_t only = program_option_number("trace", ALL_TRACES);
    uint32_t count = 0;
    for (uint32_t trace = 0; trace < replay_trace_count; trace++) {
        if (only == ALL_TRACES || only == trace) {
            bool is_right = replay_trace(trace);
            print("%sok %u - model trace %u\n", is_right ? "" : "not ", ++count, trace);
        }
    }
    print("1..%u\n", count);
    return PROGRAM_EXIT_GOOD;
}
