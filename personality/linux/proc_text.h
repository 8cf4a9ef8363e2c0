// SPDX-License-Identifier: MIT OR Apache-2.0
// The list of made-up text files of /proc; ends with an element without a name.
#pragma once

#include <personality/tree.h>

struct linux_proc_text {
    const char *name;
    bool is_process; // in /proc/PID, else in /proc
    struct linux_inode_operations operations;
};
extern const struct linux_proc_text linux_proc_texts[];
