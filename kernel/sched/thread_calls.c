// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel calls on threads, but thread_control.
#include "core.h"

#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel_calls.h>

static struct thread *thread_of_view(const struct handle_view *view)
{
    return container_of(view->object, struct thread, object);
}

tes_status_t sys_yield(void)
{
    sched_yield();
    return TES_OK;
}

tes_status_t sys_thread_deadline(uint64_t deadline_ns)
{
    struct thread *self = self_thread();
    self->deadline_ns = deadline_ns;
    self->slow_flags &= ~(uint32_t)THREAD_SLOW_DEADLINE;
    self->slow_flags |= deadline_ns != 0 ? THREAD_SLOW_DEADLINE : 0u;
    return TES_OK;
}

tes_status_t sys_thread_create(const struct handle_view *process, const struct handle_view *context,
                               uint64_t *out_thread)
{
    struct thread *thread = NULL;
    struct sched_context *own = context->object == NULL
                                    ? NULL
                                    : container_of(context->object, struct sched_context, object);
    tes_status_t status =
        thread_create(container_of(process->object, struct process, object), own, &thread);
    if (status != TES_OK) {
        return status;
    }
    status = handle_install_new(current_process(), &thread->object, out_thread);
    if (status != TES_OK) {
        thread_abandon(thread);
    }
    return status;
}

tes_status_t sys_thread_start(const struct handle_view *thread, uint64_t entry, uint64_t stack,
                              uint64_t argument0, uint64_t argument1)
{
    return thread_start(thread_of_view(thread), entry, stack, argument0, argument1);
}

tes_status_t sys_thread_exit(uint64_t status)
{
    struct thread *self = self_thread();
    spinlock_acquire(&self->process->object.lock);
    self->process->exit_status = status;
    spinlock_release(&self->process->object.lock);
    thread_kill_local(self);
    return TES_ERROR_BLOCKED;
}

static bool can_be_cancelled(const struct thread *thread)
{
    return thread != self_thread() && thread->state >= TES_THREAD_WAIT_SEND &&
           thread->state <= TES_THREAD_WAIT_PAGE;
}

tes_status_t sys_thread_cancel(const struct handle_view *view, uint64_t flags)
{
    struct thread *thread = thread_of_view(view);
    bool is_kick = (flags & TES_THREAD_CANCEL_KICK) != 0;
    spinlock_acquire(&thread->object.lock);
    bool is_live = object_is_live(&thread->object) && thread->state != TES_THREAD_DEAD;
    bool is_found = is_live && (is_kick || can_be_cancelled(thread));
    if (is_found) {
        thread_post(thread, THREAD_OP_CANCEL | (is_kick ? THREAD_OP_KICK : 0u));
    }
    spinlock_release(&thread->object.lock);
    return is_found || is_kick ? TES_OK : TES_ERROR_NOT_FOUND;
}

static bool shows_registers(const struct thread *thread)
{
    switch (thread->state) {
    case TES_THREAD_NEW:
    case TES_THREAD_STOPPED:
    case TES_THREAD_WAIT_FAULT:
        return thread != self_thread();
    default:
        return false;
    }
}

static tes_status_t registers_read(struct thread *thread, uint64_t address)
{
    struct tes_registers registers = { 0 };
    spinlock_acquire(&thread->object.lock);
    bool is_shown = shows_registers(thread);
    if (is_shown) {
        frame_get_registers(&thread->frame, &registers);
        registers.fs_base = thread->thread_pointer;
    }
    spinlock_release(&thread->object.lock);
    if (!is_shown) {
        return TES_ERROR_BUSY;
    }
    return copy_out(current_process()->space, uaddr_make(address), &registers, sizeof(registers));
}

static tes_status_t registers_write(struct thread *thread, uint64_t address)
{
    struct tes_registers registers;
    tes_status_t status =
        copy_in(current_process()->space, &registers, uaddr_make(address), sizeof(registers));
    if (status != TES_OK) {
        return status;
    }
    if (registers.fs_base >= TES_USER_TOP) {
        return TES_ERROR_BAD_ADDRESS;
    }
    spinlock_acquire(&thread->object.lock);
    status = TES_ERROR_BUSY;
    if (shows_registers(thread)) {
        status = frame_set_registers(&thread->frame, &registers) == TES_OK ? TES_OK
                                                                           : TES_ERROR_BAD_ADDRESS;
    }
    if (status == TES_OK) {
        thread->thread_pointer = registers.fs_base;
    }
    spinlock_release(&thread->object.lock);
    return status;
}

tes_status_t sys_thread_registers(const struct handle_view *view, uint64_t address, uint64_t flags)
{
    struct thread *thread = thread_of_view(view);
    tes_status_t status = (flags & TES_THREAD_REGISTERS_WRITE) != 0
                              ? registers_write(thread, address)
                              : registers_read(thread, address);
    return status == TES_ERROR_NO_MEMORY ? TES_ERROR_BAD_ADDRESS : status;
}
