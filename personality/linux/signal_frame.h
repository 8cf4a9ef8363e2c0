// SPDX-License-Identifier: MIT OR Apache-2.0
// The architecture's part of signals: the frame on the guest's stack and restarting a call.
#pragma once

#include <personality/task.h>

int linux_signal_frame_push(struct linux_task *task, const struct linux_sigaction *action,
                            const struct linux_siginfo *info, uint64_t mask);
// Makes the guest execute its system call instruction again.
void linux_registers_restart(struct linux_registers *registers, uint64_t call_number);
// The signal, its code and address for an exception of the guest.
void linux_fault_signal(const struct linux_task *task, const struct linux_event *event,
                        struct linux_siginfo *out_info);
