// SPDX-License-Identifier: MIT OR Apache-2.0
// Sessions: making nodes, counting handles, walking up. Revocation: session_revoke.c; memory:
// session_table.c. A node is live (epoch not 0) → dead (revoked, expired, its object ended) →
// UNLINKED (nothing below it) and DONE (an endpoint's node: no call under way, its notice received)
// → deferred work returns its charge → quiescence → free. A minted node whose last handle goes is
// closed: it stays live for what is below it, is DONE once its server has received the notice, and
// dies when nothing is below it. References: parent and children, calls under way (`calls`), the
// endpoint's queue of notices, the quota's list. Handles, and whatever else remembers an epoch,
// hold none.
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/frame.h>

// Never repeats: a counter of this core, the core in the top byte.
uint64_t session_epoch_next(void)
{
    struct cpu *cpu = cpu_local();
    return (uint64_t)cpu->id << 56 | ++cpu->epoch_next;
}

tes_status_t session_create_root(struct object *object, struct session **out_session)
{
    struct session *session = NULL;
    tes_status_t status = session_allocate(&session);
    if (status != TES_OK) {
        return status;
    }
    session->object = object;
    session->calls = 1;
    atomic_store_u64(&session->epoch, session_epoch_next(),
                     ATOMIC_RELEASE); // pairs with session_is_live
    *out_session = session;
    return TES_OK;
}

// INVALID: past already. The parent's expiry bounds the child's.
static tes_status_t expiry_limit(const struct session *parent, uint64_t expiry_ns,
                                 uint64_t *out_expiry_ns)
{
    if (expiry_ns != 0 && expiry_ns <= time_now_ns()) {
        return TES_ERROR_INVALID;
    }
    bool is_own = expiry_ns != 0 && (parent->expiry_ns == 0 || expiry_ns < parent->expiry_ns);
    *out_expiry_ns = is_own ? expiry_ns : parent->expiry_ns;
    return TES_OK;
}

static tes_status_t extra_create(struct session *session)
{
    void *memory = NULL;
    tes_status_t status = slab_allocate(sizeof(struct session_extra), &memory);
    if (status != TES_OK) {
        return status;
    }
    struct session_extra *extra = memory;
    extra->session = session;
    extra->timer.expire = session_expired;
    session->extra = extra;
    return TES_OK;
}

// Live, not closed, its object live: may get a child.
static tes_status_t parent_check_locked(const struct session *parent)
{
    if (parent->epoch == 0 || (parent->flags & SESSION_REVOKING) != 0 ||
        !object_is_live(parent->object)) {
        return TES_ERROR_REVOKED;
    }
    return (parent->flags & SESSION_CLOSED) != 0 ? TES_ERROR_INVALID : TES_OK;
}

static tes_status_t session_link(struct session *session, struct session *parent)
{
    struct object *object = parent->object;
    spinlock_acquire(&object->tree_lock);
    tes_status_t status = parent_check_locked(parent);
    if (status == TES_OK) {
        session->parent = parent;
        list_append(&parent->children, &session->sibling);
        atomic_store_u64(&session->epoch, session_epoch_next(),
                         ATOMIC_RELEASE); // pairs with session_is_live
        if (session->extra != NULL) {
            timer_arm(&session->extra->timer, session->expiry_ns);
        }
    }
    spinlock_release(&object->tree_lock);
    return status;
}

static tes_status_t session_make(struct session *parent, struct quota *quota, uint64_t expiry_ns,
                                 struct session **out_session)
{
    struct session *session = NULL;
    tes_status_t status = session_allocate(&session);
    if (status != TES_OK) {
        return status;
    }
    session->expiry_ns = expiry_ns;
    if (expiry_ns != parent->expiry_ns) {
        status = extra_create(session);
    }
    if (status == TES_OK) {
        status = quota_attach_session(quota, session);
    }
    if (status != TES_OK) {
        session_free(session); // with its extra; nobody has seen it
        return status;
    }
    *out_session = session;
    return TES_OK;
}

