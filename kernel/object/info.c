// SPDX-License-Identifier: MIT OR Apache-2.0
// object_info: one table of topics. An answer is put together in the kernel, then copied out; what
// concerns the machine as a whole is in info_system.c. The n-th of a list is found by walking it
// under its lock.
#include "info.h"
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/irq.h>
#include <kernel/memory.h>
#include <kernel_calls.h>
#include <rt/string.h>

static tes_status_t fill_object(struct info_request *request)
{
    const struct object *object = request->object;
    request->answer.object =
        (struct tes_info_object){ .id = object->id,
                                  .type = object->type,
                                  .quota_id =
                                      object->quota != NULL ? object->quota->object.id : 0 };
    return TES_OK;
}

void info_process(struct process *process, struct tes_info_process *out_info)
{
    *out_info = (struct tes_info_process){ .id = process->object.id,
                                           .quota_id = process->quota->object.id,
                                           .thread_count = process->thread_count,
                                           .handle_count = process->handles.used,
                                           .pages = process->quota->pages_used,
                                           .runtime_ns = process->runtime_ns,
                                           .exit_status = process->exit_status,
                                           .state = process->state };
    memcpy(out_info->name, process->name, sizeof(out_info->name));
    spinlock_acquire(&process->object.lock);
    list_for_each (node, &process->threads) {
        const struct thread *thread = container_of(node, struct thread, process_link);
        out_info->runtime_ns += thread->state == TES_THREAD_DEAD ? 0 : thread->runtime_ns;
    }
    spinlock_release(&process->object.lock);
}

static tes_status_t fill_process(struct info_request *request)
{
    info_process((struct process *)request->object, &request->answer.process);
    return TES_OK;
}

tes_status_t info_handle_at(struct process *process, uint64_t n, struct tes_info_handle *out_info)
{
    struct handle_slot slot;
    uint64_t value = 0;
    if (!handle_table_at(process, n, &slot, &value)) {
        return TES_ERROR_NOT_FOUND;
    }
    bool is_live = session_is_live(slot.session, slot.epoch);
    *out_info = (struct tes_info_handle){ .handle = value,
                                          .object_id = is_live ? slot.object->id : 0,
                                          .badge = slot.badge,
                                          .session_id = session_index(slot.session),
                                          .type = slot.type,
                                          .rights = slot.rights,
                                          .is_live = is_live,
                                          .label = slot.label };
    return TES_OK;
}

static tes_status_t fill_handle(struct info_request *request)
{
    return info_handle_at((struct process *)request->object, request->index,
                          &request->answer.handle);
}

static void info_thread(const struct thread *thread, struct tes_info_thread *out_info)
{
    const struct object *waits_for =
        atomic_load_pointer(&thread->wait_object, ATOMIC_ACQUIRE); // memory stays: quiescence
    *out_info = (struct tes_info_thread){ .id = thread->object.id,
                                          .process_id = thread->process->object.id,
                                          .state = thread->state,
                                          .core = thread->slow_flags & 0xffu,
                                          .priority = thread->priority,
                                          .in_guest = thread->in_guest,
                                          .runtime_ns = thread->runtime_ns,
                                          .waits_for_id = waits_for != NULL ? waits_for->id : 0,
                                          .fast_calls = thread->fast_calls,
                                          .slow_calls = thread->slow_calls };
    memcpy(out_info->name, thread->name, sizeof(out_info->name));
}

