// SPDX-License-Identifier: MIT OR Apache-2.0
// What the files of kernel/object share: the Session table, charging, deferred work, quiescence.
#pragma once

#include <arch/cpu.h>
#include <kernel/handle.h>
#include <kernel/object.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/sched.h>
#include <kernel/session.h>
#include <kernel/thread.h>

enum object_destroy_state {
    OBJECT_ALIVE = 0,
    OBJECT_ENDING = 1,    // between two steps of object_destroy
    OBJECT_BUSY = 2,      // a core is in a step
    OBJECT_ENDED = 3,     // waits for quiescence
    OBJECT_ABANDONED = 4, // the same, but its type never initialised it
};

// What few Sessions have: an expiry of its own, a bound notification.
struct session_extra {
    struct timer timer;
    struct session *session;
    struct session_extra *next; // list of expired ones
    struct signal_target target;
};

// Session table (session_table.c). A node comes zeroed but for its links; it is freed after
// quiescence only.
tes_status_t session_allocate(struct session **out_session) TES_MUST_CHECK;
void session_free(struct session *session);
void session_page_release(void *page); // of the table, when no core can see it any more
// session.c
uint64_t session_epoch_next(void);
// session_revoke.c: a node that was just made and has no handle goes without a notice.
void session_discard(struct session *session);
// The node dies, and nothing else: its handles are dead. False: another is at it, or did it.
bool session_kill_node(struct session *session, uint64_t epoch);
void session_expired(struct timer *timer);
// Sets UNLINKED or DONE; whoever sets the second hands the node to deferred work.
void session_flag_end(struct session *session, uint32_t flag);
// session_work.c: the node is looked at again on the way out of the kernel.
void session_queue(struct session *session);
void session_queue_expired(struct session_extra *extra);
tes_status_t session_finish_expired(struct session *session)
    TES_MUST_CHECK; // what its revocation would have done
// The node that a Session object controls; a node that another Session has by now is left alone.
tes_status_t session_control_revoke(const struct session_control *control,
                                    bool keep_self) TES_MUST_CHECK;
void session_close_dead(struct session *session);
void session_unlink(struct session *session); // if dead, without children, and not yet
bool session_work_step(void);
// Notices that an endpoint that has ended will not deliver; a bounded number. RESTART: more are
// left.
tes_status_t session_notices_drop(struct object *object) TES_MUST_CHECK;
void session_end_locked(struct session *session); // no handle and no call is left: notice or done

// Charging (quota.c). attach charges one object and links it; NO_OBJECTS.
tes_status_t quota_attach_object(struct quota *quota, struct object *object) TES_MUST_CHECK;
void quota_detach_object(struct object *object);
void quota_object_ended(struct object *object); // behind those that still have to be destroyed
tes_status_t quota_attach_session(struct quota *quota, struct session *session) TES_MUST_CHECK;
void quota_detach_session(struct session *session);
void quota_unlist(struct quota *quota); // it ended
extern uint64_t quota_inject_left;      // quota_inject_failure; 0: off
bool quota_is_injected(void);
static inline bool quota_take_locked(const struct quota *quota, uint64_t *used, uint64_t limit,
                                     uint64_t count)
{
    if (count > limit - *used || !object_is_live(&quota->object) ||
        (__builtin_expect(quota_inject_left != 0, 0) && quota_is_injected())) {
        return false;
    }
    *used += count;
    return true;
}

static inline void quota_give_locked(uint64_t *used, uint64_t count)
{
    ASSERT(*used >= count);
    *used -= count;
}

static inline bool quota_take(struct quota *quota, uint64_t *used, const uint64_t *limit,
                              uint64_t count)
{
    spinlock_acquire(&quota->object.lock);
    bool is_paid = quota_take_locked(quota, used, *limit, count);
    spinlock_release(&quota->object.lock);
    return is_paid;
}

static inline void quota_give(struct quota *quota, uint64_t *used, uint64_t count)
{
    spinlock_acquire(&quota->object.lock);
    quota_give_locked(used, count);
    spinlock_release(&quota->object.lock);
}

// Handles are charged under their process's lock.
static inline bool quota_handles_take(struct quota *quota, uint64_t count)
{
    return quota_take(quota, &quota->handles_used, &quota->handles_limit, count);
}

static inline void quota_handles_give(struct quota *quota, uint64_t count)
{
    quota_give(quota, &quota->handles_used, count);
}

void quota_take_back(struct quota *parent, uint64_t pages, uint64_t objects, uint64_t handles);

// Deferred work (work.c, handle_sweep.c).
struct handle_slot *handle_table_slot(const struct handle_table *table, uint32_t index);
uint32_t handle_sweep_page_locked(struct process *process, uint32_t *cursor);
void sweep_request(void); // a Session died
bool sweep_step(void);
// `swept` (null: none) was swept for that many revocations; returns the next one, null: none is
// left.
struct process *process_to_sweep(struct process *swept, uint64_t target);

// Empties a slot in use. False: its generations are used up, it is never used again.
static inline bool handle_slot_empty(struct handle_slot *slot, uint8_t flags)
{
    uint32_t generation = slot->generation + 1;
    atomic_store_u32(&slot->generation, generation, ATOMIC_RELAXED);
    atomic_fence_release(); // pairs with the fence in handle_resolve
    slot->object = &object_none;
    slot->epoch = HANDLE_EPOCH_NONE; // its Session's memory stays readable
    slot->flags = flags;
    return generation < UINT32_MAX - 1;
}

// Something was queued on this core that somebody waits for: done on the way out of the kernel.
static inline void work_wanted(void)
{
    cpu_local()->need_reschedule |= SCHED_WORK;
}

// Something that nobody waits for: done together with more of its kind, or by the timer.
static inline void work_later(void)
{
    struct cpu *cpu = cpu_local();
    cpu->need_reschedule |= ++cpu->deferrals % DEFERRALS_MAX == 0 ? SCHED_WORK : SCHED_LATER;
}

// Quiescence (quiesce.c).
void quiesce_begin(uint64_t counts[CORES_MAX]);
bool quiesce_has_passed(
    const uint64_t counts[CORES_MAX]); // every other core passed a quiescent state since
void quiesce_flush_begin(
    uint64_t counts[CORES_MAX]); // the same for TLBs: an idle core's is not flushed
bool quiesce_flush_has_passed(const uint64_t counts[CORES_MAX]);
void quiesce_session(struct session *session); // session_free later
void quiesce_session_page(void *page);         // session_page_release, once no TLB holds it
// object_destroy by a caller that closes that many of its handles itself.
tes_status_t object_end(struct object *object, uint32_t closed_next) TES_MUST_CHECK;
// The same for one that ended by itself. WOULD_BLOCK: all is done, but a Process stays for INSPECT
// until it is destroyed.
tes_status_t object_end_alone(struct object *object) TES_MUST_CHECK;
void object_free(struct object *object); // object.c: after release
