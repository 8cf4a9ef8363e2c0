// SPDX-License-Identifier: MIT OR Apache-2.0
// From a guest's event to its result: the table of calls and the loop that runs a task.
#pragma once

#include <personality/task.h>

typedef int64_t (*linux_invoke_t)(struct linux_task *task);

// Made by gen_calls.py.
extern const linux_invoke_t linux_call_table[LINUX_CALL_COUNT];

// ENOSYS, logged once for each number.
int64_t linux_call_unimplemented(struct linux_task *task);
// Runs the task until it ends; its exit status as wait reports it.
int32_t linux_task_run(struct linux_task *task);
