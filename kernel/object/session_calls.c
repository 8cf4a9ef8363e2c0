// SPDX-License-Identifier: MIT OR Apache-2.0
// Kernel calls on Sessions, and the objects of type Session, each of which controls one node. The
// object is apart from the node: handles to it hang under its own root, so a Session can be revoked
// through its handle, however often.
#include "internal.h"

#include <kernel/handle.h>
#include <kernel/notification.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>

struct session_parent {
    struct session *node;
    uint64_t epoch;
    bool is_minted; // what is made below counts its handles
};

static struct session_parent parent_of(const struct handle_view *view)
{
    if (view->type == TES_TYPE_SESSION) {
        const struct session_control *control = (const struct session_control *)view->object;
        struct session *node = control->node;
        return (struct session_parent){ node, control->epoch, (node->flags & SESSION_MINTED) != 0 };
    }
    bool is_minted =
        view->type == TES_TYPE_ENDPOINT && (view->rights & TES_RIGHT_ENDPOINT_MINT) != 0;
    return (struct session_parent){ view->session, view->epoch, is_minted };
}

// Who pays: the Quota named, else that of the caller who is being answered.
static struct quota *paying_quota(const struct handle_view *quota)
{
    if (quota->object != NULL) {
        return (struct quota *)quota->object;
    }
    // Written under the endpoint's lock by other cores; the thread's memory stays until this core
    // leaves the kernel.
    const struct thread *caller = atomic_load_pointer(&current_thread()->caller, ATOMIC_ACQUIRE);
    return caller != NULL ? caller->process->quota : NULL;
}

static tes_status_t control_create(struct quota *quota, struct session *node, uint64_t *out_session)
{
    struct object *object = NULL;
    tes_status_t status = object_create(quota, TES_TYPE_SESSION, &object);
    if (status != TES_OK) {
        return status;
    }
    struct session_control *control = (struct session_control *)object;
    control->node = node;
    control->epoch = node->epoch;
    status = handle_install_new(current_process(), object, out_session);
    if (status != TES_OK) {
        object_abandon(object);
    }
    return status;
}

tes_status_t sys_session_create(const struct handle_view *parent_view,
                                const struct handle_view *quota_view, uint64_t badge,
                                uint64_t expiry_ns, uint64_t *out_session)
{
    struct quota *quota = paying_quota(quota_view);
    if (quota == NULL) {
        return TES_ERROR_INVALID;
    }
    struct session_parent parent = parent_of(parent_view);
    if (!session_is_live(parent.node, parent.epoch)) {
        return TES_ERROR_REVOKED;
    }
    struct session *node = NULL;
    tes_status_t status =
        session_create(parent.node, quota, badge, expiry_ns, parent.is_minted, &node);
    if (status != TES_OK) {
        return status;
    }
    status = control_create(quota, node, out_session);
    if (status != TES_OK) {
        session_discard(node);
    }
    return status;
}

tes_status_t sys_session_bind(const struct handle_view *session, const struct handle_view *view,
                              uint64_t bits)
{
    const struct session_control *control = (const struct session_control *)session->object;
    if (bits == 0 && view->object != NULL) {
        return TES_ERROR_INVALID;
    }
    if (!session_is_live(control->node, control->epoch)) {
        return TES_ERROR_REVOKED;
    }
    const struct signal_target target = { .notification = (struct notification *)view->object,
                                          .session = view->session,
                                          .epoch = view->epoch,
                                          .bits = bits };
    return session_bind(control->node, &target);
}

tes_status_t session_control_revoke(const struct session_control *control, bool keep_self)
{
    if (!session_is_live(control->node, control->epoch)) {
        return TES_OK; // dead already; the node may be another by now
    }
    return session_revoke(control->node, keep_self);
}

tes_status_t session_control_destroy(struct object *object)
{
    return session_control_revoke((const struct session_control *)object, false);
}
