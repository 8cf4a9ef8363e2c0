// SPDX-License-Identifier: MIT OR Apache-2.0
// ioctl of a terminal stream.
#pragma once

#include <personality/task.h>

int64_t linux_terminal_control(struct linux_task *task, struct linux_file *file, uint32_t request,
                               uint64_t argument);
