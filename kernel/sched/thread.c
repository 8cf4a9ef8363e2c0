// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads: creation, start, death. A thread object is NEW until thread_start, then lives on its
// home core until it exits or is killed (DEAD); the object stays, in its process's list, until it
// is destroyed by itself or with the process. Ending happens on the home core only: the thread is
// unlinked from what it waits for, its caller gets PEER_DIED, its context comes back, its exit is
// signalled, and the last one that was started ends the process.
#include "core.h"

#include <arch/machine.h>
#include <kernel/endpoint.h>
#include <kernel/frame.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/session.h>
#include <kernel/type_operations.h>

struct thread *current_thread(void)
{
    return self_thread();
}

struct process *current_process(void)
{
    return self_thread()->process;
}

static void thread_init(struct thread *thread, struct process *process,
                        struct sched_context *context)
{
    const struct cpu *cpu = cpu_local();
    list_init(&thread->server_link);
    list_init(&thread->run_link);
    list_init(&thread->process_link);
    thread->process = process;
    thread->address_space = process->space->root;
    thread->own_context = context;
    uint64_t mask = context == NULL ? 0 : context->core_mask;
    uint32_t core = (mask >> cpu->id & 1) != 0 || mask == 0 ? cpu->id : bits_lowest(mask);
    thread->slow_flags = core;
    thread->context = context == NULL ? &sched_cores[core].orphan : context;
    thread->priority = thread->context->priority;
    thread->state = TES_THREAD_NEW;
}

static tes_status_t join_process(struct process *process, struct thread *thread)
{
    tes_status_t status = TES_ERROR_DEAD;
    spinlock_acquire(&process->object.lock);
    if (object_is_live(&process->object)) {
        list_append(&process->threads, &thread->process_link);
        status = TES_OK;
    }
    spinlock_release(&process->object.lock);
    return status;
}

tes_status_t thread_create(struct process *process, struct sched_context *context,
                           struct thread **out_thread)
{
    struct object *object = NULL;
    tes_status_t status = object_create(process->quota, TES_TYPE_THREAD, &object);
    if (status != TES_OK) {
        return status;
    }
    struct thread *thread = container_of(object, struct thread, object);
    thread_init(thread, process, NULL);
    status = context == NULL ? TES_OK : context_bind(context, thread);
    if (status != TES_OK) {
        goto fail_object;
    }
    thread_init(thread, process, context);
    status = join_process(process, thread);
    if (status != TES_OK) {
        goto fail_context;
    }
    *out_thread = thread;
    return TES_OK;
fail_context:
    context_unbind(thread);
fail_object:
    object_abandon(object);
    return status;
}

void thread_abandon(struct thread *thread)
{
    spinlock_acquire(&thread->process->object.lock);
    list_remove(&thread->process_link);
    spinlock_release(&thread->process->object.lock);
    context_unbind(thread);
    object_abandon(&thread->object);
}

static bool is_user_address(uint64_t address)
{
    return address < TES_USER_TOP;
}

static tes_status_t check_start_locked(const struct thread *thread)
{
    if (thread->is_started != 0 || thread->state != TES_THREAD_NEW ||
        !object_is_live(&thread->object)) {
        return TES_ERROR_BUSY;
    }
    return thread->own_context == NULL ? TES_ERROR_INVALID : TES_OK;
}

static bool process_count_thread(struct process *process)
{
    spinlock_acquire(&process->object.lock);
    bool is_live = object_is_live(&process->object) && process->state < 2;
    if (is_live) {
        process->thread_count++;
        process->state = 1;
    }
    spinlock_release(&process->object.lock);
    return is_live;
}

tes_status_t thread_start(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument0,
                          uint64_t argument1)
{
    if (!is_user_address(entry) || !is_user_address(stack)) {
        return TES_ERROR_BAD_ADDRESS;
    }
    spinlock_acquire(&thread->object.lock);
    tes_status_t status = check_start_locked(thread);
    if (status == TES_OK) {
        thread->is_started = 1; // nobody else touches the frame from here on
    }
    spinlock_release(&thread->object.lock);
    if (status != TES_OK) {
        return status;
    }
    if (!process_count_thread(thread->process)) {
        return TES_ERROR_BUSY; // the process is ending: the thread will never run
    }
    frame_init_user(&thread->frame, entry, stack, argument0, argument1);
    spinlock_acquire(
        &thread->object.lock); // pairs with thread_destroy: it is posted to before it can be freed
    if (object_is_live(&thread->object)) {
        sched_wake(thread);
    }
    spinlock_release(&thread->object.lock);
    return TES_OK;
}

