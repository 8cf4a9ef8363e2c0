// SPDX-License-Identifier: MIT OR Apache-2.0
// What the first component finds in its handle table and registers. Handles the kernel gives it
// have fixed indices, so generation 1 and index as below; argument 0 of its entry is the address of
// the read-only boot image, argument 1 its size. Its message page is mapped just below the stack.
#pragma once

#include <stdint.h>

#define TES_HANDLE_MAKE(index) (((uint64_t)1 << 32) | ((uint64_t)(index) << 6))

#define TES_STARTUP_PROCESS TES_HANDLE_MAKE(1) // its own Process, all rights
#define TES_STARTUP_SPACE   TES_HANDLE_MAKE(2) // its own Space, all rights
#define TES_STARTUP_THREAD  TES_HANDLE_MAKE(3) // its first Thread
#define TES_STARTUP_QUOTA   TES_HANDLE_MAKE(4) // the root Quota: all the machine's memory
#define TES_STARTUP_CONTEXT TES_HANDLE_MAKE(5) // its SchedContext
#define TES_STARTUP_MACHINE TES_HANDLE_MAKE(6) // Resource: the machine (log, counters, power)
#define TES_STARTUP_PORTS   TES_HANDLE_MAKE(7) // Resource: all I/O ports (x86_64)
#define TES_STARTUP_IO_MEMORY                                                                      \
    TES_HANDLE_MAKE(8)                        // Resource: all physical addresses that are not RAM
#define TES_STARTUP_IRQS  TES_HANDLE_MAKE(9)  // Resource: all interrupt sources
#define TES_STARTUP_IMAGE TES_HANDLE_MAKE(10) // Memory: the boot image, read and execute, sealed
