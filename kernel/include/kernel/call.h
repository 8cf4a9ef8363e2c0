// SPDX-License-Identifier: MIT OR Apache-2.0
// A kernel call on its way through the dispatcher: the registers it came in, as entry code stores
// them. The results leave in those of the third and fourth argument, so a handler writes them last.
#pragma once

#include <abi/errors.h>
#include <stdint.h>

struct call {
    uint64_t number;
    uint64_t arguments[6];
};

// Generated from abi/calls.idl: decodes, checks and runs. BLOCKED: the thread waits, its frame gets
// the results later. RESTART: preempted, the call is made again with the same registers.
tes_status_t call_dispatch(struct call *call) TES_MUST_CHECK;
