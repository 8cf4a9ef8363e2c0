// SPDX-License-Identifier: MIT OR Apache-2.0
// Objects, Quotas, Sessions and the scheduler: the least that kernel/mm needs. And the calls under
// test.
#include "fake.h"

#include <kernel/endpoint.h>
#include <kernel/handle.h>
#include <kernel/sched.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>
#include <stdlib.h>
#include <string.h>

static struct object *later;

void fake_objects_init(void)
{
    fake.quota = (struct quota){ .pages_limit = 1u << 20, .objects_limit = 1u << 20 };
    fake.other_quota = fake.quota;
    fake.process.object.quota = &fake.quota;
    list_init(&fake.process.threads);
    list_init(&fake.process.guest_spaces);
    fake.thread.process = &fake.process;
}

static bool fails(void)
{
    return fake.fail_charge != 0 && --fake.fail_charge == 0;
}

tes_status_t quota_charge_pages(struct quota *quota, uint64_t pages)
{
    if (fails() || quota->pages_used + pages > quota->pages_limit) {
        return TES_ERROR_NO_MEMORY;
    }
    quota->pages_used += pages;
    return TES_OK;
}

tes_status_t quota_charge_objects(struct quota *quota, uint64_t objects)
{
    if (fails() || quota->objects_used + objects > quota->objects_limit) {
        return TES_ERROR_NO_OBJECTS;
    }
    quota->objects_used += objects;
    return TES_OK;
}

void quota_return_pages(struct quota *quota, uint64_t pages)
{
    CHECK(quota->pages_used >= pages);
    quota->pages_used -= pages;
}

void quota_return_objects(struct quota *quota, uint64_t objects)
{
    CHECK(quota->objects_used >= objects);
    quota->objects_used -= objects;
}

static uint64_t size_of(uint32_t type)
{
    return type == TES_TYPE_SPACE ? sizeof(struct space) : sizeof(struct memory);
}

tes_status_t object_create(struct quota *quota, enum tes_object_type type,
                           struct object **out_object)
{
    tes_status_t status = quota_charge_objects(quota, 1);
    if (status != TES_OK) {
        return status;
    }
    static uint64_t epoch = 1;
    struct object *object = calloc(1, size_of(type));
    object->type = (uint8_t)type;
    object->quota = quota;
    object->root = calloc(1, sizeof(struct session));
    object->root->epoch = epoch++;
    fake.objects++;
    *out_object = object;
    return TES_OK;
}

static void object_end(struct object *object)
{
    quota_return_objects(object->quota, 1);
    free(object->root);
    free(object);
    fake.objects--;
}

void object_abandon(struct object *object)
{
    object_end(object);
}

void object_destroy_later(struct object *object)
{
    object->is_dead = 1;
    object->reclaim_next = later;
    later = object;
}

void fake_destroy(struct object *object)
{
    bool is_space = object->type == TES_TYPE_SPACE;
    object->is_dead = 1;
    while ((is_space ? space_destroy(object) : memory_destroy(object)) == TES_ERROR_RESTART) {
    }
    cpu_local()->arch.root = 0;
    fake_tlb_drop();
    while (!(is_space ? space_release(object) : memory_release(object))) {
    }
    object_end(object);
}

void fake_settle(void)
{
    while (later != NULL) {
        struct object *object = later;
        later = object->reclaim_next;
        fake_destroy(object);
    }
}

struct thread *current_thread(void)
{
    return &fake.thread;
}

struct process *current_process(void)
{
    return &fake.process;
}

bool sched_should_preempt(void)
{
    return fake.preempt_one_in != 0 && fake_random(fake.preempt_one_in) == 0;
}

void thread_post(struct thread *thread, uint32_t operations)
{
    (void)thread;
    (void)operations;
}

void guest_unbind(struct thread *thread)
{
    thread->guest = NULL;
}

tes_status_t ipc_page_request(struct memory *memory, struct thread *thread, uint64_t page,
                              uint64_t count, uint32_t access)
{
    (void)memory;
    (void)thread;
    (void)page;
    (void)count;
    (void)access;
    fake.page_requests++;
    return TES_ERROR_BLOCKED;
}

tes_status_t handle_install_new(struct process *process, struct object *object, uint64_t *out_value)
{
    (void)process;
    if (fails()) {
        return TES_ERROR_NO_HANDLES;
    }
    *out_value = (uint64_t)(uintptr_t)object;
    return TES_OK;
}

