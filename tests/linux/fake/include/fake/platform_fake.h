// SPDX-License-Identifier: MIT OR Apache-2.0
// A platform without a guest, for unit tests and fuzzing: guest memory is one flat buffer, streams
// are empty, waiting is always ended by SIGKILL.
#pragma once

#include <stdint.h>

struct linux_task;

#define FAKE_BASE UINT64_C(0x100000)
#define FAKE_SIZE (UINT64_C(1) << 20)

uint8_t *fake_memory(void);
// Whoever waits from now on is this task.
void fake_set_task(struct linux_task *task);
uint64_t fake_page_count(void);
// After this many further allocations all fail; UINT64_MAX: never.
void fake_fail_after(uint64_t allocations);
