// SPDX-License-Identifier: MIT OR Apache-2.0
// Sessions: nodes of revocation under an object, in a permanent table whose epochs never repeat.
// A handle is live while its slot's epoch equals its Session's; epoch 0 is never live.
#pragma once

#include <kernel/object.h>

enum session_flag {
    SESSION_MINTED = 1,        // counts handles; its endpoint hears CLOSED
    SESSION_CLOSED = 2,        // handle count reached zero: minting under it fails
    SESSION_NOTICE_CLOSED = 4, // a closed notice waits at the endpoint
    SESSION_NOTICE_CANCELLED = 8,
    SESSION_REVOKING = 16, // a root about to die: takes no children
    SESSION_UNLINKED = 32, // dead and out of the tree
    SESSION_DONE = 64,     // no call and no notice will need it again; with UNLINKED: may be freed
    SESSION_QUEUED = 128,  // on a core's list of deferred work (session_work.c)
};

// 128 bytes. The first cache line is what the fast path reads.
struct session {
    uint64_t epoch; // 0: dead or free. Written with release under the tree lock, read anywhere
    uint32_t
        calls; // calls under way + 1 while not (minted and closed); guarded by the endpoint's lock
    uint32_t flags; // enum session_flag; changed atomically
    uint64_t badge;
    struct object *object; // constant while live
    uint32_t handles; // live handles: minted: guarded by the endpoint's lock; else atomic, a hint
                      // for sweeping
    uint32_t depth;
    struct session *parent;
    struct list_node children; // head; guarded by object->tree_lock, like sibling and parent
    struct list_node sibling;
    uint64_t expiry_ns;          // 0: none
    struct session *notice_next; // queue at the endpoint, guarded by the endpoint's lock
    struct quota *quota;         // who pays
    struct session_extra *extra; // binding to a notification, expiry timer; null mostly
    struct list_node quota_link; // in quota->sessions
};
static_assert(sizeof(struct session) == 128, "Session nodes are two cache lines");

void session_table_init(void);
uint64_t session_index(const struct session *session);

// Makes the root Session of a new object (charged with the object itself). NO_MEMORY.
tes_status_t session_create_root(struct object *object,
                                 struct session **out_session) TES_MUST_CHECK;
// Makes a Session below parent. NO_OBJECTS, NO_MEMORY, REVOKED (parent dead), TOO_DEEP, INVALID
// (closed).
tes_status_t session_create(struct session *parent, struct quota *quota, uint64_t badge,
                            uint64_t expiry_ns, bool is_minted,
                            struct session **out_session) TES_MUST_CHECK;
// Kills the node (unless keep_self) and all below, top down. TES_ERROR_RESTART after a bounded
// batch.
tes_status_t session_revoke(struct session *session, bool keep_self) TES_MUST_CHECK;

static inline bool session_is_live(const struct session *session, uint64_t epoch)
{
    return epoch != 0 &&
           atomic_load_u64(&session->epoch, ATOMIC_ACQUIRE) == epoch; // pairs with the bump
}

// Is `below` equal to or below `above` (same object)? Caller holds nothing.
bool session_is_below(const struct session *below, const struct session *above);
// Counting of live handles of minted Sessions; the last put closes the Session and queues its
// notice. get: false if it is closed or dead. Take the endpoint's lock.
bool session_handle_get(struct session *session);
void session_handle_put(struct session *session);
// A call under way ended: called with the endpoint's lock held; closes when it was the last and no
// handle is left.
void session_call_put_locked(struct session *session);
// A notice was received by the server and its flag cleared: lets go of a closed node that has no
// other. Endpoint's lock held.
void session_notice_taken_locked(struct session *session);
// Kills a Session below which nothing can be (handles lent for a call), now; the rest is deferred
// work. Under any locks but a tree's.
void session_end_later(struct session *session, uint64_t epoch);
uint64_t session_count(void);

// Signals bits of a notification once when the Session dies; a null notification unbinds.
// NO_MEMORY, REVOKED.
struct signal_target;
tes_status_t session_bind(struct session *session,
                          const struct signal_target *target) TES_MUST_CHECK;
extern struct session session_none; // of empty handle slots: never live

// The object behind handles of type Session: controls a node of another object's tree.
struct session_control {
    struct object object;
    struct session *node;
    uint64_t epoch; // the node's when made
};
