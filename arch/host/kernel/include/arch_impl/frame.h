// SPDX-License-Identifier: MIT OR Apache-2.0
// Host (unit tests of kernel objects): threads never run, so a frame is just what the kernel tells
// them.
#pragma once

#include <abi/errors.h>
#include <abi_arch/registers.h>
#include <stdint.h>

struct arch_frame {
    int64_t status;
    uint64_t results[2];
    uint64_t entry;
};

static inline void frame_set_status(struct arch_frame *frame, tes_status_t status)
{
    frame->status = status;
}

static inline void frame_set_results(struct arch_frame *frame, uint64_t result0, uint64_t result1)
{
    frame->results[0] = result0;
    frame->results[1] = result1;
}

static inline void frame_init_user(struct arch_frame *frame, uint64_t entry, uint64_t stack,
                                   uint64_t argument0, uint64_t argument1)
{
    *frame = (struct arch_frame){ .entry = entry };
    (void)stack;
    (void)argument0;
    (void)argument1;
}

void frame_get_registers(const struct arch_frame *frame, struct tes_registers *out_registers);
tes_status_t frame_set_registers(struct arch_frame *frame,
                                 const struct tes_registers *registers) TES_MUST_CHECK;
