// SPDX-License-Identifier: MIT OR Apache-2.0
// The commands' functions, by file.
#pragma once

#include "shell.h"

#define CLOCK_SLICE_NS 100000000ull // how long a command waits before it looks for ^C again

// command_basic.c
command_run_t command_help, command_echo, command_true, command_false, command_env, command_export,
    command_unset, command_history, command_clear, command_sleep, command_date, command_time;
// command_files.c
command_run_t command_cat, command_ls, command_rm, command_revoke;
// command_system.c
command_run_t command_ps, command_top, command_mem, command_cpu, command_log, command_trace;
// command_kernel.c
command_run_t command_caps, command_objects, command_quota, command_irq;
// command_programs.c
command_run_t command_run_program, command_linux, command_kill, command_restart, command_programs,
    command_events, command_jobs, command_selftest, command_reboot, command_poweroff;
// command_bench.c
command_run_t command_ipcbench;

int command_usage(struct context *context, const char *name);
const char *type_name(uint32_t type);
// Waits that long, or until ^C: then false.
bool command_wait(struct context *context, uint64_t ns);
