// SPDX-License-Identifier: MIT OR Apache-2.0
// The parts of the platform in assembly: entering the guest, and copies that survive a fault.
#pragma once

#include <abi/errors.h>
#include <stddef.h>
#include <stdint.h>

// Runs the guest the thread is bound to; the reason is in its state page.
tes_status_t linux_guest_enter(void);
// 0, or -EFAULT when either side faulted; a part may have been copied.
int linux_guest_copy(void *destination, const void *source, size_t size);
// The thread's fault vector: ends a copy that faulted; any other fault is left to the fault
// endpoint.
extern char linux_guest_fault_vector[];
// From the CPU's source; 0 without one.
uint64_t linux_cpu_random(void);
