// SPDX-License-Identifier: MIT OR Apache-2.0
// Objects: the table of types, creation, destruction.
// States (destroy_state): ALIVE → ENDING ⇄ BUSY → ENDED → freed. is_dead is set on leaving ALIVE,
// under the object's lock: from then on no lock holder gives it new users. ENDING: revocation and
// the type's destroy go on in bounded steps, by whoever calls object_destroy; BUSY keeps two cores
// apart. ENDED: on a core's quiescence list. Nobody counts references: handles die with the root
// Session, and lockless readers are waited for by quiescence (quiesce.c).
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/frame.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/notification.h>
#include <kernel/type_operations.h>

struct object object_none = { .is_dead = 1, .destroy_state = OBJECT_ENDED };

#define TYPE(structure, NAME, type_destroy, type_release)                                          \
    {                                                                                              \
        .name = #structure, .size = sizeof(struct structure),                                      \
        .offset = offsetof(struct structure, object), .rights = TES_RIGHTS_OF_##NAME,              \
        .destroy = (type_destroy), .release = (type_release)                                       \
    }

const struct object_type object_types[TES_TYPE_COUNT] = {
    [TES_TYPE_PROCESS] = TYPE(process, PROCESS, process_destroy, process_release),
    [TES_TYPE_THREAD] = TYPE(thread, THREAD, thread_destroy, thread_release),
    [TES_TYPE_SPACE] = TYPE(space, SPACE, space_destroy, space_release),
    [TES_TYPE_MEMORY] = TYPE(memory, MEMORY, memory_destroy, memory_release),
    [TES_TYPE_ENDPOINT] = TYPE(endpoint, ENDPOINT, endpoint_destroy, NULL),
    [TES_TYPE_SESSION] = TYPE(session_control, SESSION, session_control_destroy, NULL),
    [TES_TYPE_REPLY] = TYPE(reply, REPLY, reply_destroy, NULL),
    [TES_TYPE_NOTIFICATION] =
        TYPE(notification, NOTIFICATION, notification_destroy, notification_release),
    [TES_TYPE_SCHED_CONTEXT] = TYPE(sched_context, SCHED_CONTEXT, context_destroy, NULL),
    [TES_TYPE_QUOTA] = TYPE(quota, QUOTA, quota_destroy, NULL),
    [TES_TYPE_IRQ] = TYPE(irq, IRQ, irq_destroy, NULL),
    [TES_TYPE_IO_SPACE] = TYPE(iospace, IO_SPACE, iospace_destroy, iospace_release),
    [TES_TYPE_RESOURCE] = TYPE(resource, RESOURCE, resource_destroy, NULL),
};

static_assert(offsetof(struct object, lock) == 0, "the fast path locks what a slot points to");

static void *object_memory(struct object *object)
{
    return (char *)object - object_types[object->type].offset;
}

// Unique since boot, and small: the core is in the low digits.
static uint64_t object_id_next(struct cpu *cpu)
{
    return ++cpu->object_id_next * CORES_MAX + cpu->id;
}

tes_status_t object_create(struct quota *quota, enum tes_object_type type,
                           struct object **out_object)
{
    const struct object_type *info = &object_types[type];
    void *memory = NULL;
    tes_status_t status = slab_allocate(info->size, &memory);
    if (status != TES_OK) {
        return status;
    }
    struct object *object = (struct object *)(void *)((char *)memory + info->offset);
    struct cpu *cpu = cpu_local();
    object->type = (uint8_t)type;
    object->id = object_id_next(cpu);
    status = session_create_root(object, &object->root);
    if (status != TES_OK) {
        goto fail_memory;
    }
    status = quota_attach_object(quota, object);
    if (status != TES_OK) {
        goto fail_session;
    }
    cpu->object_counts[type]++;
    *out_object = object;
    return TES_OK;
fail_session:
    atomic_store_u64(&object->root->epoch, 0, ATOMIC_RELEASE); // nobody has seen it
    session_free(object->root);
fail_memory:
    slab_free(memory, info->size);
    return status;
}

void object_free(struct object *object)
{
    uint32_t type = object->type;
    session_free(object->root);
    quota_detach_object(object);
    cpu_local()->object_counts[type]--;
    counter_add(TES_COUNTER_RECLAIMED, 1);
    slab_free(object_memory(object), object_types[type].size);
}

void object_abandon(struct object *object)
{
    spinlock_acquire(&object->lock);
    ASSERT(object->destroy_state == OBJECT_ALIVE);
    object->is_dead = 1;
    object->destroy_state = OBJECT_ABANDONED;
    spinlock_release(&object->lock);
    (void)session_kill_node(object->root, object->root->epoch);
    quota_object_ended(object);
    object_reclaim_later(object);
}

// OK: this core may do a step. RESTART: another core is in one. DEAD: nothing is left to do.
static tes_status_t destroy_enter(struct object *object)
{
    spinlock_acquire(&object->lock);
    uint32_t state = object->destroy_state;
    if (state <= OBJECT_ENDING) {
        object->is_dead = 1;
        object->destroy_state = OBJECT_BUSY;
    }
    spinlock_release(&object->lock);
    if (state <= OBJECT_ENDING) {
        return TES_OK;
    }
    return state == OBJECT_BUSY ? TES_ERROR_RESTART : TES_ERROR_DEAD;
}

static tes_status_t destroy_step(struct object *object)
{
    tes_status_t status = session_revoke(object->root, true);
    if (status == TES_OK && object->type == TES_TYPE_ENDPOINT &&
        ((const struct endpoint *)object)->notices != NULL) { // it is dead: none comes any more
        status = session_notices_drop(object);
    }
    return status == TES_OK ? object_types[object->type].destroy(object) : status;
}

static void destroy_finish(struct object *object)
{
    (void)session_kill_node(object->root, object->root->epoch);
    quota_object_ended(object);
    spinlock_acquire(&object->lock);
    object->destroy_state = OBJECT_ENDED;
    bool is_queued = object->is_queued != 0;
    spinlock_release(&object->lock);
    if (!is_queued) { // else work.c hands it over: the link is in use
        object_reclaim_later(object);
    }
}

static tes_status_t end(struct object *object, uint32_t closed_next, bool is_kept)
{
    tes_status_t status = destroy_enter(object);
    if (status != TES_OK) {
        return status == TES_ERROR_DEAD ? TES_OK : status;
    }
    status = destroy_step(object);
    ASSERT(status == TES_OK || status == TES_ERROR_RESTART);
    if (status == TES_OK && is_kept) {
        status = TES_ERROR_WOULD_BLOCK;
    }
    if (status == TES_OK) {
        destroy_finish(object);
        if (object->root->handles >
            closed_next) { // its memory stays until this core leaves the kernel
            sweep_request();
        }
        return TES_OK;
    }
    spinlock_acquire(&object->lock);
    object->destroy_state = OBJECT_ENDING;
    spinlock_release(&object->lock);
    return status;
}

tes_status_t object_end(struct object *object, uint32_t closed_next)
{
    return end(object, closed_next, false);
}

tes_status_t object_end_alone(struct object *object)
{
    return end(object, 0, object->type == TES_TYPE_PROCESS);
}

tes_status_t object_destroy(struct object *object)
{
    return end(object, 0, false);
}

uint64_t object_count(enum tes_object_type type)
{
    uint64_t count = 0;
    for (uint32_t core = 0; core < cpu_count; core++) {
        count += cpus[core]->object_counts[type];
    }
    return count;
}
