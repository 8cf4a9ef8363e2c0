// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the start of a core's data. GS base points here in the kernel; offset 0x28 is the stack
// protector's.
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct x86_tss { // Intel SDM vol. 3, 8.7
    uint32_t reserved0;
    uint32_t rsp0_low, rsp0_high; // unaligned 64-bit field: just behind the current thread's frame
    uint32_t rsp1[2], rsp2[2];
    uint32_t reserved1[2];
    uint32_t ist[14]; // seven 64-bit pointers
    uint32_t reserved2[2];
    uint16_t reserved3;
    uint16_t io_map_base;
};
static_assert(sizeof(struct x86_tss) == 104, "Intel SDM vol. 3, figure 8-11");

struct arch_cpu {
    void *self;            // 0x00: this struct cpu
    uint64_t kernel_stack; // 0x08: top of the core's kernel stack
    uint64_t user_stack;   // 0x10: scratch of the entry code
    uint64_t core_tag; // 0x18: what slow_flags of a thread ready for the fast path equals: the core
                       // number
    uint32_t in_guest; // 0x20: the current thread runs a guest
    uint32_t reserved;
    uint64_t canary;    // 0x28
    uint64_t root;      // 0x30: root register value that is loaded; stored before the register is
    uint64_t reserved1; // 0x38
    struct x86_tss tss __attribute__((aligned(8))); // 0x40; rsp0 at 0x44
    uint8_t gdt[8 * 9] __attribute__((aligned(8)));
    uint64_t timer_deadline; // ns; 0: not armed
    uint32_t apic_id;
    uint32_t is_alive; // set by the core itself when it runs C code
    uint64_t index;    // in cpus[], for the entry code of exceptions with a stack of their own
};
static_assert(offsetof(struct arch_cpu, canary) == 0x28, "-mstack-protector-guard-offset");
