// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: registers of a thread as thread_registers shows them, the guest state page, the fault
// area, and how kernel calls use registers.
//
// Kernel calls (`syscall`): rax number in, status out (sign-extended). Arguments rdi rsi rdx r8 r9
// r10; results rdx (first) and r8 (second). rcx and r11 are destroyed; rdi rsi rdx r8 r9 r10 are
// destroyed; rbx rbp r12-r15 and rsp are preserved, but by calls of class `message`, which preserve
// rsp only:
//   in:  rdi handle, rsi label, words rdx r8 r9 r10 r12 r13 r14 r15
//   out: rdi badge,  rsi label, words in the same registers.
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct tes_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags, fs_base, gs_base;
};
static_assert(sizeof(struct tes_registers) == 160, "register layout");

enum tes_guest_exit {
    TES_GUEST_EXIT_SYSTEM_CALL =
        0,                    // by `syscall`; rcx and r11 of the guest are destroyed as on Linux
    TES_GUEST_EXIT_FAULT = 1, // fault holds why
    TES_GUEST_EXIT_KICK = 2,
};

// One page, in the personality's memory, pinned by the kernel while bound.
struct tes_guest_state {
    struct tes_registers registers;
    uint32_t exit_reason; // enum tes_guest_exit
    uint32_t
        full_restore; // set by the personality when rcx or r11 matter (signal return, fault resume)
    uint64_t fault_cause; // enum tes_fault_cause
    uint64_t fault_address;
    uint64_t fault_access; // TES_FAULT_ACCESS_*
    uint64_t fault_detail; // vector << 32 | error code
};
static_assert(offsetof(struct tes_guest_state, exit_reason) == 160, "guest state layout");

// The fault vector (thread_control FAULT_VECTOR). On a fault the kernel writes this area and
// continues at the vector with rdi = area, rsp = vector_stack; further faults before `in_use` is
// cleared go to the fault endpoint.
struct tes_fault_area {
    struct tes_registers registers;
    uint64_t cause, address, access, detail;
    uint64_t vector_stack; // set by the thread
    uint64_t in_use;       // set by the kernel, cleared by the handler
};

#define TES_USER_TOP                                                                               \
    0x00007ffffffff000ull // first address that is not user space (last page never mapped)
#define TES_PERSONALITY_BASE                                                                       \
    0x00007e0000000000ull // top 4 of the 256 user entries of the root: not the guest's
#define TES_TIME_PAGE_ADDRESS 0x00007ffffffef000ull
#define TES_USER_BASE         0x10000ull // nothing below is ever mapped in native Spaces
#define TES_PAGE_SIZE         4096ull
#define TES_PAGE_SHIFT        12u
