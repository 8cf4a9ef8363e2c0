// SPDX-License-Identifier: MIT OR Apache-2.0
// Contract: struct arch_frame, the saved registers of a thread (entry code stores into it), and
// accessors.
#pragma once

#include <arch_impl/frame.h>
// struct arch_frame { … };      size a multiple of 16
//
// void frame_init_user(frame, entry, stack, argument0, argument1)
//
// void frame_set_status(frame, tes_status_t)
//     result register of a kernel call
//
// void frame_set_results(frame, r0, r1)
//     results of simple and waiting calls
//
// struct call *frame_call(frame)
//     call arguments 0-5
//
// uint64_t frame_number(frame), frame_label(frame), frame_handle(frame)
// void frame_set_label(frame, label), frame_set_badge(frame, badge)
// void frame_set_word(frame, n, value); uint64_t frame_word(frame, n)
//
// void frame_copy_words(to, from)
//     all eight message words
//
// void frame_clear_words(frame)
//
// void frame_restart_call(frame)
//     the call instruction runs again with the same registers
//
// void frame_get_registers(frame, thread_pointer…, struct tes_registers *)
// frame_set_registers(…)
//     validates: INVALID
//
// void frame_log(frame)
//     all registers into the log (crash reports, panics)
//
// uint64_t frame_instruction_pointer(frame), frame_stack_pointer(frame)