static void signal_exit(const struct thread *thread)
{
    const struct signal_target *target = &thread->exit_signal;
    if (target->notification != NULL && session_is_live(target->session, target->epoch)) {
        notification_signal(target->notification, target->bits);
    }
}

static void leave_process(struct thread *thread)
{
    struct process *process = thread->process;
    spinlock_acquire(&process->object.lock);
    process->runtime_ns += thread->runtime_ns;
    bool is_last = thread->is_started != 0 && --process->thread_count == 0;
    spinlock_release(&process->object.lock);
    if (is_last) {
        process_thread_ended(process);
    }
}

void thread_kill_local(struct thread *thread)
{
    struct cpu *cpu = cpu_local();
    ASSERT(thread_core(thread) == cpu->id);
    if (thread->state == TES_THREAD_DEAD) {
        return;
    }
    thread->stop_count = 1;                                // what its wait ends in is not READY
    (void)thread_wait_cancel(thread, TES_ERROR_CANCELLED); // whether it waited makes no difference
    timer_disarm(&thread->wait_timer);
    thread->state = TES_THREAD_DEAD;
    if (thread == self_thread()) {
        cpu->sched->is_blocked = 1;
        cpu->need_reschedule |= SCHED_SWITCH;
    }
    ipc_server_ended(thread);
    guest_unbind(thread);
    if ((thread->slow_flags & THREAD_SLOW_VECTOR) != 0) {
        thread->slow_flags &= ~(uint32_t)THREAD_SLOW_VECTOR;
        if (thread == self_thread()) {
            cpu_vector_disable();
        }
    }
    context_unbind(thread);
    thread->context = &cpu->sched->orphan; // time still to be charged
    signal_exit(thread);
    leave_process(thread);
}

void thread_kick(struct thread *thread)
{
    if (thread->state == TES_THREAD_DEAD) {
        return;
    }
    if (thread->guest != NULL && !object_is_live(&thread->guest->object)) {
        guest_unbind(thread); // its guest Space is ending
        return;
    }
    if (thread->in_guest == 0) {
        thread->kick_pending = 1;
        return;
    }
    machine_guest_leave(thread, TES_GUEST_EXIT_KICK, NULL);
}

void thread_follow_stop(struct sched_core *core, struct thread *thread)
{
    bool is_current = thread == self_thread();
    if (thread->state == TES_THREAD_DEAD) {
        return;
    }
    if (thread->stop_count == 0) {
        thread->slow_flags &= ~(uint32_t)THREAD_SLOW_ATTENTION;
        if (thread->state == TES_THREAD_STOPPED && (!is_current || core->is_blocked != 0)) {
            thread_wake_local(core, thread, false);
        }
        return;
    }
    thread->slow_flags |= THREAD_SLOW_ATTENTION;
    if (is_current && core->is_blocked == 0) {
        thread->state = TES_THREAD_STOPPED;
        sched_block_current();
    } else if (thread->state == TES_THREAD_WAIT_BUDGET) {
        timer_disarm(&thread->wait_timer);
        thread->state = TES_THREAD_STOPPED;
    }
    // A READY one was taken out of the queue and goes through thread_ready; one that waits stops
    // when woken.
}

tes_status_t thread_destroy(struct object *object)
{
    struct thread *thread = container_of(object, struct thread, object);
    spinlock_acquire(&object->lock);
    bool has_ended = thread->state == TES_THREAD_DEAD;
    if (!has_ended) {
        thread_post(thread, THREAD_OP_KILL);
    }
    // Pairs with inbox_process: no core holds it in its list.
    has_ended = has_ended && atomic_load_u32(&thread->inbox_operations, ATOMIC_ACQUIRE) == 0;
    spinlock_release(&object->lock);
    if (!has_ended) {
        return TES_ERROR_RESTART;
    }
    spinlock_acquire(&thread->process->object.lock);
    list_remove(&thread->process_link);
    spinlock_release(&thread->process->object.lock);
    return TES_OK;
}

void thread_vector_free(struct thread *thread)
{
    if (thread->vector_state != NULL) {
        frame_free(frame_of_address(thread->vector_state));
        quota_return_pages(thread->object.quota, 1);
        thread->vector_state = NULL;
    }
}

bool thread_release(struct object *object)
{
    struct thread *thread = container_of(object, struct thread, object);
    thread_vector_free(thread);
    if (thread->message_page != NULL) {
        memory_unpin(thread->message_memory, thread->message_page);
        thread->message_page = NULL;
    }
    return true;
}
