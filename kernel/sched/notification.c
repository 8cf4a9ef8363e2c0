// SPDX-License-Identifier: MIT OR Apache-2.0
// Notifications: bits that are set until somebody takes them. One thread may wait (it gets the bits
// of its mask), or an endpoint is bound and its receivers get them all; never both. Four timers set
// bits too. All of it is guarded by the object's lock; a bound endpoint is told with the lock
// released, because its lock comes first.
#include "core.h"

#include <kernel/endpoint.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>

static struct notification *notification_of(const struct handle_view *view)
{
    return container_of(view->object, struct notification, object);
}

static uint64_t take_locked(struct notification *notification, uint64_t mask)
{
    uint64_t bits = notification->bits & mask;
    notification->bits &= ~mask;
    return bits;
}

static void end_wait_locked(struct notification *notification, tes_status_t status, uint64_t bits)
{
    struct thread *waiter = notification->waiter;
    notification->waiter = NULL;
    waiter->wait_object = NULL;
    frame_set_status(&waiter->frame, status);
    frame_set_results(&waiter->frame, bits, 0);
    sched_wake(waiter);
}

void notification_signal(struct notification *notification, uint64_t bits)
{
    spinlock_acquire(&notification->object.lock);
    notification->bits |= bits;
    struct endpoint *bound = notification->bound;
    const struct thread *waiter = notification->waiter;
    if (waiter != NULL && (notification->bits & waiter->wait_mask) != 0) {
        end_wait_locked(notification, TES_OK, take_locked(notification, waiter->wait_mask));
    }
    spinlock_release(&notification->object.lock);
    if (bound != NULL) {
        endpoint_bits_arrived(bound);
    }
}

uint64_t notification_take(struct notification *notification, uint64_t mask)
{
    spinlock_acquire(&notification->object.lock);
    uint64_t bits = take_locked(notification, mask);
    spinlock_release(&notification->object.lock);
    return bits;
}

bool notification_cancel(struct thread *thread, tes_status_t status)
{
    struct object *object = atomic_load_pointer(&thread->wait_object, ATOMIC_RELAXED);
    if (object == NULL) {
        return false; // its bits came: the wake is on its way
    }
    struct notification *notification = container_of(object, struct notification, object);
    spinlock_acquire(&object->lock);
    bool is_waiting = notification->waiter == thread;
    if (is_waiting) {
        end_wait_locked(notification, status, 0);
    }
    spinlock_release(&object->lock);
    return is_waiting;
}

tes_status_t sys_notification_signal(const struct handle_view *notification, uint64_t bits)
{
    notification_signal(notification_of(notification), bits);
    return TES_OK;
}

static tes_status_t wait_locked(struct notification *notification, uint64_t mask, uint64_t flags,
                                uint64_t *out_bits)
{
    struct thread *self = self_thread();
    if (!object_is_live(&notification->object)) {
        return TES_ERROR_DEAD;
    }
    if (notification->waiter != NULL || notification->bound != NULL) {
        return TES_ERROR_BUSY;
    }
    *out_bits = take_locked(notification, mask);
    if (*out_bits != 0) {
        return TES_OK;
    }
    if ((flags & TES_NOTIFICATION_WAIT_POLL) != 0) {
        return TES_ERROR_WOULD_BLOCK;
    }
    notification->waiter = self;
    self->wait_mask = mask;
    self->wait_object = &notification->object;
    self->state = TES_THREAD_WAIT_NOTIFICATION;
    return TES_ERROR_BLOCKED;
}

tes_status_t sys_notification_wait(const struct handle_view *view, uint64_t mask, uint64_t flags,
                                   uint64_t *out_bits)
{
    struct notification *notification = notification_of(view);
    if (mask == 0) {
        return TES_ERROR_INVALID;
    }
    spinlock_acquire(&notification->object.lock);
    tes_status_t status = wait_locked(notification, mask, flags, out_bits);
    spinlock_release(&notification->object.lock);
    if (status == TES_ERROR_BLOCKED) {
        sched_block_current();
    }
    return status;
}

