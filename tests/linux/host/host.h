// SPDX-License-Identifier: MIT OR Apache-2.0
// What the host programs ask of platform_host.c beyond the platform interface.
#pragma once

#define HOST_FAILURE 125 // exit status when the test program itself fails

// Descriptors for -strace and the log; -1: nowhere.
void host_set_outputs(int trace_fd, int log_fd);
// Makes the running guest leave with a kick; may be called from a signal handler.
void host_kick(void);
__attribute__((noreturn)) void host_fail(const char *what);
