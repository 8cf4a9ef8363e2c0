// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls on signals. Delivery is in signals.c, frames in signal_frame.c.

#include <personality/errors.h>
#include <personality/signals.h>

#include "guest.h"
#include "linux_calls.h"

#define SIGSET_SIZE 8U

static bool signal_valid(int32_t signal)
{
    return signal >= 1 && signal <= LINUX_SIGNAL_COUNT;
}

static bool signal_is_fixed(int32_t signal)
{
    return signal == LINUX_SIGKILL || signal == LINUX_SIGSTOP;
}

static const uint64_t unblockable = UINT64_C(1) << (LINUX_SIGKILL - 1) | UINT64_C(1)
                                                                             << (LINUX_SIGSTOP - 1);

int64_t linux_call_rt_sigaction(struct linux_task *task, int32_t signal, uint64_t action,
                                uint64_t old, uint64_t size)
{
    struct linux_sigaction wanted = { .handler = 0 };
    if (size != SIGSET_SIZE || !signal_valid(signal) || (action != 0 && signal_is_fixed(signal))) {
        return -LINUX_EINVAL;
    }
    struct linux_sigaction *place = &task->actions->action[signal - 1];
    const struct linux_sigaction before = *place;
    if (action != 0) {
        if (linux_guest_read(task, &wanted, action, sizeof(wanted)) != 0) {
            return -LINUX_EFAULT;
        }
        wanted.mask &= ~unblockable;
        *place = wanted;
        if (wanted.handler == LINUX_SIG_IGN) {
            task->pending &= ~linux_signal_bit(signal);
        }
    }
    return old == 0 ? 0 : linux_guest_write(task, old, &before, sizeof(before));
}

int64_t linux_call_rt_sigprocmask(struct linux_task *task, uint32_t how, uint64_t set, uint64_t old,
                                  uint64_t size)
{
    uint64_t wanted = 0;
    const uint64_t before = task->blocked;
    if (size != SIGSET_SIZE) {
        return -LINUX_EINVAL;
    }
    if (set != 0) {
        if (linux_guest_read(task, &wanted, set, sizeof(wanted)) != 0) {
            return -LINUX_EFAULT;
        }
        switch (how) {
        case LINUX_SIG_BLOCK:
            wanted |= before;
            break;
        case LINUX_SIG_UNBLOCK:
            wanted = before & ~wanted;
            break;
        case LINUX_SIG_SETMASK:
            break;
        default:
            return -LINUX_EINVAL;
        }
        task->blocked = wanted & ~unblockable;
        linux_signal_attention(task);
    }
    return old == 0 ? 0 : linux_guest_write(task, old, &before, sizeof(before));
}

int64_t linux_call_rt_sigpending(struct linux_task *task, uint64_t set, uint64_t size)
{
    const uint64_t pending = task->pending & task->blocked;
    return size > SIGSET_SIZE ? -LINUX_EINVAL
                              : linux_guest_write(task, set, &pending, (size_t)size);
}

static int64_t wait_for_signal(struct linux_task *task)
{
    while (!linux_signal_is_pending(task)) {
        (void)platform_sleep_until(UINT64_MAX); // ends only by a kick
        linux_signal_poll(task);
    }
    return -LINUX_ERESTARTNOHAND;
}

int64_t linux_call_pause(struct linux_task *task)
{
    return wait_for_signal(task);
}

int64_t linux_call_rt_sigsuspend(struct linux_task *task, uint64_t set, uint64_t size)
{
    uint64_t mask = 0;
    if (size != SIGSET_SIZE) {
        return -LINUX_EINVAL;
    }
    if (linux_guest_read(task, &mask, set, sizeof(mask)) != 0) {
        return -LINUX_EFAULT;
    }
    task->saved_mask = task->blocked;
    task->has_saved_mask = true;
    task->blocked = mask & ~unblockable;
    return wait_for_signal(task);
}

int64_t linux_call_rt_sigreturn(struct linux_task *task)
{
    return linux_signal_return(task);
}

int64_t linux_call_sigaltstack(struct linux_task *task, uint64_t new, uint64_t old)
{
    struct linux_sigaltstack wanted;
    struct linux_sigaltstack before = task->alternate_stack;
    uint64_t depth = task->registers->rsp - before.base;
    bool is_on_stack = before.size != 0 && depth <= before.size;
    before.flags = before.size == 0 ? LINUX_SS_DISABLE : (is_on_stack ? LINUX_SS_ONSTACK : 0);
    if (new != 0) {
        if (linux_guest_read(task, &wanted, new, sizeof(wanted)) != 0) {
            return -LINUX_EFAULT;
        }
        if (is_on_stack) {
            return -LINUX_EPERM;
        }
        if ((wanted.flags & ~(LINUX_SS_DISABLE | LINUX_SS_ONSTACK)) != 0) {
            return -LINUX_EINVAL;
        }
        if ((wanted.flags & LINUX_SS_DISABLE) != 0) {
            wanted = (struct linux_sigaltstack){ .flags = LINUX_SS_DISABLE };
        } else if (wanted.size < LINUX_MINSIGSTKSZ) {
            return -LINUX_ENOMEM;
        }
        task->alternate_stack = wanted;
    }
    return old == 0 ? 0 : linux_guest_write(task, old, &before, sizeof(before));
}

static int64_t send_to_self(struct linux_task *task, int32_t signal, int32_t code)
{
    if (signal == 0) {
        return 0;
    }
    if (!signal_valid(signal)) {
        return -LINUX_EINVAL;
    }
    linux_signal_raise(task, signal, code);
    return 0;
}

int64_t linux_call_kill(struct linux_task *task, int32_t pid, int32_t signal)
{
    bool is_own_group = pid == 0 || pid == -(int32_t)task->group;
    if (signal < 0 || signal > LINUX_SIGNAL_COUNT) {
        return -LINUX_EINVAL;
    }
    if (!is_own_group && (uint32_t)pid != task->pid) {
        return -LINUX_ESRCH; // pid -1 never reaches the sender itself
    }
    return send_to_self(task, signal, LINUX_SI_USER);
}

int64_t linux_call_tkill(struct linux_task *task, int32_t tid, int32_t signal)
{
    if (tid <= 0 || signal < 0 || signal > LINUX_SIGNAL_COUNT) {
        return -LINUX_EINVAL;
    }
    return (uint32_t)tid == task->pid ? send_to_self(task, signal, LINUX_SI_TKILL) : -LINUX_ESRCH;
}

int64_t linux_call_tgkill(struct linux_task *task, int32_t pid, int32_t tid, int32_t signal)
{
    if (pid <= 0) {
        return -LINUX_EINVAL;
    }
    return (uint32_t)pid == task->pid ? linux_call_tkill(task, tid, signal) : -LINUX_ESRCH;
}