// The deadline and every period after it that has passed count as one.
static void timer_expired(struct timer *timer)
{
    struct notification_timer *entry = container_of(timer, struct notification_timer, timer);
    struct notification *notification = entry->notification;
    spinlock_acquire(&notification->object.lock);
    bool is_meant = entry->bits != 0 && timer->is_armed == 0 && timer->deadline_ns <= time_now_ns();
    uint64_t bits = is_meant ? entry->bits : 0;
    if (is_meant && entry->period_ns != 0) {
        uint64_t missed = (time_now_ns() - timer->deadline_ns) / entry->period_ns;
        timer_arm(timer, timer->deadline_ns + (missed + 1) * entry->period_ns);
    } else if (is_meant) {
        entry->bits = 0;
    }
    spinlock_release(&notification->object.lock);
    if (bits != 0) {
        notification_signal(notification, bits);
    }
}

tes_status_t sys_timer_set(const struct handle_view *view, uint64_t slot, uint64_t bits,
                           uint64_t deadline_ns, uint64_t period_ns)
{
    struct notification *notification = notification_of(view);
    bool is_arming = deadline_ns != 0;
    if (slot >= TES_TIMER_SLOTS || (is_arming && bits == 0) ||
        (period_ns != 0 &&
         (period_ns < TES_TIMER_PERIOD_MIN_NS || period_ns > CONTEXT_TIME_MAX_NS))) {
        return TES_ERROR_INVALID;
    }
    struct notification_timer *entry =
        &notification->timers[array_index_clamp(slot, TES_TIMER_SLOTS)];
    spinlock_acquire(&notification->object.lock);
    timer_disarm(&entry->timer);
    is_arming = is_arming && object_is_live(&notification->object);
    entry->bits = is_arming ? bits : 0;
    entry->period_ns = period_ns;
    if (is_arming) {
        entry->notification = notification;
        entry->timer.expire = timer_expired;
        timer_arm(&entry->timer, deadline_ns);
    }
    spinlock_release(&notification->object.lock);
    return TES_OK;
}

tes_status_t sys_notification_create(const struct handle_view *quota, uint64_t *out_notification)
{
    struct object *object = NULL;
    tes_status_t status = object_create(container_of(quota->object, struct quota, object),
                                        TES_TYPE_NOTIFICATION, &object);
    if (status != TES_OK) {
        return status;
    }
    status = handle_install_new(current_process(), object, out_notification);
    if (status != TES_OK) {
        object_abandon(object);
    }
    return status;
}

// A bound endpoint looks at its notification under its own lock: the two are parted there, in that
// order.
static void part_from_endpoint(struct notification *notification)
{
    struct endpoint *endpoint = atomic_load_pointer(&notification->bound, ATOMIC_RELAXED);
    if (endpoint == NULL) {
        return;
    }
    spinlock_acquire(&endpoint->object.lock);
    spinlock_acquire(&notification->object.lock);
    if (notification->bound == endpoint) {
        notification->bound = NULL;
        endpoint->bound = NULL;
    }
    spinlock_release(&notification->object.lock);
    spinlock_release(&endpoint->object.lock);
}

tes_status_t notification_destroy(struct object *object)
{
    struct notification *notification = container_of(object, struct notification, object);
    part_from_endpoint(notification);
    spinlock_acquire(&object->lock);
    for (uint32_t slot = 0; slot < TES_TIMER_SLOTS; slot++) {
        timer_disarm(&notification->timers[slot].timer);
        notification->timers[slot].bits = 0;
    }
    if (notification->waiter != NULL) {
        end_wait_locked(notification, TES_ERROR_DEAD, 0);
    }
    spinlock_release(&object->lock);
    return TES_OK;
}

bool notification_release(struct object *object)
{
    (void)object; // its timers are part of it
    return true;
}
