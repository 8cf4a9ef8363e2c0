// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a line of a trace: the call's name, then signed decimal numbers. Traces are part of the
// program, so a line that is not as generate.py writes it is the build's mistake: it ends the run.
#include "replay.h"

#define NUMBER_BASE 10

static char next_character(const char **at)
{
    return *(*at)++;
}

static int64_t parse_number(const char **at)
{
    bool is_negative = **at == '-';
    *at += is_negative ? 1 : 0;
    int64_t value = 0;
    while (**at >= '0' && **at <= '9') {
        value = value * NUMBER_BASE + (next_character(at) - '0');
    }
    char end = next_character(at);
    MUST(end == ' ' || end == '\n' ? TES_OK : TES_ERROR_INVALID);
    return is_negative ? -value : value;
}

bool replay_parse(const char **at, struct replay_step *out_step)
{
    size_t length = 0;
    *out_step = (struct replay_step){ 0 };
    if (**at == '\0') {
        return false;
    }
    for (char character = next_character(at); character != ' '; character = next_character(at)) {
        MUST(length + 1 < sizeof(out_step->call) ? TES_OK : TES_ERROR_INVALID);
        out_step->call[length++] = character;
    }
    for (uint32_t i = 0; i < REPLAY_ARGUMENTS; i++) {
        out_step->arguments[i] = (uint64_t)parse_number(at);
    }
    for (uint32_t i = 0; i < REPLAY_STATUS_COUNT; i++) {
        out_step->statuses[i] = parse_number(at);
    }
    for (uint32_t i = 0; i < REPLAY_RESULT_COUNT; i++) {
        out_step->results[i] = (uint64_t)parse_number(at);
    }
    out_step->state_crc = (uint64_t)parse_number(at);
    return true;
}
