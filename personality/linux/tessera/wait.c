// SPDX-License-Identifier: MIT OR Apache-2.0
// Waiting of the thread that runs guests. A kick sets a bit and then cancels: the bit is kept, so a
// kick that comes between a test and the wait is not lost.
#include <abi/errors.h>
#include <tes/startup.h>
#include <tes/thread.h>

#include "platform.h"

#define EXIT_TORN_DOWN 137 // as shells show what was killed

static tes_notification_t notification;

tes_status_t wait_init(void)
{
    return tes_notification_create(tes_self()->quota, &notification);
}

tes_notification_t wait_notification(void)
{
    return notification;
}

uint64_t wait_for(uint64_t mask, uint64_t deadline_ns)
{
    uint64_t bits = 0;
    tes_deadline_set(deadline_ns == UINT64_MAX ? 0 : deadline_ns);
    tes_status_t status = tes_notification_wait(notification, mask, 0, &bits);
    tes_deadline_set(0);
    if (status == TES_ERROR_CANCELLED) {
        bits = wait_poll(mask);
    }
    if (status != TES_OK && status != TES_ERROR_CANCELLED && status != TES_ERROR_TIMED_OUT) {
        tes_exit(EXIT_TORN_DOWN); // the account that pays for it all is being destroyed
    }
    return bits;
}

uint64_t wait_poll(uint64_t mask)
{
    uint64_t bits = 0;
    tes_status_t status =
        tes_notification_wait(notification, mask, TES_NOTIFICATION_WAIT_POLL, &bits);
    return status == TES_OK ? bits : 0;
}
