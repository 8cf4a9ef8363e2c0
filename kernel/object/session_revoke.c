// SPDX-License-Identifier: MIT OR Apache-2.0
// Revocation: kills a node and all below it without recursion or a stack. The node itself is marked
// first, so that it takes no children, and dies last, so that a preempted call finds it again by
// its epoch. Each step walks from it down the first children: a live node on the way is killed
// (from then on it takes no children); a dead one without children is unlinked. So all progress is
// in the tree. Cost: two steps a Session. Each killed node is followed at once by what its object's
// users need: callers told, mappings cleared, bit signalled.
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/notification.h>

static void signal_target_fire(const struct signal_target *target)
{
    if (target->notification != NULL && session_is_live(target->session, target->epoch)) {
        notification_signal(target->notification, target->bits);
    }
}

// The node was just killed by this core. No lock is held.
static void session_killed(struct session *session)
{
    struct object *object = session->object;
    if (session->handles != 0) {
        sweep_request();
    }
    if (session->extra != NULL) {
        timer_disarm(&session->extra->timer);
        signal_target_fire(&session->extra->target);
    }
    if (object->type == TES_TYPE_ENDPOINT) {
        ipc_session_revoked(session);
        if (session->depth != 0) {
            session_close_dead(session);
        }
    } else {
        if (object->type == TES_TYPE_MEMORY) {
            memory_handle_revoked((struct memory *)object, session);
        }
        if (session->depth != 0) {
            session_flag_end(session, SESSION_DONE);
        }
    }
}

static bool session_kill_locked(struct session *session)
{
    if (session->epoch == 0) {
        return false;
    }
    atomic_store_u64(&session->epoch, 0, ATOMIC_RELEASE); // pairs with session_is_live
    return true;
}

void session_flag_end(struct session *session, uint32_t flag)
{
    const uint32_t both = SESSION_UNLINKED | SESSION_DONE;
    uint32_t before =
        atomic_or_u32(&session->flags, flag, ATOMIC_ACQ_REL); // pairs with itself on the other core
    if ((before & flag) == 0) {
        if (((before | flag) & both) == both || (flag == SESSION_DONE && before & SESSION_CLOSED)) {
            session_queue(session);
        }
    }
}

// Takes a dead node without children out of the tree. A closed parent that waited for its last
// child is looked at again.
static void session_unlink_locked(struct session *session)
{
    struct session *parent = session->parent;
    list_remove(&session->sibling);
    session->parent = NULL;
    if (parent->depth != 0 && (parent->flags & SESSION_DONE) != 0 &&
        list_is_empty(&parent->children)) {
        session_queue(parent);
    }
}

void session_unlink(struct session *session)
{
    struct object *object = session->object;
    spinlock_acquire(&object->tree_lock);
    bool is_mine =
        session->parent != NULL && session->epoch == 0 && list_is_empty(&session->children);
    if (is_mine) {
        session_unlink_locked(session);
    }
    spinlock_release(&object->tree_lock);
    if (is_mine) {
        session_flag_end(session, SESSION_UNLINKED);
    }
}

// One step below session. False: nothing is below it.
static bool revoke_step(struct session *session)
{
    struct object *object = session->object;
    spinlock_acquire(&object->tree_lock);
    struct session *node = session;
    bool is_killed = false;
    while (!is_killed && !list_is_empty(&node->children)) { // at most SESSION_DEPTH_MAX
        node = container_of(node->children.next, struct session, sibling);
        is_killed = session_kill_locked(node);
    }
    if (node != session && !is_killed) {
        session_unlink_locked(node);
    }
    spinlock_release(&object->tree_lock);
    if (is_killed) {
        session_killed(node);
    } else if (node != session) {
        session_flag_end(node, SESSION_UNLINKED);
    }
    return node != session;
}

// True: nothing is below it any more, it is out of the tree.
static bool session_kill(struct session *session)
{
    struct object *object = session->object;
    spinlock_acquire(&object->tree_lock);
    bool is_killed = session_kill_locked(session);
    bool is_unlinked = session->parent != NULL && list_is_empty(&session->children);
    if (is_unlinked) {
        session_unlink_locked(session);
    }
    spinlock_release(&object->tree_lock);
    if (is_killed) {
        session_killed(session);
    }
    if (is_unlinked) {
        session_flag_end(session, SESSION_UNLINKED);
    }
    return is_unlinked;
}

tes_status_t session_revoke(struct session *session, bool keep_self)
{
    if (session->object == NULL) { // free again
        return TES_OK;
    }
    if (!keep_self) { // takes no children from here on; dies last: a preempted call finds it by its
                      // epoch
        atomic_or_u32(&session->flags, SESSION_REVOKING, ATOMIC_RELAXED);
    }
    for (uint32_t steps = 1; revoke_step(session); steps++) {
        if (steps % PREEMPT_BATCH == 0 && sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
    if (!keep_self) {
        (void)session_kill(session);
    }
    return TES_OK;
}

bool session_kill_node(struct session *session, uint64_t epoch)
{
    struct object *object = session->object;
    if (!session_is_live(session, epoch)) { // died meanwhile; it may be another by now
        return false;
    }
    spinlock_acquire(&object->tree_lock);
    bool is_killed = session->epoch == epoch && session_kill_locked(session);
    spinlock_release(&object->tree_lock);
    return is_killed;
}

// Timer interrupt: the handles die now, the rest is done by deferred work.
void session_expired(struct timer *timer)
{
    struct session_extra *extra = container_of(timer, struct session_extra, timer);
    struct session *session = extra->session;
    if (session_kill_node(session, session->epoch)) {
        counter_add(TES_COUNTER_EXPIRED, 1);
        session_queue_expired(extra);
    }
}

// DONE is set last: until then the node cannot be freed.
tes_status_t session_finish_expired(struct session *session)
{
    tes_status_t status = session_revoke(session, true);
    if (status == TES_OK) {
        session_killed(session);
        session_unlink(session);
    }
    return status;
}

void session_discard(struct session *session)
{
    atomic_and_u32(&session->flags, ~(uint32_t)SESSION_MINTED, ATOMIC_RELAXED);
    (void)session_kill(session);
}
