// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the saved registers of a thread. The CPU pushes the last five words on an interrupt from
// user space, the entry stubs the rest; system calls store into the same places. `vector` tells how
// to resume.
#pragma once

#include <abi/errors.h>
#include <abi_arch/registers.h>
#include <kernel/call.h>
#include <stdbool.h>
#include <stdint.h>

#define FRAME_VECTOR_CALL 0x100u // entered by a system call: resume by sysret

struct arch_frame {
    uint64_t r15, r14, r13, r12, r11, rbp, rcx, rbx;
    uint64_t rax, rdi, rsi, rdx, r8, r9, r10; // a struct call
    uint64_t vector;
    uint64_t error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(struct arch_frame) == 176,
              "entry code and the CPU's stack alignment rely on it");
static_assert(offsetof(struct arch_frame, r10) - offsetof(struct arch_frame, rax) ==
                  offsetof(struct call, arguments[5]),
              "frame_call");

#define X86_SELECTOR_USER_CODE 0x2bu // sysret's order: user data 0x23, user code 0x2b
#define X86_SELECTOR_USER_DATA 0x23u
#define X86_FLAGS_USER_DEFAULT 0x202u // IF and the always-one bit

static inline void frame_init_user(struct arch_frame *frame, uint64_t entry, uint64_t stack,
                                   uint64_t argument0, uint64_t argument1)
{
    *frame = (struct arch_frame){ .vector = 0,
                                  .rip = entry,
                                  .cs = X86_SELECTOR_USER_CODE,
                                  .rflags = X86_FLAGS_USER_DEFAULT,
                                  .rsp = stack,
                                  .ss = X86_SELECTOR_USER_DATA,
                                  .rdi = argument0,
                                  .rsi = argument1 };
}

static inline void frame_set_status(struct arch_frame *frame, tes_status_t status)
{
    frame->rax = (uint64_t)(int64_t)status;
}

static inline void frame_set_results(struct arch_frame *frame, uint64_t result0, uint64_t result1)
{
    frame->rdx = result0;
    frame->r8 = result1;
}

static inline struct call *frame_call(struct arch_frame *frame)
{
    return (struct call *)(void *)&frame->rax;
}

static inline uint64_t frame_number(const struct arch_frame *frame)
{
    return frame->rax;
}

static inline uint64_t frame_handle(const struct arch_frame *frame)
{
    return frame->rdi;
}

static inline uint64_t frame_label(const struct arch_frame *frame)
{
    return frame->rsi;
}

static inline void frame_set_label(struct arch_frame *frame, uint64_t label)
{
    frame->rsi = label;
}

static inline void frame_set_badge(struct arch_frame *frame, uint64_t badge)
{
    frame->rdi = badge;
}

static inline void frame_copy_words(struct arch_frame *to, const struct arch_frame *from)
{
    to->rdx = from->rdx;
    to->r8 = from->r8;
    to->r9 = from->r9;
    to->r10 = from->r10;
    to->r12 = from->r12;
    to->r13 = from->r13;
    to->r14 = from->r14;
    to->r15 = from->r15;
}

static inline void frame_set_words(struct arch_frame *frame, const uint64_t words[8])
{
    frame->rdx = words[0];
    frame->r8 = words[1];
    frame->r9 = words[2];
    frame->r10 = words[3];
    frame->r12 = words[4];
    frame->r13 = words[5];
    frame->r14 = words[6];
    frame->r15 = words[7];
}

// Makes the call instruction (two bytes) run again with the registers it had.
static inline void frame_restart_call(struct arch_frame *frame)
{
    frame->rip -= 2;
}

static inline uint64_t frame_instruction_pointer(const struct arch_frame *frame)
{
    return frame->rip;
}

static inline uint64_t frame_stack_pointer(const struct arch_frame *frame)
{
    return frame->rsp;
}

void frame_log(const struct arch_frame *frame);
void frame_get_registers(const struct arch_frame *frame, struct tes_registers *out_registers);
// INVALID: an address that is not user space, or flags a user may not set.
tes_status_t frame_set_registers(struct arch_frame *frame,
                                 const struct tes_registers *registers) TES_MUST_CHECK;
