// SPDX-License-Identifier: MIT OR Apache-2.0
// Kernel calls on handles: derive, copy, close, revoke; and the end of an object.
#include "internal.h"

#include <abi/calls.h>
#include <kernel/handle.h>
#include <kernel/memory.h>
#include <kernel_calls.h>

#define RIGHTS_MASK 0xffffu

// The node under which the derived handle hangs: that of the Session given, below the handle's own.
static tes_status_t derive_session(const struct handle_view *view,
                                   const struct handle_view *session, struct handle_grant *grant)
{
    const struct session_control *control = (const struct session_control *)session->object;
    struct session *node = control->node;
    if (!session_is_live(node, control->epoch)) {
        return TES_ERROR_REVOKED;
    }
    if (!session_is_below(node, view->session)) {
        return TES_ERROR_INVALID;
    }
    grant->session = node;
    grant->epoch = control->epoch;
    grant->badge = node->badge; // the fast path reads it there
    return TES_OK;
}

tes_status_t sys_handle_derive(const struct handle_view *handle, uint64_t rights,
                               const struct handle_view *session, uint64_t *out_derived)
{
    if ((rights & ~(uint64_t)RIGHTS_MASK) != 0) {
        return TES_ERROR_INVALID;
    }
    struct handle_grant grant = { .object = handle->object,
                                  .session = handle->session,
                                  .epoch = handle->epoch,
                                  .badge = handle->badge,
                                  .rights = (uint16_t)(handle->rights & rights),
                                  .flags = handle->flags };
    if (session->object != NULL) {
        tes_status_t status = derive_session(handle, session, &grant);
        if (status != TES_OK) {
            return status;
        }
    }
    return handle_install(current_process(), &grant, out_derived);
}

tes_status_t sys_handle_copy(const struct handle_view *process, const struct handle_view *handle,
                             uint64_t rights, uint64_t flags, uint64_t *out_copied)
{
    if ((rights & ~(uint64_t)RIGHTS_MASK) != 0) {
        return TES_ERROR_INVALID;
    }
    struct process *self = current_process();
    struct process *target = process->object != NULL ? (struct process *)process->object : self;
    bool is_move = (flags & TES_HANDLE_COPY_MOVE) != 0;
    const struct handle_grant grant = { .object = handle->object,
                                        .session = handle->session,
                                        .epoch = handle->epoch,
                                        .badge = handle->badge,
                                        .rights = (uint16_t)(is_move ? handle->rights
                                                                     : handle->rights & rights),
                                        .flags = handle->flags };
    uint64_t copied = 0;
    tes_status_t status = handle_install(target, &grant, &copied);
    if (status != TES_OK) {
        return status;
    }
    if (is_move &&
        handle_close(self, handle->value) != TES_OK) { // another thread closed it meanwhile
        status = handle_close(target, copied);
        return status == TES_OK ? TES_ERROR_BAD_HANDLE : status;
    }
    *out_copied = copied;
    return TES_OK;
}

tes_status_t sys_handle_close(uint64_t handle)
{
    return handle_close(current_process(), handle);
}

tes_status_t sys_handle_revoke(const struct handle_view *handle, uint64_t flags)
{
    bool keep_self = (flags & TES_HANDLE_REVOKE_KEEP) != 0;
    if (handle->type != TES_TYPE_SESSION) {
        return session_revoke(handle->object->root, keep_self);
    }
    return session_control_revoke((const struct session_control *)handle->object, keep_self);
}

// A Quota that the caller lives on: its own, or one above.
static bool is_own_quota(const struct object *object)
{
    const struct quota *quota = current_process()->quota;
    while (quota != NULL && &quota->object != object) {
        quota = quota->parent;
    }
    return quota != NULL;
}

tes_status_t sys_object_destroy(const struct handle_view *handle)
{
    struct object *object = handle->object;
    struct process *self = current_process();
    if (object->type == TES_TYPE_QUOTA && is_own_quota(object)) {
        return TES_ERROR_BUSY;
    }
    if (object == &self->object || object == &current_thread()->object ||
        object == &self->space->object) {
        object_destroy_later(object); // nobody will be there to repeat the call
        return TES_OK;
    }
    tes_status_t status =
        object_end(object, 1); // its root dies last: until then the call can be repeated
    if (status == TES_ERROR_RESTART && handle->session != object->root) {
        object_destroy_later(object); // the handle is dead already: the call could not be repeated
        return TES_OK;
    }
    if (status != TES_OK) {
        return status;
    }
    // The handle is dead: its slot need not wait for a sweep. Another thread may have closed it
    // meanwhile.
    tes_status_t closed = handle_close_as(self, handle->value, HANDLE_SWEPT);
    (void)closed;
    return TES_OK;
}
