// SPDX-License-Identifier: MIT OR Apache-2.0
// What each module provides for its object types; kernel/object/object.c collects them in
// `object_types`.
//
// <type>_destroy: ends the object. is_dead is set and everything below the root Session is revoked
// (the root itself dies last, so that a preempted object_destroy can be repeated through its
// handle: check object_is_live under the object's lock). Wakes and unlinks everything that waits
// for it or maps it. At most PREEMPT_BATCH steps, then TES_ERROR_RESTART: it is called again,
// possibly on another core, never on two at once. Other errors: none. Frees nothing that a lockless
// reader may still see. <type>_release: after a quiescent period; gives back pages and side
// structures (not the object, its root Session and its charge of one object: the caller does). One
// bounded step; false: call again.
#pragma once

#include <kernel/object.h>

// kernel/ipc
tes_status_t endpoint_destroy(struct object *object) TES_MUST_CHECK;
tes_status_t reply_destroy(struct object *object) TES_MUST_CHECK;
// kernel/sched
tes_status_t notification_destroy(struct object *object) TES_MUST_CHECK;
bool notification_release(struct object *object); // its timers
// Kills the thread on its home core (RESTART until it has ended), takes it out of process->threads.
tes_status_t thread_destroy(struct object *object) TES_MUST_CHECK;
bool thread_release(struct object *object); // vector state, pins
tes_status_t context_destroy(struct object *object) TES_MUST_CHECK;
// kernel/mm
tes_status_t memory_destroy(struct object *object) TES_MUST_CHECK;
bool memory_release(struct object *object);
// Unmaps everything; a guest Space kicks its threads and leaves process->guest_spaces (process's
// lock).
tes_status_t space_destroy(struct object *object) TES_MUST_CHECK;
bool space_release(struct object *object);
// kernel/irq
tes_status_t irq_destroy(struct object *object) TES_MUST_CHECK;
struct tes_info_irq;
bool irq_info_at(
    uint64_t n,
    struct tes_info_irq *out_info); // n-th bound source, for INSPECT; false: past the end
tes_status_t iospace_destroy(struct object *object) TES_MUST_CHECK;
bool iospace_release(struct object *object);
// kernel/object
tes_status_t process_destroy(struct object *object) TES_MUST_CHECK;
bool process_release(struct object *object);
tes_status_t session_control_destroy(struct object *object) TES_MUST_CHECK;
tes_status_t quota_destroy(struct object *object) TES_MUST_CHECK;
tes_status_t resource_destroy(struct object *object) TES_MUST_CHECK;
