// SPDX-License-Identifier: MIT OR Apache-2.0
// Deferred work of a core: objects that end without a caller, Sessions, dead handles. Called with
// no lock held, in small steps, on slow ways out of the kernel and in the idle loop. (What waits
// for quiescence is quiesce.c's.)
#include "internal.h"

#include <arch/cpu.h>

static struct {
    struct object *first; // to destroy, linked by reclaim_next
    struct object **end;
} queues[CORES_MAX];

static void queue_append(struct object *object)
{
    uint32_t core = cpu_local()->id;
    object->reclaim_next = NULL;
    if (queues[core].first == NULL) {
        queues[core].end = &queues[core].first;
    }
    *queues[core].end = object;
    queues[core].end = &object->reclaim_next;
    work_wanted();
}

void object_destroy_later(struct object *object)
{
    spinlock_acquire(&object->lock);
    bool is_new = object->is_queued == 0 && object->destroy_state < OBJECT_ENDED;
    if (is_new) {
        object->is_queued = 1;
        object->is_dead = 1;
    }
    spinlock_release(&object->lock);
    if (is_new) {
        queue_append(object);
    }
}

// If another core ended it meanwhile, its reclaiming was left to us.
static void work_forget(struct object *object)
{
    spinlock_acquire(&object->lock);
    object->is_queued = 0;
    bool is_ended = object->destroy_state == OBJECT_ENDED;
    spinlock_release(&object->lock);
    if (is_ended) {
        object_reclaim_later(object);
    }
}

static bool destroy_step(void)
{
    uint32_t core = cpu_local()->id;
    struct object *object = queues[core].first;
    if (object == NULL) {
        return false;
    }
    queues[core].first = object->reclaim_next;
    tes_status_t status = object_end_alone(object);
    if (status == TES_OK) {
        object_reclaim_later(object); // object_end_alone left that to us
    } else if (status == TES_ERROR_WOULD_BLOCK) {
        work_forget(object);
    } else {
        queue_append(object);
    }
    return queues[core].first != NULL;
}

bool object_work_step(void)
{
    bool has_destroys = destroy_step();
    bool has_sessions = session_work_step();
    bool has_sweeps = sweep_step();
    return has_destroys || has_sessions || has_sweeps;
}
