// SPDX-License-Identifier: MIT OR Apache-2.0
// What guest.c gets from each architecture's guest.S: a guest's program, and rounds of guest_call.
#pragma once

#include <abi_arch/registers.h>
#include <stdint.h>

extern const uint8_t guest_program[], guest_program_end[];

// Returns how many rounds were left undone.
uint64_t guest_rounds(struct tes_guest_state *state, uint64_t rounds);
