// SPDX-License-Identifier: MIT OR Apache-2.0
// The end of a Quota and of all it paid for: child Quotas, objects, Sessions. No recursion: each
// step walks down the first child Quotas to one that pays for something else, and ends one object
// there. Quotas whose lists are empty end by object_destroy like any object. Creations that were
// under way when the Quota died are waited for by quiescence. Minted nodes that wait for their
// server to take the notice go to the parent Quota, which has room: it gets the limits back.
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/type_operations.h>

// Dead: nothing new is charged. True once every creation that was under way has ended.
static bool quota_is_settled(struct quota *quota)
{
    spinlock_acquire(&quota->object.lock);
    quota->object.is_dead = 1;
    if (quota->is_ending == 0) {
        quota->is_ending = 1;
        quiesce_begin(quota->ending_since);
    }
    spinlock_release(&quota->object.lock);
    return quiesce_has_passed(quota->ending_since);
}

// First object that has not ended yet; null: none.
static struct object *first_alive(struct quota *quota)
{
    struct object *object = NULL;
    spinlock_acquire(&quota->object.lock);
    if (!list_is_empty(&quota->objects)) {
        object = container_of(quota->objects.next, struct object, charge);
        if (object->destroy_state >= OBJECT_ENDED) { // so have those behind it
            object = NULL;
        }
    }
    spinlock_release(&quota->object.lock);
    return object;
}

// Ends one object at the bottom. OK: one ended, or there was none (*out_is_done).
static tes_status_t end_one_object(struct quota *quota, bool *out_is_done)
{
    struct object *object = NULL;
    struct object *below = first_alive(quota);
    while (below != NULL) {
        object = below;
        if (object->type != TES_TYPE_QUOTA) {
            break;
        }
        if (!quota_is_settled((struct quota *)object)) {
            return TES_ERROR_RESTART;
        }
        below = first_alive((struct quota *)object);
    }
    *out_is_done = object == NULL;
    return object != NULL ? object_destroy(object) : TES_OK;
}

// The dead node's charge becomes the parent's own, together with the room for it.
static void session_hand_up(struct quota *quota, struct session *session)
{
    struct quota *parent = quota->parent;
    spinlock_acquire(&parent->object.lock);
    spinlock_acquire(&quota->object.lock);
    if (session->quota == quota) {
        list_remove(&session->quota_link);
        quota->objects_used--;
        quota->objects_limit--;
        list_append(&parent->sessions, &session->quota_link);
        atomic_store_pointer(&session->quota, parent,
                             ATOMIC_RELEASE); // pairs with session_quota_lock
    }
    spinlock_release(&quota->object.lock);
    spinlock_release(&parent->object.lock);
}

static tes_status_t end_one_session(struct quota *quota, bool *out_is_done)
{
    struct session *session = NULL;
    spinlock_acquire(&quota->object.lock);
    if (!list_is_empty(&quota->sessions)) {
        session = container_of(quota->sessions.next, struct session, quota_link);
    }
    spinlock_release(&quota->object.lock);
    *out_is_done = session == NULL;
    if (session == NULL) {
        return TES_OK;
    }
    tes_status_t status = session_revoke(session, false);
    if (status == TES_OK) {
        session_hand_up(quota, session);
    }
    return status;
}

static tes_status_t end_all(struct quota *quota, tes_status_t (*end_one)(struct quota *, bool *))
{
    bool is_done = false;
    for (uint32_t steps = 1;; steps++) {
        tes_status_t status = end_one(quota, &is_done);
        if (status != TES_OK || is_done) {
            return status;
        }
        if (steps % PREEMPT_BATCH == 0 && sched_should_preempt()) {
            counter_add(TES_COUNTER_PREEMPTIONS, 1);
            return TES_ERROR_RESTART;
        }
    }
}

tes_status_t quota_destroy(struct object *object)
{
    struct quota *quota = (struct quota *)object;
    if (!quota_is_settled(quota)) {
        return TES_ERROR_RESTART;
    }
    tes_status_t status = end_all(quota, end_one_object);
    if (status == TES_OK) {
        status = end_all(quota, end_one_session);
    }
    if (status != TES_OK) {
        return status;
    }
    if (atomic_load_u64(&quota->objects_used, ATOMIC_ACQUIRE) != 0) { // pairs with the quota's lock
        return TES_ERROR_RESTART; // the rest waits for quiescence
    }
    if (quota->pages_used != 0 || quota->handles_used != 0) {
        log_error("quota %lu ends with %lu pages and %lu handles in use", (unsigned long)object->id,
                  (unsigned long)quota->pages_used, (unsigned long)quota->handles_used);
    }
    quota_unlist(quota);
    quota_take_back(quota->parent, quota->pages_limit, quota->objects_limit, quota->handles_limit);
    return TES_OK;
}
