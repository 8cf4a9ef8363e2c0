// SPDX-License-Identifier: MIT OR Apache-2.0
// Pieces of foreign code for the guest tests (guest.S of the architecture): each starts at its
// name.
#pragma once

#include <abi/errors.h>
#include <stdint.h>

extern const uint8_t guest_page[], guest_page_end[], guest_call[], guest_call_end[], guest_count[],
    guest_undefined[], guest_halt[], guest_breakpoint[], guest_divide[], guest_read[],
    guest_write[], guest_flags[], guest_spin[];
tes_status_t guest_run(void);
