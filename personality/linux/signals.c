// SPDX-License-Identifier: MIT OR Apache-2.0
// Pending signals and what becomes of them. Standard signals do not queue. A handler runs with its
// frame on the guest's stack (signal_frame.c); without one the default action ends the task, stops
// it (not yet: one process has nobody to continue it) or does nothing.

#include <personality/signals.h>

#include <personality/trace.h>
#include <rt/string.h>

#include "signal_frame.h"

#define SIGNAL_UNBLOCKABLE (linux_signal_bit(LINUX_SIGKILL) | linux_signal_bit(LINUX_SIGSTOP))
#define SIGNAL_CORE        0x80 // the wait status says that there was a core dump; never set here

struct linux_actions *linux_actions_create(struct linux_task *task)
{
    struct linux_actions *actions = linux_heap_alloc(linux_task_heap(task), sizeof(*actions));
    if (actions != NULL) {
        actions->users = 1;
    }
    return actions;
}

void linux_actions_put(struct linux_task *task, struct linux_actions *actions)
{
    if (--actions->users == 0) {
        linux_heap_free(linux_task_heap(task), actions, sizeof(*actions));
    }
}

void linux_actions_reset_for_exec(struct linux_task *task)
{
    for (uint32_t index = 0; index < LINUX_SIGNAL_COUNT; index++) {
        struct linux_sigaction *action = &task->actions->action[index];
        uint64_t handler = action->handler == LINUX_SIG_IGN ? LINUX_SIG_IGN : LINUX_SIG_DFL;
        *action = (struct linux_sigaction){ .handler = handler };
    }
}

static bool default_is_ignore(int number)
{
    return number == LINUX_SIGCHLD || number == LINUX_SIGCONT || number == LINUX_SIGURG ||
           number == LINUX_SIGWINCH;
}

static bool default_is_stop(int number)
{
    return number == LINUX_SIGSTOP || number == LINUX_SIGTSTP || number == LINUX_SIGTTIN ||
           number == LINUX_SIGTTOU;
}

static bool signal_is_ignored(const struct linux_task *task, int number)
{
    uint64_t handler = task->actions->action[number - 1].handler;
    return handler == LINUX_SIG_IGN || (handler == LINUX_SIG_DFL && default_is_ignore(number));
}

void linux_signal_attention(struct linux_task *task)
{
    if ((task->pending & ~task->blocked) != 0) {
        task->attention |= LINUX_ATTENTION_SIGNAL;
    }
}

bool linux_signal_is_pending(const struct linux_task *task)
{
    return (task->pending & ~task->blocked) != 0;
}

void linux_signal_raise_info(struct linux_task *task, const struct linux_siginfo *info)
{
    int number = info->number;
    bool is_blocked = (task->blocked & linux_signal_bit(number)) != 0;
    if (signal_is_ignored(task, number) && !is_blocked) {
        return;
    }
    task->pending |= linux_signal_bit(number);
    task->pending_info[number - 1] = *info;
    linux_signal_attention(task);
}

void linux_signal_raise(struct linux_task *task, int number, int32_t code)
{
    struct linux_siginfo info = { .number = number, .code = code };
    if (code <= 0) {
        info.fields[0] = task->pid | (uint64_t)task->credentials.uid << 32;
    }
    linux_signal_raise_info(task, &info);
}

void linux_signal_force(struct linux_task *task, int number, int32_t code, uint64_t address)
{
    struct linux_siginfo info = { .number = number, .code = code, .fields = { address } };
    struct linux_sigaction *action = &task->actions->action[number - 1];
    uint64_t bit = linux_signal_bit(number);
    if ((task->blocked & bit) != 0 || action->handler == LINUX_SIG_IGN) {
        action->handler = LINUX_SIG_DFL;
        task->blocked &= ~bit;
    }
    task->pending |= bit;
    task->pending_info[number - 1] = info;
    task->attention |= LINUX_ATTENTION_SIGNAL;
}

