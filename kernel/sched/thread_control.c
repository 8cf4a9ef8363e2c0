// SPDX-License-Identifier: MIT OR Apache-2.0
// thread_control: one function for each setting. Settings that the thread itself or its core use
// while it runs are changed only while it cannot: it is the caller, NEW, or STOPPED
// (thread_is_still_locked), else BUSY.
#include "core.h"

#include <kernel/endpoint.h>
#include <kernel/frame.h>
#include <kernel/handle.h>
#include <kernel/memory.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel_calls.h>
#include <rt/string.h>

bool thread_is_still_locked(const struct thread *thread)
{
    ASSERT(spinlock_is_held(&thread->object.lock));
    if (thread == self_thread()) {
        return true;
    }
    // A stopped one goes on only after stop_count was cleared under this lock.
    return thread->stop_count != 0 ? thread->state == TES_THREAD_STOPPED || thread->is_started == 0
                                   : thread->is_started == 0;
}

// Runs change under the thread's lock if it cannot run now.
static tes_status_t begin_change(struct thread *thread)
{
    spinlock_acquire(&thread->object.lock);
    if (!object_is_live(&thread->object)) {
        spinlock_release(&thread->object.lock);
        return TES_ERROR_REVOKED;
    }
    if (!thread_is_still_locked(thread)) {
        spinlock_release(&thread->object.lock);
        return TES_ERROR_BUSY;
    }
    return TES_OK;
}

static void end_change(struct thread *thread)
{
    spinlock_release(&thread->object.lock);
}

static tes_status_t resolve(uint64_t value, enum tes_object_type type, uint32_t rights,
                            struct handle_view *out_view)
{
    *out_view = (struct handle_view){ 0 };
    if (value == 0) {
        return TES_OK;
    }
    return handle_resolve(current_process(), value, type, rights, out_view) == TES_OK
               ? TES_OK
               : TES_ERROR_BAD_HANDLE;
}

static tes_status_t set_message_page(struct thread *thread, uint64_t address, uint64_t unused)
{
    (void)unused;
    struct memory *memory = NULL;
    void *page = NULL;
    if (!is_page_aligned(address)) {
        return TES_ERROR_BAD_ADDRESS;
    }
    if (address != 0) {
        tes_status_t status =
            memory_pin_user(thread->process->space, address, true, &memory, &page);
        if (status != TES_OK) {
            return status == TES_ERROR_NO_MEMORY ? status : TES_ERROR_BAD_ADDRESS;
        }
    }
    tes_status_t status = begin_change(thread);
    if (status == TES_OK) {
        struct memory *old_memory = thread->message_memory;
        void *old_page = thread->message_page;
        thread->message_page = page;
        thread->message_memory = memory;
        thread->message_page_user = address;
        page = old_page;
        memory = old_memory;
        end_change(thread);
    }
    if (page != NULL) {
        memory_unpin(memory, page); // the old one, or the new one that could not be set
    }
    return status;
}

static tes_status_t set_fault_vector(struct thread *thread, uint64_t vector, uint64_t area)
{
    if (vector >= TES_USER_TOP || area >= TES_USER_TOP || area % sizeof(uint64_t) != 0) {
        return TES_ERROR_BAD_ADDRESS;
    }
    tes_status_t status = begin_change(thread);
    if (status == TES_OK) {
        thread->fault_vector = vector;
        thread->fault_area = area;
        end_change(thread);
    }
    return status;
}

static tes_status_t set_fault_endpoint(struct thread *thread, uint64_t value, uint64_t unused)
{
    (void)unused;
    struct handle_view view;
    tes_status_t status = resolve(value, TES_TYPE_ENDPOINT, TES_RIGHT_ENDPOINT_CALL, &view);
    if (status != TES_OK) {
        return status;
    }
    status = begin_change(thread);
    if (status == TES_OK) {
        thread->fault_endpoint = (struct fault_target){
            .endpoint =
                view.object == NULL ? NULL : container_of(view.object, struct endpoint, object),
            .session = view.session,
            .epoch = view.epoch,
            .badge = view.badge,
        };
        end_change(thread);
    }
    return status;
}

static tes_status_t set_exit_signal(struct thread *thread, uint64_t value, uint64_t bits)
{
    struct handle_view view;
    tes_status_t status =
        resolve(value, TES_TYPE_NOTIFICATION, TES_RIGHT_NOTIFICATION_SIGNAL, &view);
    if (status != TES_OK) {
        return status;
    }
    status = begin_change(thread);
    if (status == TES_OK) {
        thread->exit_signal = (struct signal_target){
            .notification =
                view.object == NULL ? NULL : container_of(view.object, struct notification, object),
            .session = view.session,
            .epoch = view.epoch,
            .bits = bits,
        };
        end_change(thread);
    }
    return status;
}

static tes_status_t set_thread_pointer(struct thread *thread, uint64_t value, uint64_t unused)
{
    (void)unused;
    if (value >= TES_USER_TOP) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = begin_change(thread);
    if (status == TES_OK) {
        thread->thread_pointer = value;
        if (thread == self_thread()) {
            cpu_set_current(thread); // loads it
        }
        end_change(thread);
    }
    return status;
}

