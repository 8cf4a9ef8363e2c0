// SPDX-License-Identifier: MIT OR Apache-2.0
// Printing calls as strace does, from the descriptions that gen_calls.py makes.
#pragma once

#include <personality/task.h>

enum linux_argument_type {
    LINUX_ARGUMENT_FD,
    LINUX_ARGUMENT_DIRFD,
    LINUX_ARGUMENT_INT,
    LINUX_ARGUMENT_SIGNAL,
    LINUX_ARGUMENT_UINT,
    LINUX_ARGUMENT_ID,
    LINUX_ARGUMENT_MODE,
    LINUX_ARGUMENT_FLAGS,
    LINUX_ARGUMENT_ENUM,
    LINUX_ARGUMENT_OFFSET,
    LINUX_ARGUMENT_SIZE,
    LINUX_ARGUMENT_HEX,
    LINUX_ARGUMENT_POINTER,
    LINUX_ARGUMENT_PATH,
    LINUX_ARGUMENT_IN,
    LINUX_ARGUMENT_OUT,
    LINUX_ARGUMENT_IOVEC,
    LINUX_ARGUMENT_STAT,
    LINUX_ARGUMENT_TIMESPEC,
    LINUX_ARGUMENT_TIMESPECS,
    LINUX_ARGUMENT_SIGACTION,
    LINUX_ARGUMENT_SIGSET,
    LINUX_ARGUMENT_RLIMIT,
    LINUX_ARGUMENT_POLLFDS,
    LINUX_ARGUMENT_FDPAIR,
    LINUX_ARGUMENT_STRINGS,
    LINUX_ARGUMENT_TYPE_COUNT,
};

struct linux_value_name {
    const char *name;
    uint32_t value;
};
struct linux_value_set {
    const struct linux_value_name *values; // exact values of the bits in mask
    const struct linux_value_name *bits;
    uint32_t mask;
};
struct linux_argument {
    enum linux_argument_type type;
    uint32_t size_index; // the argument that holds a buffer's size or an array's count
    const struct linux_value_set *set;
};
struct linux_call_description {
    const char *name;
    const struct linux_argument *arguments;
    uint32_t argument_count;
    bool is_implemented;
    bool is_quiet;
    bool is_pointer_result;
};

extern const struct linux_call_description linux_call_descriptions[LINUX_CALL_COUNT];

// NULL for numbers that Linux does not have either.
const struct linux_call_description *linux_call_describe(uint32_t number);
// Before the call: remembers the arguments, and prints at once what will not come back.
void linux_trace_enter(struct linux_task *task, uint32_t number);
void linux_trace_exit(struct linux_task *task, uint32_t number, int64_t result);
void linux_trace_signal(struct linux_task *task, const struct linux_siginfo *info);
// How the task ended.
void linux_trace_end(const struct linux_task *task);
bool linux_error_text(int number, const char **out_name, const char **out_text);
const char *linux_signal_name(int number);
