// SPDX-License-Identifier: MIT OR Apache-2.0
// Objects, quotas, memory, messages and processes as the tests of the scheduler see them (fake.h).
#include "fake.h"

#include <arch/machine.h>
#include <kernel/frame.h>
#include <kernel/irq.h>
#include <kernel/log.h>

#include <stdlib.h>
#include <string.h>

uint32_t trace_is_on;

void trace_event(uint16_t event, int32_t status, uint64_t argument)
{
    (void)event;
    (void)status;
    (void)argument;
}

// Objects.
static const struct {
    size_t size, offset;
} shapes[TES_TYPE_COUNT] = {
    [TES_TYPE_THREAD] = { sizeof(struct thread), offsetof(struct thread, object) },
    [TES_TYPE_ENDPOINT] = { sizeof(struct endpoint), 0 },
    [TES_TYPE_NOTIFICATION] = { sizeof(struct notification), 0 },
    [TES_TYPE_SCHED_CONTEXT] = { sizeof(struct sched_context), 0 },
    [TES_TYPE_IRQ] = { sizeof(struct irq), 0 },
    [TES_TYPE_IO_SPACE] = { sizeof(struct iospace), 0 },
};

tes_status_t object_create(struct quota *quota, enum tes_object_type type,
                           struct object **out_object)
{
    char *memory = calloc(1, shapes[type].size);
    struct object *object = (struct object *)(void *)(memory + shapes[type].offset);
    object->type = (uint8_t)type;
    object->quota = quota;
    object->root = &fake_session;
    *out_object = object;
    return TES_OK;
}

void object_abandon(struct object *object)
{
    object->is_dead = 1;
}

tes_status_t fake_destroy(struct object *object)
{
    tes_status_t status = TES_ERROR_RESTART;
    object->is_dead = 1;
    for (int tries = 0; tries < 100 && status == TES_ERROR_RESTART; tries++) {
        switch (object->type) {
        case TES_TYPE_THREAD:
            status = thread_destroy(object);
            break;
        case TES_TYPE_SCHED_CONTEXT:
            status = context_destroy(object);
            break;
        case TES_TYPE_IRQ:
            status = irq_destroy(object);
            break;
        case TES_TYPE_IO_SPACE:
            status = iospace_destroy(object);
            break;
        default:
            status = notification_destroy(object);
            break;
        }
        fake_take_ipis();
    }
    return status;
}

tes_status_t handle_install_new(struct process *process, struct object *object, uint64_t *out_value)
{
    (void)process;
    *out_value = (uint64_t)(uintptr_t)object;
    return TES_OK;
}

tes_status_t handle_resolve(struct process *process, uint64_t value, enum tes_object_type type,
                            uint32_t rights, struct handle_view *out_view)
{
    (void)process;
    (void)rights;
    struct object *object = (struct object *)(uintptr_t)value;
    if (object->type != type) {
        return TES_ERROR_BAD_TYPE;
    }
    *out_view = (struct handle_view){ .object = object, .session = &fake_session, .epoch = 1 };
    return TES_OK;
}

bool object_work_step(void)
{
    return false;
}

void quiesce_poll(void)
{
}

bool quiesce_has_work(void)
{
    return false;
}

void quiesce_idle_enter(void)
{
}

void quiesce_idle_leave(void)
{
}

tes_status_t quota_charge_pages(struct quota *quota, uint64_t pages)
{
    (void)quota;
    fake.pages_charged += pages;
    return TES_OK;
}

tes_status_t quota_charge_objects(struct quota *quota, uint64_t objects)
{
    (void)quota;
    fake.objects_charged += objects;
    return TES_OK;
}

void quota_return_pages(struct quota *quota, uint64_t pages)
{
    (void)quota;
    fake.pages_charged -= pages;
}

void quota_return_objects(struct quota *quota, uint64_t objects)
{
    (void)quota;
    fake.objects_charged -= objects;
}

// Memory.
tes_status_t slab_allocate(uint32_t size, void **out_memory)
{
    *out_memory = calloc(1, size);
    return TES_OK;
}

void slab_free(void *memory, uint32_t size)
{
    (void)size;
    free(memory);
}

tes_status_t frame_allocate_zeroed(paddr_t *out_frame)
{
    out_frame->value = (uint64_t)(uintptr_t)calloc(1, PAGE_SIZE);
    return TES_OK;
}

