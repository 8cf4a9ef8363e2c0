// SPDX-License-Identifier: MIT OR Apache-2.0
// Replacing a task's program: arguments, loading, the first stack.
#pragma once

#include <personality/task.h>

// Argument and environment strings, each with its NUL, one after the other.
struct linux_exec_strings {
    char *bytes;
    size_t used;
    size_t capacity;
    uint32_t argument_count;
    uint32_t environment_count;
};

int linux_exec_strings_init(struct linux_task *task, struct linux_exec_strings *strings);
void linux_exec_strings_fini(struct linux_task *task, struct linux_exec_strings *strings);
int linux_exec_strings_add(struct linux_exec_strings *strings, const char *string);
// Loads the program into a new address space and makes it the task's. Before the point of no return
// every error leaves the task as it was. The path is the one for AT_EXECFN.
int linux_exec(struct linux_task *task, struct linux_entry *program, const char *path,
               const struct linux_exec_strings *strings);