static tes_status_t fill_thread(struct info_request *request)
{
    if (request->object->type == TES_TYPE_THREAD) {
        info_thread(container_of(request->object, struct thread, object), &request->answer.thread);
        return TES_OK;
    }
    struct process *process = (struct process *)request->object;
    spinlock_acquire(&process->object.lock);
    struct list_node *node = list_at(&process->threads, request->index);
    spinlock_release(&process->object.lock);
    if (node == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    info_thread(container_of(node, struct thread, process_link), &request->answer.thread);
    return TES_OK;
}

void info_quota(struct quota *quota, struct tes_info_quota *out_info)
{
    spinlock_acquire(&quota->object.lock);
    *out_info =
        (struct tes_info_quota){ .id = quota->object.id,
                                 .parent_id = quota->parent != NULL ? quota->parent->object.id : 0,
                                 .pages_limit = quota->pages_limit,
                                 .pages_used = quota->pages_used,
                                 .objects_limit = quota->objects_limit,
                                 .objects_used = quota->objects_used,
                                 .handles_limit = quota->handles_limit,
                                 .handles_used = quota->handles_used,
                                 .flags = quota->flags };
    spinlock_release(&quota->object.lock);
}

static tes_status_t fill_quota(struct info_request *request)
{
    info_quota((struct quota *)request->object, &request->answer.quota);
    return TES_OK;
}

static tes_status_t fill_quota_object(struct info_request *request)
{
    struct quota *quota = (struct quota *)request->object;
    spinlock_acquire(&quota->object.lock);
    struct list_node *node = list_at(&quota->objects, request->index);
    spinlock_release(&quota->object.lock);
    if (node == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    const struct object *found = container_of(node, struct object, charge); // quiescence keeps it
    request->answer.object = (struct tes_info_object){ .id = found->id,
                                                       .type = found->type,
                                                       .quota_id = quota->object.id };
    return TES_OK;
}

static tes_status_t fill_region(struct info_request *request)
{
    bool is_space = request->object->type == TES_TYPE_SPACE;
    const struct process *process = (const struct process *)request->object;
    if (!is_space && process->end_stage == PROCESS_EMPTY) {
        return TES_ERROR_NOT_FOUND; // its Space is gone
    }
    struct space *space = is_space ? (struct space *)request->object : process->space;
    return space_region_at(space, request->index, &request->answer.region) ? TES_OK
                                                                           : TES_ERROR_NOT_FOUND;
}

static tes_status_t fill_memory(struct info_request *request)
{
    const struct memory *memory = (const struct memory *)request->object;
    request->answer.memory = (struct tes_info_memory){ .size = memory->size_pages * PAGE_SIZE,
                                                       .pages_present = memory_present(memory),
                                                       .kind = memory->kind,
                                                       .is_sealed = memory->is_sealed };
    return TES_OK;
}

static tes_status_t fill_session(struct info_request *request)
{
    const struct session_control *control = (const struct session_control *)request->object;
    const struct session *node = control->node;
    bool is_live = session_is_live(node, control->epoch);
    struct tes_info_session *info = &request->answer.session;
    *info = (struct tes_info_session){ .id = session_index(node), .is_live = is_live };
    if (is_live) { // else the node may be another's
        info->badge = node->badge;
        info->handles = node->handles;
        info->expiry_ns = node->expiry_ns;
        info->is_minted = (node->flags & SESSION_MINTED) != 0;
    }
    return TES_OK;
}

static tes_status_t fill_endpoint(struct info_request *request)
{
    struct endpoint *endpoint = (struct endpoint *)request->object;
    struct tes_info_endpoint *info = &request->answer.endpoint;
    *info = (struct tes_info_endpoint){ .id = endpoint->object.id };
    spinlock_acquire(&endpoint->object.lock);
    info->state = endpoint->state;
    for (const struct thread *thread = endpoint->receivers; thread != NULL;
         thread = thread->receiver_next) {
        info->receivers_waiting++;
    }
    for (const struct tree_node *node = tree_first(&endpoint->callers); node != NULL;
         node = tree_next(node)) {
        info->callers_waiting++;
    }
    spinlock_release(&endpoint->object.lock);
    return TES_OK;
}

static tes_status_t fill_context(struct info_request *request)
{
    const struct sched_context *context = (const struct sched_context *)request->object;
    request->answer.context = (struct tes_info_context){ .budget_ns = context->budget_ns,
                                                         .period_ns = context->period_ns,
                                                         .left_ns = context->left_ns,
                                                         .core_mask = context->core_mask,
                                                         .priority = context->priority,
                                                         .overruns = context->overruns };
    return TES_OK;
}

static const struct info_topic topics[TES_INFO_QUOTA_AT + 1] = {
    [TES_INFO_OBJECT] = { TES_TYPE_NONE, TES_TYPE_NONE, sizeof(struct tes_info_object),
                          fill_object },
    [TES_INFO_PROCESS] = { TES_TYPE_PROCESS, TES_TYPE_NONE, sizeof(struct tes_info_process),
                           fill_process },
    [TES_INFO_HANDLE] = { TES_TYPE_PROCESS, TES_TYPE_NONE, sizeof(struct tes_info_handle),
                          fill_handle },
    [TES_INFO_THREAD] = { TES_TYPE_THREAD, TES_TYPE_PROCESS, sizeof(struct tes_info_thread),
                          fill_thread },
    [TES_INFO_QUOTA] = { TES_TYPE_QUOTA, TES_TYPE_NONE, sizeof(struct tes_info_quota), fill_quota },
    [TES_INFO_QUOTA_OBJECT] = { TES_TYPE_QUOTA, TES_TYPE_NONE, sizeof(struct tes_info_object),
                                fill_quota_object },
    [TES_INFO_SPACE_REGION] = { TES_TYPE_SPACE, TES_TYPE_PROCESS, sizeof(struct tes_info_region),
                                fill_region },
    [TES_INFO_MEMORY] = { TES_TYPE_MEMORY, TES_TYPE_NONE, sizeof(struct tes_info_memory),
                          fill_memory },
    [TES_INFO_SESSION] = { TES_TYPE_SESSION, TES_TYPE_NONE, sizeof(struct tes_info_session),
                           fill_session },
    [TES_INFO_ENDPOINT] = { TES_TYPE_ENDPOINT, TES_TYPE_NONE, sizeof(struct tes_info_endpoint),
                            fill_endpoint },
    [TES_INFO_CONTEXT] = { TES_TYPE_SCHED_CONTEXT, TES_TYPE_NONE, sizeof(struct tes_info_context),
                           fill_context },
};

static const struct info_topic *topic_find(uint64_t topic, uint8_t type)
{
    if (topic > TES_INFO_QUOTA_AT) {
        return NULL;
    }
    const struct info_topic *found =
        topics[topic].fill != NULL ? &topics[topic] : &info_system_topics[topic];
    bool fits = found->type == TES_TYPE_NONE || found->type == type ||
                (found->other_type != TES_TYPE_NONE && found->other_type == type);
    return found->fill != NULL && fits ? found : NULL;
}

// What concerns the machine is told to holders of the machine's Resource only.
static bool is_told(const struct info_topic *topic, uint64_t number, const struct object *object)
{
    return topic != &info_system_topics[number] || number == TES_INFO_RESOURCE ||
           ((const struct resource *)object)->kind == TES_RESOURCE_MACHINE;
}

tes_status_t sys_object_info(const struct handle_view *handle, uint64_t topic, uint64_t index,
                             uint64_t address, uint64_t size, uint64_t *out_written)
{
    const struct info_topic *found = topic_find(topic, handle->type);
    if (found == NULL || !is_told(found, topic, handle->object)) {
        return TES_ERROR_INVALID;
    }
    struct info_request request = { .view = handle,
                                    .object = handle->object,
                                    .index = index,
                                    .size = size,
                                    .written = found->size };
    tes_status_t status = found->fill(&request);
    if (status != TES_OK) {
        return status;
    }
    uint64_t copied = request.written < size ? request.written : size;
    struct space *space = thread_space(current_thread(), address);
    status = copy_out(space, uaddr_make(address), &request.answer, copied);
    if (status == TES_OK) {
        *out_written = request.written;
    }
    return status == TES_ERROR_RESTART || status == TES_OK ? status : TES_ERROR_BAD_ADDRESS;
}