void frame_free(paddr_t frame)
{
    free(frame_address(frame));
}

void *frame_address(paddr_t frame)
{
    return (void *)(uintptr_t)frame.value;
}

paddr_t frame_of_address(const void *address)
{
    return paddr_make((uint64_t)(uintptr_t)address);
}

void frame_unpin(paddr_t frame)
{
    (void)frame;
    fake.pins--;
}

tes_status_t memory_pin_page(struct memory *memory, uint64_t page, bool is_write,
                             paddr_t *out_frame)
{
    (void)memory;
    (void)is_write;
    if (fake.fail_pins_after != 0 && fake.pins >= fake.fail_pins_after) {
        return TES_ERROR_NO_MEMORY;
    }
    fake.pins++;
    *out_frame = paddr_make(page << PAGE_SHIFT);
    return TES_OK;
}

tes_status_t memory_pin_user(struct space *space, uint64_t address, bool is_writable,
                             struct memory **out_memory, void **out_address)
{
    (void)space;
    (void)is_writable;
    *out_memory = NULL;
    *out_address = (void *)(uintptr_t)address;
    fake.pins++;
    return TES_OK;
}

void memory_unpin(struct memory *memory, void *address)
{
    (void)memory;
    (void)address;
    fake.pins--;
}

tes_status_t copy_in(struct space *space, void *to, uaddr_t from, uint64_t size)
{
    (void)space;
    memcpy(to, (const void *)(uintptr_t)from.value, size);
    return TES_OK;
}

tes_status_t copy_out(struct space *space, uaddr_t to, const void *from, uint64_t size)
{
    (void)space;
    memcpy((char *)fake.copied + to.value, from, size);
    return TES_OK;
}

struct tes_time_page *time_page_kernel(void)
{
    return NULL;
}

void tlb_ipi(void)
{
}

// Messages and processes.
bool ipc_cancel(struct thread *thread, tes_status_t status)
{
    fake.cancelled++;
    frame_set_status(&thread->frame, status);
    thread->wait_object = NULL;
    sched_wake(thread);
    return true;
}

void ipc_server_ended(struct thread *thread)
{
    (void)thread;
    fake.servers_ended++;
}

tes_status_t guest_bind(struct thread *thread, const struct handle_view *view, uint64_t state)
{
    (void)thread;
    (void)view;
    (void)state;
    return TES_OK;
}

void guest_unbind(struct thread *thread)
{
    (void)thread;
}

void endpoint_bits_arrived(struct endpoint *endpoint)
{
    fake.endpoint_bits |= notification_take(endpoint->bound, UINT64_MAX);
}

void process_thread_ended(struct process *process)
{
    (void)process;
    fake.processes_ended++;
}

static bool caller_is_less(const struct tree_node *a, const struct tree_node *b)
{
    const struct thread *left = container_of_const(a, struct thread, wait_node);
    const struct thread *right = container_of_const(b, struct thread, wait_node);
    return left->priority != right->priority ? left->priority > right->priority
                                             : left->wait_order < right->wait_order;
}

void fake_join(struct endpoint *endpoint, struct thread *server)
{
    server->receive_endpoint = endpoint;
    list_append(&endpoint->servers, &server->server_link);
}

void fake_serve(struct endpoint *endpoint, struct thread *server, struct thread *caller)
{
    if (server->receive_endpoint == NULL) {
        fake_join(endpoint, server);
    }
    server->caller = caller;
    server->context = caller->context;
    server->priority = caller->priority;
    server->lend_depth = caller->lend_depth + 1;
    caller->server = server;
    caller->call_endpoint = endpoint;
    caller->wait_object = &endpoint->object;
    caller->state = TES_THREAD_WAIT_REPLY;
}

void fake_queue(struct endpoint *endpoint, struct thread *caller)
{
    caller->state = TES_THREAD_WAIT_SEND;
    caller->call_endpoint = endpoint;
    caller->wait_object = &endpoint->object;
    caller->wait_order = endpoint->order++;
    tree_insert(&endpoint->callers, &caller->wait_node, caller_is_less);
    list_for_each (node, &endpoint->servers) {
        thread_post(container_of(node, struct thread, server_link), THREAD_OP_UPDATE);
    }
}
