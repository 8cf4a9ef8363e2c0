// SPDX-License-Identifier: MIT OR Apache-2.0
// Printing one argument of a traced call.
#pragma once

#include <personality/trace.h>

#include "text.h"

void linux_trace_argument(struct linux_task *task, struct linux_text *text,
                          const struct linux_argument *argument, uint32_t index, int64_t result);
