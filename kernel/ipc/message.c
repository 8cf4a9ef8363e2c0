// SPDX-License-Identifier: MIT OR Apache-2.0
// What travels beside the words: handles and leases, named in the sender's message page. The page
// belongs to the sender and may change at any time, so each field is read once into the thread,
// checked there and used from there.
#include "ipc.h"

#include <rt/checked.h>

// Relaxed: nothing is ordered by it, it only is one read.
static struct tes_lease lease_read(const struct tes_lease *shared)
{
    return (struct tes_lease){
        .address = atomic_load_u64(&shared->address, ATOMIC_RELAXED),
        .size = atomic_load_u64(&shared->size, ATOMIC_RELAXED),
        .flags = atomic_load_u32(&shared->flags, ATOMIC_RELAXED),
        .reserved = atomic_load_u32(&shared->reserved, ATOMIC_RELAXED),
    };
}

static tes_status_t read_leases(struct thread *self, uint32_t count)
{
    const struct tes_message_page *page = self->message_page;
    for (uint32_t index = 0; index < count; index++) {
        struct tes_lease lease = lease_read(&page->leases[index]);
        uint64_t end = 0;
        bool is_known = (lease.flags & ~(TES_LEASE_READ | TES_LEASE_WRITE | TES_LEASE_GUEST)) == 0;
        if (!is_known || lease.reserved != 0) {
            return TES_ERROR_INVALID;
        }
        if (!checked_add(lease.address, lease.size, &end) || end > TES_USER_TOP) {
            return TES_ERROR_BAD_ADDRESS;
        }
        bool in_guest = (lease.flags & TES_LEASE_GUEST) != 0;
        if (in_guest && self->guest == NULL) {
            return TES_ERROR_INVALID;
        }
        self->leases[index] = (struct thread_lease){
            .address = lease.address,
            .size = lease.size,
            .flags = lease.flags,
            .space = in_guest ? self->guest : self->process->space,
        };
    }
    self->lease_count = count;
    return TES_OK;
}

static bool is_label_good(uint64_t label, bool may_lend)
{
    const uint64_t both = TES_LABEL_MOVE | TES_LABEL_LEND;
    const uint64_t known = TES_LABEL_COUNT_MASK << TES_LABEL_HANDLES_SHIFT |
                           TES_LABEL_COUNT_MASK << TES_LABEL_LEASES_SHIFT | both;
    uint64_t low = label & (TES_LABEL_KERNEL_MASK | TES_LABEL_RESERVED_MASK);
    bool is_lending = LABEL_LEASES(label) != 0 || (label & TES_LABEL_LEND) != 0;
    return (low & ~known) == 0 && LABEL_HANDLES(label) <= TES_MESSAGE_HANDLES_MAX &&
           LABEL_LEASES(label) <= TES_MESSAGE_LEASES_MAX && (label & both) != both &&
           (may_lend || !is_lending);
}

tes_status_t message_read(struct thread *self, uint64_t label, bool may_lend)
{
    uint32_t handles = LABEL_HANDLES(label);
    uint32_t leases = LABEL_LEASES(label);
    self->lease_count = 0;
    self->lent_count = 0;
    if (!is_label_good(label, may_lend)) {
        return TES_ERROR_INVALID;
    }
    if (handles == 0 && leases == 0) {
        return TES_OK;
    }
    if (self->message_page == NULL) {
        return TES_ERROR_BAD_ADDRESS;
    }
    for (uint32_t index = 0; index < handles; index++) {
        self->send_handles[index] =
            atomic_load_u64(&self->message_page->handles[index], ATOMIC_RELAXED);
    }
    return read_leases(self, leases);
}

// A borrowed handle hangs under a Session of its own that ends with the call; it cannot be handed
// on or derived from.
static tes_status_t lend_session(struct thread *from, const struct handle_view *view,
                                 struct handle_grant *grant)
{
    struct session *session = NULL;
    tes_status_t status =
        session_create(view->session, from->process->quota, view->badge, 0, false, &session);
    if (status != TES_OK) {
        return status;
    }
    grant->session = session;
    grant->epoch = atomic_load_u64(&session->epoch, ATOMIC_ACQUIRE); // 0: revoked already
    from->lent[from->lent_count++] = (struct lent_session){ session, grant->epoch };
    if (grant->epoch == 0) {
        return TES_ERROR_REVOKED;
    }
    grant->rights &= (uint16_t) ~(TES_RIGHT_DERIVE | TES_RIGHT_TRANSFER);
    return TES_OK;
}

static void take_back(struct thread *from, struct thread *to, const uint64_t *values,
                      uint32_t count)
{
    for (uint32_t index = 0; index < count; index++) {
        // They were just made and nobody was told: closing cannot fail in a way that matters.
        tes_status_t ignored = handle_close(to->process, values[index]);
        (void)ignored;
    }
    call_lent_end(from);
}

void call_lent_end(struct thread *caller)
{
    for (uint32_t index = 0; index < caller->lent_count; index++) {
        session_end_later(
            caller->lent[index].session,
            caller->lent[index].epoch); // dead at once; what follows from it needs other locks
    }
    caller->lent_count = 0;
}

static tes_status_t give_one(struct thread *from, struct thread *to, const struct handle_view *view,
                             uint64_t label, uint64_t *out_value)
{
    struct handle_grant grant = {
        .object = view->object,
        .session = view->session,
        .epoch = view->epoch,
        .badge = view->badge,
        .rights = view->rights,
    };
    if ((label & TES_LABEL_LEND) != 0) {
        tes_status_t status = lend_session(from, view, &grant);
        if (status != TES_OK) {
            return status;
        }
    }
    return handle_install(to->process, &grant, out_value);
}

tes_status_t message_transfer(struct thread *from, struct thread *to, uint64_t label)
{
    uint32_t count = LABEL_HANDLES(label);
    uint64_t given[TES_MESSAGE_HANDLES_MAX];
    struct handle_view views[TES_MESSAGE_HANDLES_MAX];
    if (to->message_page == NULL ||
        count > atomic_load_u32(&to->message_page->accept, ATOMIC_RELAXED)) {
        return TES_ERROR_TOO_MANY_HANDLES;
    }
    for (uint32_t index = 0; index < count; index++) {
        tes_status_t status = handle_resolve(from->process, from->send_handles[index],
                                             TES_TYPE_NONE, TES_RIGHT_TRANSFER, &views[index]);
        if (status != TES_OK) {
            return status;
        }
    }
    for (uint32_t index = 0; index < count; index++) {
        tes_status_t status = give_one(from, to, &views[index], label, &given[index]);
        if (status != TES_OK) {
            take_back(from, to, given, index);
            return status;
        }
    }
    for (uint32_t index = 0; index < count; index++) {
        to->message_page->received_handles[index] = given[index];
        if ((label & TES_LABEL_MOVE) != 0) {
            // A handle named twice is closed the first time.
            tes_status_t ignored = handle_close(from->process, from->send_handles[index]);
            (void)ignored;
        }
    }
    to->message_page->received_count = count;
    return TES_OK;
}

void message_tell_leases(struct thread *receiver, const struct thread *caller)
{
    if (receiver->message_page == NULL) {
        return;
    }
    for (uint32_t index = 0; index < caller->lease_count; index++) {
        receiver->message_page->received_leases[index] = (struct tes_lease){
            .size = caller->leases[index].size,
            .flags = caller->leases[index].flags,
        };
    }
}
