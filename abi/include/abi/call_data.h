// SPDX-License-Identifier: MIT OR Apache-2.0
// What user code hands to the instruction that enters the kernel
// (arch/<a>/user/include/arch_user/call.h). Never seen by the kernel: all of it travels in
// registers, and for most calls the compiler keeps it there.
#pragma once

#include <abi/message.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define TES_CALL_ARGUMENTS_MAX 6u
#define TES_CALL_RESULTS_MAX   2u

struct tes_call_data {
    uint64_t arguments[TES_CALL_ARGUMENTS_MAX];
    uint64_t
        results[TES_CALL_RESULTS_MAX]; // written by every call, of meaning only if it succeeded
};

// A call of class `message`. handle stays as it is; badge, label and words are what was received.
struct tes_message {
    uint64_t handle;
    uint64_t badge;
    uint64_t label;
    uint64_t words[TES_MESSAGE_WORDS];
};
static_assert(offsetof(struct tes_message, badge) == 8,
              "known to the assembly of tes_arch_message");
static_assert(offsetof(struct tes_message, label) == 16,
              "known to the assembly of tes_arch_message");
static_assert(offsetof(struct tes_message, words) == 24,
              "known to the assembly of tes_arch_message");
