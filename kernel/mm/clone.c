// SPDX-License-Identifier: MIT OR Apache-2.0
// What copy-on-write clones of Memories and of Spaces have in common: steps with the locks of the
// source and the clone. A preempted clone stays with its source until the same thread goes on with
// it with the same arguments. memory_clone.c, space_clone.c: how they begin, and one step.
#include "mm.h"

#include <kernel/sched.h>

static struct clone_link *link_of(struct object *object)
{
    return object->type == TES_TYPE_MEMORY ? &((struct memory *)object)->cloning
                                           : &((struct space *)object)->cloning;
}

void clone_forget(struct object *object)
{
    struct clone_link *link = link_of(object);
    spinlock_acquire(&object->lock);
    struct object *clone = link->clone;
    struct object *source = link->source;
    link->clone = NULL;
    link->source = NULL;
    if (clone != NULL) {
        spinlock_acquire(&clone->lock); // source before clone
        link_of(clone)->source = NULL;
        spinlock_release(&clone->lock);
    }
    spinlock_release(&object->lock);
    if (clone != NULL) {
        object_destroy_later(clone);
    }
    if (source != NULL) {
        spinlock_acquire(&source->lock);
        if (link_of(source)->clone == object) {
            link_of(source)->clone = NULL;
        }
        spinlock_release(&source->lock);
    }
}

// What this thread began: the same clone, or null. Another one of it was given up: it goes.
static struct object *clone_resume(struct object *source, const struct clone_request *request)
{
    struct clone_link *link = link_of(source);
    spinlock_acquire(&source->lock);
    struct object *clone = link->clone;
    const struct clone_link *state = clone == NULL ? NULL : link_of(clone);
    bool is_mine = clone != NULL && state->cloner == current_thread();
    if (is_mine) {
        link->clone = NULL;
        link_of(clone)->source = NULL;
    }
    spinlock_release(&source->lock);
    bool is_same = is_mine && clone->quota == request->quota && state->first == request->first &&
                   state->count == request->count;
    if (is_mine && !is_same) {
        object_destroy_later(clone);
    }
    return is_same ? clone : NULL;
}

// False: another thread's clone is kept there; this one goes on without stopping.
static bool clone_keep(struct object *source, struct object *clone)
{
    struct clone_link *link = link_of(source);
    spinlock_acquire(&source->lock);
    bool is_kept = link->clone == NULL && object_is_live(source) && object_is_live(clone);
    if (is_kept) {
        link->clone = clone;
        link_of(clone)->source = source;
    }
    spinlock_release(&source->lock);
    return is_kept;
}

static tes_status_t clone_begin(struct object *source, const struct clone_request *request,
                                struct object **out_clone)
{
    tes_status_t status = request->begin(source, request, out_clone);
    if (status == TES_OK) {
        struct clone_link *link = link_of(*out_clone);
        link->cloner = current_thread();
        link->first = request->first;
        link->count = request->count;
        link->next = request->first;
    }
    return status;
}

tes_status_t clone_make(struct object *source, const struct clone_request *request,
                        struct object **out_clone)
{
    struct object *clone = clone_resume(source, request);
    tes_status_t status = clone == NULL ? clone_begin(source, request, &clone) : TES_OK;
    if (status != TES_OK) {
        return status;
    }
    for (bool is_done = false; status == TES_OK && !is_done;) {
        spinlock_acquire(&source->lock);
        spinlock_acquire(&clone->lock); // source before clone
        status = object_is_live(source) && object_is_live(clone)
                     ? request->step(source, clone, &is_done)
                     : TES_ERROR_REVOKED;
        spinlock_release(&clone->lock);
        spinlock_release(&source->lock);
        if (status == TES_OK && !is_done && sched_should_preempt() && clone_keep(source, clone)) {
            return TES_ERROR_RESTART;
        }
    }
    if (status == TES_OK) {
        link_of(clone)->cloner = NULL;
        *out_clone = clone;
    } else {
        object_destroy_later(clone);
    }
    return status;
}
