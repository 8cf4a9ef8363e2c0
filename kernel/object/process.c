// SPDX-License-Identifier: MIT OR Apache-2.0
// Processes. NEW until its first thread starts → RUNNING → DYING: by object_destroy, or by itself
// when its last thread has ended (then as deferred work of that core). Dying goes on in this order,
// each part in bounded steps whose progress is in the lists: threads end, handles are closed, guest
// Spaces and its own Space end. What its threads created stays: that belongs to Quotas.
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/handle.h>
#include <kernel/memory.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>
#include <rt/string.h>

enum process_state { PROCESS_NEW = 0, PROCESS_RUNNING = 1, PROCESS_DYING = 2 };

static struct spinlock all_lock; // guards the two lists; nothing is taken under it
static struct list_node all = { &all, &all };
static struct list_node sweeps = { &sweeps, &sweeps }; // least recently swept first

static void process_list(struct process *process)
{
    spinlock_acquire(&all_lock);
    list_append(&all, &process->all);
    list_append(&sweeps, &process->sweep_link);
    spinlock_release(&all_lock);
}

static void process_unlist(struct process *process)
{
    spinlock_acquire(&all_lock);
    list_remove(&process->all);
    list_remove(&process->sweep_link);
    spinlock_release(&all_lock);
}

tes_status_t process_create(struct quota *quota, const char name[16], struct process **out_process)
{
    struct object *object = NULL;
    tes_status_t status = object_create(quota, TES_TYPE_PROCESS, &object);
    if (status != TES_OK) {
        return status;
    }
    struct process *process = (struct process *)object;
    process->quota = quota;
    handle_table_init(&process->handles);
    list_init(&process->threads);
    list_init(&process->guest_spaces);
    list_init(&process->all);
    list_init(&process->sweep_link);
    memcpy(process->name, name, strnlen(name, sizeof(process->name)));
    status = space_create_root(process, quota, false, &process->space);
    if (status != TES_OK) {
        object_abandon(object);
        return status;
    }
    process_list(process);
    *out_process = process;
    return TES_OK;
}

void process_end(struct process *process, uint64_t status)
{
    spinlock_acquire(&process->object.lock);
    process->exit_status = status;
    spinlock_release(&process->object.lock);
    object_destroy_later(&process->object);
}

void process_thread_ended(struct process *process)
{
    object_destroy_later(&process->object);
}

static tes_status_t threads_end(struct process *process)
{
    for (;;) {
        struct thread *thread = NULL;
        spinlock_acquire(&process->object.lock);
        process->state = PROCESS_DYING;
        if (!list_is_empty(&process->threads)) {
            thread = container_of(process->threads.next, struct thread, process_link);
        }
        process->handles.cursor = 0; // nothing sweeps a dead process's table; closing starts there
        spinlock_release(&process->object.lock);
        if (thread == NULL) {
            return TES_OK;
        }
        tes_status_t status = object_destroy(&thread->object);
        if (status != TES_OK || sched_should_preempt()) {
            return TES_ERROR_RESTART;
        }
    }
}

static tes_status_t guest_spaces_end(struct process *process)
{
    for (;;) {
        struct space *space = NULL;
        spinlock_acquire(&process->object.lock);
        if (!list_is_empty(&process->guest_spaces)) {
            space = container_of(process->guest_spaces.next, struct space, guest_link);
        }
        spinlock_release(&process->object.lock);
        if (space == NULL) {
            return TES_OK;
        }
        tes_status_t status = object_destroy(&space->object);
        if (status != TES_OK) {
            return status;
        }
    }
}

tes_status_t process_destroy(struct object *object)
{
    struct process *process = (struct process *)object;
    tes_status_t status = TES_OK;
    if (process->is_first != 0) {
        panic("the first component ended: status %ld", (int64_t)process->exit_status);
    }
    if (process->end_stage == 0) {
        status = threads_end(process);
        process->end_stage += status == TES_OK;
    }
    if (process->end_stage == PROCESS_EMPTY) {
        return TES_OK; // had ended by itself
    }
    if (status == TES_OK) {
        status = handle_table_close_some(process);
    }
    if (status == TES_OK) {
        status = guest_spaces_end(process);
    }
    if (status == TES_OK) {
        status = object_destroy(&process->space->object);
    }
    if (status == TES_OK) {
        process_unlist(process);
        process->end_stage = PROCESS_EMPTY;
    }
    return status;
}

bool process_release(struct object *object)
{
    handle_table_release((struct process *)object);
    return true;
}

struct process *process_at(uint64_t index)
{
    spinlock_acquire(&all_lock);
    struct list_node *node = list_at(&all, index);
    spinlock_release(&all_lock);
    return node != NULL ? container_of(node, struct process, all) : NULL;
}

struct process *process_find(uint64_t id)
{
    struct process *found = NULL;
    spinlock_acquire(&all_lock);
    list_for_each (node, &all) {
        struct process *process = container_of(node, struct process, all);
        if ((uint32_t)process->object.id == (uint32_t)id) { // 32 bits travel in an index
            found = process;
            break;
        }
    }
    spinlock_release(&all_lock);
    return found;
}

struct process *process_to_sweep(struct process *swept, uint64_t target)
{
    struct process *found = NULL;
    spinlock_acquire(&all_lock);
    if (swept != NULL) {
        swept->swept = target;
        if (!list_is_empty(&swept->sweep_link)) { // else it ended meanwhile
            list_remove(&swept->sweep_link);
            list_append(&sweeps, &swept->sweep_link);
        }
    }
    if (!list_is_empty(&sweeps)) {
        found = container_of(sweeps.next, struct process, sweep_link);
        found = found->swept < target ? found : NULL;
    }
    spinlock_release(&all_lock);
    return found;
}

tes_status_t sys_process_create(const struct handle_view *quota, uint64_t name0, uint64_t name1,
                                uint64_t *out_process, uint64_t *out_space)
{
    const uint64_t words[2] = { name0, name1 };
    char name[16];
    memcpy(name, words, sizeof(name));
    struct process *self = current_process();
    struct process *process = NULL;
    tes_status_t status = handle_reserve(self, 2);
    if (status != TES_OK) {
        return status;
    }
    status = process_create((struct quota *)quota->object, name, &process);
    if (status != TES_OK) {
        handle_unreserve(self, 2);
        return status;
    }
    struct object *const objects[2] = { &process->object, &process->space->object };
    uint64_t values[2];
    for (uint32_t index = 0; index < 2; index++) {
        struct session *root = objects[index]->root;
        const struct handle_grant grant = { .object = objects[index],
                                            .session = root,
                                            .epoch = root->epoch,
                                            .rights = object_types[objects[index]->type].rights };
        values[index] = handle_install_reserved(self, &grant);
    }
    *out_process = values[0];
    *out_space = values[1];
    return TES_OK;
}
