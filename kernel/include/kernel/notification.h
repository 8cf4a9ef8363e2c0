// SPDX-License-Identifier: MIT OR Apache-2.0
// Notifications: 64 bits, one waiter or a bound endpoint, four timers.
#pragma once

#include <abi/settings.h>
#include <kernel/object.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

struct endpoint;
struct notification;

struct notification_timer { // guarded by the notification's lock
    struct timer timer;
    struct notification *notification;
    uint64_t bits; // 0: not armed
    uint64_t period_ns;
};

struct notification {
    struct object object; // object.lock guards all below
    uint64_t bits;
    struct thread *waiter;  // in WAIT_NOTIFICATION, or null
    struct endpoint *bound; // endpoint that receives the bits, or null
    struct notification_timer timers[TES_TIMER_SLOTS];
};

// Sets bits; wakes. From any context (interrupts included), no lock above notification held.
void notification_signal(struct notification *notification, uint64_t bits);
// Takes all bits (for a bound endpoint's receiver).
uint64_t notification_take(struct notification *notification, uint64_t mask);
// Ends the wait of a thread in WAIT_NOTIFICATION with a status. Its home core. False: it got its
// bits meanwhile.
bool notification_cancel(struct thread *thread, tes_status_t status);
