// SPDX-License-Identifier: MIT OR Apache-2.0
// What a thread did that the kernel cannot resolve: delivered to its fault vector (upcall), its
// fault endpoint (as TES_MESSAGE_FAULT, words 0-6 in this order), or printed as a crash report.
#pragma once

#include <stdint.h>

enum tes_fault_cause {
    TES_FAULT_PAGE = 1,        // no mapping, or access not allowed
    TES_FAULT_NO_MEMORY = 2,   // the Quota could not pay for the page
    TES_FAULT_INSTRUCTION = 3, // undefined or privileged instruction
    TES_FAULT_DIVIDE = 4,
    TES_FAULT_BREAKPOINT = 5,
    TES_FAULT_DEBUG = 6, // single step or hardware breakpoint
    TES_FAULT_FLOAT = 7,
    TES_FAULT_ALIGNMENT = 8,
    TES_FAULT_PROTECTION = 9, // general protection: privileged or malformed access
    TES_FAULT_OVERFLOW = 10,  // bound or overflow exception
    TES_FAULT_BUS =
        11, // page of a revoked Memory in a Space that asked for the fault, or pager gave up
    TES_FAULT_OTHER = 12, // detail holds the hardware's vector
};

#define TES_FAULT_ACCESS_WRITE   1u
#define TES_FAULT_ACCESS_EXECUTE 2u
#define TES_FAULT_ACCESS_PRESENT 4u // the page was present: a rights violation

struct tes_fault {
    uint64_t cause;   // enum tes_fault_cause
    uint64_t address; // faulting data address, 0 if none
    uint64_t access;  // TES_FAULT_ACCESS_*
    uint64_t detail;  // the hardware's vector << 32 | its error code
    uint64_t instruction_pointer;
    uint64_t stack_pointer;
    uint64_t thread_id;
    uint64_t reserved;
};
