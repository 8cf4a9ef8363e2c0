// SPDX-License-Identifier: MIT OR Apache-2.0
// Replaying the model's traces: a step as parsed, the symbols' handles, the kernel's state as text.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <support/program.h>

#define REPLAY_SYMBOLS_MAX  512u
#define REPLAY_STATE_SIZE   8192u
#define REPLAY_ARGUMENTS    5u
#define REPLAY_OWN          1u // symbol of the program's own Quota
#define REPLAY_BASE         2u // of the Quota that a trace charges all to
#define REPLAY_STATUS_COUNT 2u
#define REPLAY_RESULT_COUNT 2u
#define REPLAY_NAME_SIZE    16u
#define REPLAY_HANDLE_NEVER (UINT64_C(1) << 32 | 0x7fffffc0u) // an index that no table has

// Made by tests/model/generate.py.
extern const char *const replay_traces[];
extern const uint32_t replay_trace_count;

struct replay_step {
    char call[REPLAY_NAME_SIZE];
    uint64_t arguments[REPLAY_ARGUMENTS];
    int64_t statuses[REPLAY_STATUS_COUNT]; // either is right
    uint64_t results[REPLAY_RESULT_COUNT];
    uint64_t state_crc;
};

// What was there before the trace: the state tells differences.
struct replay_base {
    struct tes_info_quota own;
    struct tes_info_object_counts counts;
};

struct replay {
    uint64_t handles[REPLAY_SYMBOLS_MAX]; // 0: closed
    uint64_t symbol_end;
    uint64_t expiry_ns; // latest of the Sessions that expire soon
    struct replay_base base;
    uint64_t results[REPLAY_RESULT_COUNT];
    char state[REPLAY_STATE_SIZE];
};

// parse.c: the step at *at, which is moved behind it. False at the end.
bool replay_parse(const char **at, struct replay_step *out_step);
// calls.c: makes the call; results go to replay->results.
tes_status_t replay_call(struct replay *replay, const struct replay_step *step);
// state.c
void replay_base_take(struct replay_base *out_base);
// Writes the state to replay->state: the same text as Model.state in reference.py. Returns its
// CRC-32.
uint32_t replay_state(struct replay *replay);