static void vector_off(struct thread *thread)
{
    thread->slow_flags &= ~(uint32_t)THREAD_SLOW_VECTOR;
    if (thread == self_thread()) {
        cpu_vector_disable();
    }
    thread_vector_free(thread);
}

static void vector_on(struct thread *thread, paddr_t frame)
{
    ASSERT(cpu_vector_size() <= PAGE_SIZE);
    thread->vector_state = frame_address(frame);
    thread->slow_flags |= THREAD_SLOW_VECTOR;
    cpu_vector_enable(thread);
}

// One page of the process's Quota for each thread that has vector state.
static tes_status_t set_vector_state(struct thread *thread, uint64_t value, uint64_t unused)
{
    (void)unused;
    paddr_t frame = { 0 };
    if (value > 1) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = begin_change(thread);
    if (status != TES_OK) {
        return status;
    }
    bool is_on = thread->vector_state != NULL;
    if (value == 0 && is_on) {
        vector_off(thread);
    } else if (value != 0 && !is_on) {
        status = quota_charge_pages(thread->object.quota, 1);
        if (status == TES_OK && frame_allocate_zeroed(&frame) != TES_OK) {
            quota_return_pages(thread->object.quota, 1);
            status = TES_ERROR_NO_MEMORY;
        }
        if (status == TES_OK) {
            vector_on(thread, frame);
        }
    }
    end_change(thread);
    return status;
}

static tes_status_t set_context(struct thread *thread, uint64_t value, uint64_t unused)
{
    (void)unused;
    struct handle_view view;
    tes_status_t status =
        resolve(value, TES_TYPE_SCHED_CONTEXT, TES_RIGHT_SCHED_CONTEXT_BIND, &view);
    if (status != TES_OK || view.object == NULL) {
        return TES_ERROR_BAD_HANDLE;
    }
    struct sched_context *context = container_of(view.object, struct sched_context, object);
    status = begin_change(thread);
    if (status != TES_OK) {
        return status;
    }
    if (context != thread->own_context) {
        status = context_bind(context, thread);
        if (status == TES_OK) {
            context_unbind(thread);
            thread->own_context = context;
            thread_post(thread, THREAD_OP_UPDATE);
        }
    }
    end_change(thread);
    return status == TES_ERROR_DEAD ? TES_ERROR_BAD_HANDLE : status;
}

static tes_status_t set_name(struct thread *thread, uint64_t name0, uint64_t name1)
{
    const uint64_t words[2] = { name0, name1 };
    static_assert(sizeof(words) == sizeof(thread->name), "a name is two words");
    spinlock_acquire(&thread->object.lock);
    memcpy(thread->name, words, sizeof(words));
    spinlock_release(&thread->object.lock);
    return TES_OK;
}

static tes_status_t set_guest(struct thread *thread, uint64_t value, uint64_t state_address)
{
    struct handle_view view;
    if (thread != self_thread()) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = resolve(value, TES_TYPE_SPACE, TES_RIGHT_SPACE_BIND, &view);
    if (status == TES_OK) {
        status = guest_bind(thread, view.object == NULL ? NULL : &view, state_address);
    }
    if (status == TES_OK) {
        space_load(cpu_local(), thread);
    }
    return status;
}

static tes_status_t set_stop(struct thread *thread, uint64_t is_stopping, uint64_t unused)
{
    (void)unused;
    if (is_stopping > 1) {
        return TES_ERROR_INVALID;
    }
    spinlock_acquire(&thread->object.lock);
    bool is_alive = object_is_live(&thread->object) && thread->state != TES_THREAD_DEAD;
    if (is_alive) {
        thread->stop_count = (uint32_t)is_stopping;
        thread_post(thread, is_stopping != 0 ? THREAD_OP_STOP : THREAD_OP_CONTINUE);
    }
    spinlock_release(&thread->object.lock);
    return TES_OK;
}

typedef tes_status_t setting_t(struct thread *thread, uint64_t value, uint64_t value2);

static setting_t *const settings[] = {
    [TES_THREAD_MESSAGE_PAGE] = set_message_page,
    [TES_THREAD_FAULT_VECTOR] = set_fault_vector,
    [TES_THREAD_FAULT_ENDPOINT] = set_fault_endpoint,
    [TES_THREAD_THREAD_POINTER] = set_thread_pointer,
    [TES_THREAD_VECTOR_STATE] = set_vector_state,
    [TES_THREAD_CONTEXT] = set_context,
    [TES_THREAD_NAME] = set_name,
    [TES_THREAD_EXIT_SIGNAL] = set_exit_signal,
    [TES_THREAD_GUEST] = set_guest,
    [TES_THREAD_STOP] = set_stop,
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

tes_status_t sys_thread_control(const struct handle_view *view, uint64_t setting, uint64_t value,
                                uint64_t value2)
{
    struct thread *thread =
        view->object == NULL ? self_thread() : container_of(view->object, struct thread, object);
    if (setting >= SETTING_COUNT) {
        return TES_ERROR_INVALID;
    }
    return settings[array_index_clamp(setting, SETTING_COUNT)](thread, value, value2);
}