bool handle_table_at(
    struct process *process, uint64_t n, struct handle_slot *out_slot,
    uint64_t *out_value) // NOLINT(readability-non-const-parameter): as the kernel declares it
{
    (void)process;
    (void)n;
    (void)out_slot;
    (void)out_value;
    return false;
}

// Calls:

static struct handle_view view_of(struct object *object)
{
    struct handle_view view = { .object = object, .rights = UINT16_MAX };
    if (object != NULL && object->root != NULL) {
        view.session = object->root;
        view.epoch = object->root->epoch;
    }
    return view;
}

#define REPEATED(status, call)                                                                     \
    tes_status_t status = TES_ERROR_RESTART;                                                       \
    while (status == TES_ERROR_RESTART) {                                                          \
        status = (call);                                                                           \
    }

struct space *fake_space(bool is_guest)
{
    struct space *space = NULL;
    CHECK(space_create_root(&fake.process, &fake.quota, is_guest, &space) == TES_OK);
    return space;
}

struct memory *fake_memory(struct quota *quota, uint64_t pages)
{
    struct memory *memory = NULL;
    CHECK(memory_create_anonymous(quota, pages, &memory) == TES_OK);
    return memory;
}

tes_status_t fake_map(struct space *space, struct memory *memory, uint64_t offset, uint64_t address,
                      uint64_t size, uint64_t flags)
{
    struct handle_view own = view_of(&space->object);
    struct handle_view view = view_of(memory == NULL ? NULL : &memory->object);
    const struct space_map_arguments arguments = { &own, &view, offset, address, size, flags };
    uint64_t mapped = 0;
    REPEATED(status, sys_space_map(&arguments, &mapped));
    return status;
}

tes_status_t fake_unmap(struct space *space, uint64_t address, uint64_t size)
{
    struct handle_view own = view_of(&space->object);
    REPEATED(status, sys_space_unmap(&own, address, size));
    return status;
}

tes_status_t fake_protect(struct space *space, uint64_t address, uint64_t size, uint64_t access)
{
    struct handle_view own = view_of(&space->object);
    REPEATED(status, sys_space_protect(&own, address, size, access));
    return status;
}

tes_status_t fake_clone_space(struct space *space, struct space **out_clone)
{
    struct handle_view own = view_of(&space->object);
    struct handle_view quota = view_of(&fake.quota.object);
    uint64_t value = 0;
    REPEATED(status, sys_space_clone(&own, &quota, &value));
    *out_clone = (struct space *)(uintptr_t)value;
    return status;
}

tes_status_t fake_clone_memory(struct memory *memory, uint64_t offset, uint64_t size,
                               struct memory **out_clone)
{
    struct handle_view own = view_of(&memory->object);
    struct handle_view quota = view_of(&fake.quota.object);
    uint64_t value = 0;
    REPEATED(status, sys_memory_clone(&own, &quota, offset, size, &value));
    *out_clone = (struct memory *)(uintptr_t)value;
    return status;
}

tes_status_t fake_control(struct memory *memory, uint64_t operation, uint64_t offset, uint64_t size)
{
    struct handle_view own = view_of(&memory->object);
    REPEATED(status, sys_memory_control(&own, operation, offset, size));
    return status;
}

tes_status_t fake_create(uint64_t size, uint64_t flags, struct memory **out_memory)
{
    static struct object endpoint;
    struct handle_view quota = view_of(&fake.quota.object);
    struct handle_view pager = view_of((flags & TES_MEMORY_CREATE_PAGER) != 0 ? &endpoint : NULL);
    uint64_t value = 0;
    REPEATED(status, sys_memory_create(&quota, size, flags, &pager, 7, &value));
    *out_memory = (struct memory *)(uintptr_t)value;
    return status;
}

tes_status_t fake_supply(struct memory *memory, uint64_t page, struct memory *source,
                         uint64_t pages)
{
    struct handle_view own = view_of(&memory->object);
    struct handle_view view = view_of(source == NULL ? NULL : &source->object);
    REPEATED(status, sys_memory_supply(&own, page * PAGE_SIZE, &view, 0, pages * PAGE_SIZE,
                                       source == NULL ? TES_MEMORY_SUPPLY_FAIL : 0));
    return status;
}