void linux_signal_poll(struct linux_task *task)
{
    uint64_t now = platform_clock_monotonic_ns();
    if (task->alarm_at_ns > now) {
        return;
    }
    if (task->alarm_interval_ns == 0) {
        task->alarm_at_ns = UINT64_MAX;
    } else {
        uint64_t missed = (now - task->alarm_at_ns) / task->alarm_interval_ns;
        task->alarm_at_ns += (missed + 1) * task->alarm_interval_ns;
    }
    platform_alarm_at(task->alarm_at_ns);
    linux_signal_raise(task, LINUX_SIGALRM, LINUX_SI_KERNEL);
}

void linux_task_exit(struct linux_task *task, int32_t status)
{
    task->exit_status = status;
    task->attention |= LINUX_ATTENTION_EXIT;
}

static int signal_next(const struct linux_task *task)
{
    // Faults of the guest first, as Linux does, then by number.
    static const uint64_t faults =
        UINT64_C(1) << (LINUX_SIGSEGV - 1) | UINT64_C(1) << (LINUX_SIGBUS - 1) |
        UINT64_C(1) << (LINUX_SIGILL - 1) | UINT64_C(1) << (LINUX_SIGTRAP - 1) |
        UINT64_C(1) << (LINUX_SIGFPE - 1);
    uint64_t ready = task->pending & (~task->blocked | SIGNAL_UNBLOCKABLE);
    if ((ready & faults) != 0) {
        ready &= faults;
    }
    return ready == 0 ? 0 : __builtin_ctzll(ready) + 1;
}

// Turns an internal restart result into what the guest sees. with_handler is the action taken, NULL
// when the call goes on as if nothing had happened.
static void signal_finish_call(struct linux_task *task, int64_t call_number,
                               const struct linux_sigaction *with_handler)
{
    int64_t result = (int64_t)task->registers->rax;
    if (call_number < 0 || (result != -LINUX_ERESTART && result != -LINUX_ERESTARTNOHAND)) {
        return;
    }
    bool restarts = with_handler == NULL ||
                    (result == -LINUX_ERESTART && (with_handler->flags & LINUX_SA_RESTART) != 0);
    if (restarts) {
        linux_registers_restart(task->registers, (uint64_t)call_number);
    } else {
        task->registers->rax = (uint64_t)-LINUX_EINTR;
    }
}

static void signal_run_handler(struct linux_task *task, int number, int64_t call_number)
{
    struct linux_sigaction *action = &task->actions->action[number - 1];
    struct linux_sigaction taken = *action;
    signal_finish_call(task, call_number, &taken);
    uint64_t mask = task->has_saved_mask ? task->saved_mask : task->blocked;
    task->has_saved_mask = false;
    if (linux_signal_frame_push(task, &taken, &task->pending_info[number - 1], mask) != 0) {
        linux_task_exit(task, LINUX_SIGSEGV);
        return;
    }
    if ((taken.flags & LINUX_SA_RESETHAND) != 0) {
        action->handler = LINUX_SIG_DFL;
    }
    task->blocked |= taken.mask;
    if ((taken.flags & LINUX_SA_NODEFER) == 0) {
        task->blocked |= linux_signal_bit(number);
    }
    task->blocked &= ~SIGNAL_UNBLOCKABLE;
}

void linux_signal_deliver(struct linux_task *task, int64_t call_number)
{
    task->attention &= ~LINUX_ATTENTION_SIGNAL;
    for (;;) {
        int number = (task->attention & LINUX_ATTENTION_EXIT) != 0 ? 0 : signal_next(task);
        if (number == 0) {
            break;
        }
        task->pending &= ~linux_signal_bit(number);
        linux_trace_signal(task, &task->pending_info[number - 1]);
        uint64_t handler = task->actions->action[number - 1].handler;
        if (handler != LINUX_SIG_DFL && handler != LINUX_SIG_IGN) {
            signal_run_handler(task, number, call_number);
            call_number = -1;
        } else if (handler == LINUX_SIG_DFL && !default_is_ignore(number) &&
                   !default_is_stop(number)) {
            linux_task_exit(task, number);
        }
    }
    signal_finish_call(task, call_number, NULL);
    if (task->has_saved_mask) {
        task->blocked = task->saved_mask;
        task->has_saved_mask = false;
        linux_signal_attention(task);
    }
}
