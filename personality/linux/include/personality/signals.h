// SPDX-License-Identifier: MIT OR Apache-2.0
// Signals of a task: raising, default actions, frames on the guest's stack.
#pragma once

#include <personality/errors.h>
#include <personality/task.h>

// Internal result: interrupted by a signal; restarted, or EINTR by the handler's SA_RESTART.
#define LINUX_ERESTART 512
// The same, but a handler always makes it EINTR (pause, sigsuspend, sleep, poll).
#define LINUX_ERESTARTNOHAND 514

static inline uint64_t linux_signal_bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

struct linux_actions *linux_actions_create(struct linux_task *task);
void linux_actions_put(struct linux_task *task, struct linux_actions *actions);
void linux_actions_reset_for_exec(struct linux_task *task);

// Makes a signal pending; one that is ignored is dropped.
void linux_signal_raise(struct linux_task *task, int number, int32_t code);
void linux_signal_raise_info(struct linux_task *task, const struct linux_siginfo *info);
// A fault of the guest itself: cannot be ignored or blocked.
void linux_signal_force(struct linux_task *task, int number, int32_t code, uint64_t address);
bool linux_signal_is_pending(const struct linux_task *task);
// Looks at timers that have run out; called after a wait was kicked.
void linux_signal_poll(struct linux_task *task);
void linux_signal_attention(struct linux_task *task);
// Delivers what is pending before the guest runs again. number is the call just made, or -1.
void linux_signal_deliver(struct linux_task *task, int64_t call_number);
int64_t linux_signal_return(struct linux_task *task);
void linux_task_exit(struct linux_task *task, int32_t status);
