// SPDX-License-Identifier: MIT OR Apache-2.0
// Leases: a server copies in and out of the ranges that its caller lent, page by page under the
// endpoint's lock, so that a caller that is cancelled never sees its memory change afterwards. A
// copy never waits for the caller's pager.
#include "ipc.h"

#include <kernel/memory.h>
#include <kernel_calls.h>
#include <rt/checked.h>

#define COPY_STEP PAGE_SIZE

static bool is_write(const struct lease_copy_arguments *arguments)
{
    return (arguments->flags & TES_LEASE_COPY_WRITE) != 0;
}

static tes_status_t check_lease(const struct thread *caller,
                                const struct lease_copy_arguments *arguments)
{
    uint64_t end = 0;
    if (arguments->lease >= caller->lease_count) {
        return TES_ERROR_BAD_LEASE;
    }
    const struct thread_lease *lease =
        &caller->leases[array_index_clamp(arguments->lease, TES_MESSAGE_LEASES_MAX)];
    uint32_t needed = is_write(arguments) ? TES_LEASE_WRITE : TES_LEASE_READ;
    if ((lease->flags & needed) == 0) {
        return TES_ERROR_BAD_LEASE;
    }
    if (!checked_add(arguments->offset, arguments->size, &end) || end > lease->size) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    return TES_OK;
}

static tes_status_t copy_step(const struct lease_copy_arguments *arguments, uint64_t done,
                              uint64_t *out_copied)
{
    struct endpoint *endpoint = NULL;
    struct thread *self = current_thread();
    struct thread *caller = reply_caller_lock(arguments->reply, &endpoint);
    if (caller == NULL) {
        return TES_ERROR_NOT_CALLED;
    }
    tes_status_t status = check_lease(caller, arguments);
    if (status == TES_OK) {
        const struct thread_lease *lease =
            &caller->leases[array_index_clamp(arguments->lease, TES_MESSAGE_LEASES_MAX)];
        uint64_t left = arguments->size - done;
        struct copy_request copy = {
            .own_space = thread_space(self, arguments->address),
            .own_address = arguments->address + done,
            .peer_space = lease->space,
            .peer_address = lease->address + arguments->offset + done,
            .size = left < COPY_STEP ? left : COPY_STEP,
            .is_to_peer = is_write(arguments),
        };
        uint64_t fault_address = 0;
        status = copy_between(&copy, out_copied, &fault_address);
        if (self->message_page != NULL) {
            self->message_page->fault_address = fault_address;
        }
    }
    spinlock_release(&endpoint->object.lock);
    return status;
}

// Returns what was copied when it is preempted or meets a page that is not there; the stub tells
// the cases apart by the message page's fault_address and goes on.
tes_status_t sys_lease_copy(const struct lease_copy_arguments *arguments, uint64_t *out_copied)
{
    uint64_t done = 0;
    uint64_t end = 0;
    if (!checked_add(arguments->address, arguments->size, &end) || end > TES_USER_TOP) {
        return TES_ERROR_BAD_ADDRESS;
    }
    do {
        uint64_t copied = 0;
        tes_status_t status = copy_step(arguments, done, &copied);
        done += copied;
        if (status == TES_ERROR_FAULT) {
            break;
        }
        if (status != TES_OK && status != TES_ERROR_RESTART) {
            return status;
        }
    } while (done < arguments->size && !sched_should_preempt());
    *out_copied = done;
    return TES_OK;
}