tes_status_t session_create(struct session *parent, struct quota *quota, uint64_t badge,
                            uint64_t expiry_ns, bool is_minted, struct session **out_session)
{
    if (parent->depth + 1 >= SESSION_DEPTH_MAX) {
        return TES_ERROR_TOO_DEEP;
    }
    uint64_t limit_ns = 0;
    tes_status_t status = expiry_limit(parent, expiry_ns, &limit_ns);
    if (status != TES_OK) {
        return status;
    }
    struct session *session = NULL;
    status = session_make(parent, quota, limit_ns, &session);
    if (status != TES_OK) {
        return status;
    }
    session->object = parent->object;
    session->calls = 1;
    session->badge = is_minted ? badge : parent->badge; // every handle under it carries it
    session->depth = parent->depth + 1;
    session->flags = is_minted ? SESSION_MINTED : 0;
    status = session_link(session, parent);
    if (status != TES_OK) {
        quota_detach_session(session);
        quiesce_session(session);
        return status;
    }
    *out_session = session;
    return TES_OK;
}

bool session_is_below(const struct session *below, const struct session *above)
{
    struct object *object = above->object;
    if (below->object != object || object == NULL) {
        return false;
    }
    spinlock_acquire(&object->tree_lock);
    const struct session *session = below;
    while (session != NULL && session != above) { // at most SESSION_DEPTH_MAX
        session = session->parent;
    }
    spinlock_release(&object->tree_lock);
    return session == above;
}

bool session_handle_get(struct session *session)
{
    struct object *endpoint = session->object;
    if (endpoint == NULL) {
        return false;
    }
    spinlock_acquire(&endpoint->lock);
    bool is_open = session->epoch != 0 && (session->flags & SESSION_CLOSED) == 0;
    if (is_open) {
        session->handles++;
    }
    spinlock_release(&endpoint->lock);
    return is_open;
}

// No handle names it any more: takes the bias off `calls`; the last call to end does the rest.
static void session_close_locked(struct session *session)
{
    if ((atomic_or_u32(&session->flags, SESSION_CLOSED, ATOMIC_RELAXED) & SESSION_CLOSED) == 0) {
        session_call_put_locked(session);
    }
}

void session_handle_put(struct session *session)
{
    struct object *endpoint = session->object;
    spinlock_acquire(&endpoint->lock);
    if ((session->flags & SESSION_CLOSED) == 0) {
        ASSERT(session->handles != 0);
        if (--session->handles == 0) {
            session_close_locked(session);
        }
    }
    spinlock_release(&endpoint->lock);
}

void session_close_dead(struct session *session)
{
    struct object *endpoint = session->object;
    spinlock_acquire(&endpoint->lock);
    session->handles = 0;
    session_close_locked(session);
    spinlock_release(&endpoint->lock);
}

void session_call_put_locked(struct session *session)
{
    ASSERT(session->calls != 0);
    if (--session->calls == 0) {
        session_end_locked(session);
    }
}

tes_status_t session_bind(struct session *session, const struct signal_target *target)
{
    struct object *object = session->object;
    if (object == NULL) {
        return TES_ERROR_REVOKED;
    }
    void *memory = NULL; // made before the lock; most often needed
    tes_status_t status = slab_allocate(sizeof(struct session_extra), &memory);
    if (status != TES_OK) {
        return status;
    }
    spinlock_acquire(&object->tree_lock);
    status = session->epoch != 0 ? TES_OK : TES_ERROR_REVOKED;
    if (status == TES_OK) {
        if (session->extra == NULL) {
            struct session_extra *extra = memory;
            extra->session = session;
            extra->timer.expire = session_expired;
            session->extra = extra;
            memory = NULL;
        }
        session->extra->target = *target;
    }
    spinlock_release(&object->tree_lock);
    if (memory != NULL) {
        slab_free(memory, sizeof(struct session_extra));
    }
    return status;
}
