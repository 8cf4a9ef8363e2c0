// SPDX-License-Identifier: MIT OR Apache-2.0
// The guest's registers on x86_64 as the personality sees them. The layout is that of the kernel's
// struct tes_registers in the guest state page, so the personality works on that page itself.
#pragma once

#include <stdint.h>

struct linux_registers {
    uint64_t rax;
    uint64_t rbx;
    uint64_t rcx;
    uint64_t rdx;
    uint64_t rsi;
    uint64_t rdi;
    uint64_t rbp;
    uint64_t rsp;
    uint64_t r8;
    uint64_t r9;
    uint64_t r10;
    uint64_t r11;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rip;
    uint64_t rflags;
    uint64_t fs_base;
    uint64_t gs_base;
};
