// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotas: charging, splitting off, adjusting. A child's limits count as used in its parent from the
// start, so a charge looks at one node only. What a Quota pays for is in its two lists, objects
// that have ended behind the others; both empty only when quiescence has freed them, and a Quota
// ends only then (quota_destroy.c).
#include "internal.h"

#include <arch/cpu.h>
#include <kernel/handle.h>
#include <kernel_calls.h>

#define ROOT_OBJECTS_PER_PAGE 4u
#define ROOT_HANDLES_PER_PAGE 16u

static struct quota root;
static struct spinlock all_lock; // guards the list of all quotas; nothing is taken under it
static struct list_node all = { &all, &all };
uint64_t quota_inject_left;

void quota_inject_failure(uint64_t nth)
{
    atomic_store_u64(&quota_inject_left, nth, ATOMIC_RELAXED);
}

bool quota_is_injected(void)
{
    return atomic_sub_u64(&quota_inject_left, 1, ATOMIC_RELAXED) == 1;
}

tes_status_t quota_charge_pages(struct quota *quota, uint64_t pages)
{
    bool is_paid = quota_take(quota, &quota->pages_used, &quota->pages_limit, pages);
    return is_paid ? TES_OK : TES_ERROR_NO_MEMORY;
}

tes_status_t quota_charge_objects(struct quota *quota, uint64_t objects)
{
    bool is_paid = quota_take(quota, &quota->objects_used, &quota->objects_limit, objects);
    return is_paid ? TES_OK : TES_ERROR_NO_OBJECTS;
}

tes_status_t quota_charge_handles(struct quota *quota, uint64_t handles)
{
    return quota_handles_take(quota, handles) ? TES_OK : TES_ERROR_NO_HANDLES;
}

void quota_return_pages(struct quota *quota, uint64_t pages)
{
    quota_give(quota, &quota->pages_used, pages);
}

void quota_return_objects(struct quota *quota, uint64_t objects)
{
    quota_give(quota, &quota->objects_used, objects);
}

void quota_return_handles(struct quota *quota, uint64_t handles)
{
    quota_handles_give(quota, handles);
}

tes_status_t quota_attach_object(struct quota *quota, struct object *object)
{
    spinlock_acquire(&quota->object.lock);
    bool is_paid = quota_take_locked(quota, &quota->objects_used, quota->objects_limit, 1);
    if (is_paid) {
        object->quota = quota;
        list_prepend(&quota->objects, &object->charge);
    }
    spinlock_release(&quota->object.lock);
    return is_paid ? TES_OK : TES_ERROR_NO_OBJECTS;
}

void quota_detach_object(struct object *object)
{
    struct quota *quota = object->quota;
    spinlock_acquire(&quota->object.lock);
    list_remove(&object->charge);
    quota_give_locked(&quota->objects_used, 1);
    spinlock_release(&quota->object.lock);
}

void quota_object_ended(struct object *object)
{
    struct quota *quota = object->quota;
    spinlock_acquire(&quota->object.lock);
    list_remove(&object->charge);
    list_append(&quota->objects, &object->charge);
    spinlock_release(&quota->object.lock);
}

tes_status_t quota_attach_session(struct quota *quota, struct session *session)
{
    spinlock_acquire(&quota->object.lock);
    bool is_paid = quota_take_locked(quota, &quota->objects_used, quota->objects_limit, 1);
    if (is_paid) {
        session->quota = quota;
        list_append(&quota->sessions, &session->quota_link);
    }
    spinlock_release(&quota->object.lock);
    return is_paid ? TES_OK : TES_ERROR_NO_OBJECTS;
}

// The Quota that pays may end meanwhile and hand the node to its parent: looked at again under the
// lock.
static struct quota *session_quota_lock(struct session *session)
{
    for (;;) {
        struct quota *quota =
            atomic_load_pointer(&session->quota, ATOMIC_ACQUIRE); // pairs with quota_destroy.c
        spinlock_acquire(&quota->object.lock);
        if (quota == session->quota) {
            return quota;
        }
        spinlock_release(&quota->object.lock);
    }
}

void quota_detach_session(struct session *session)
{
    struct quota *quota = session_quota_lock(session);
    list_remove(&session->quota_link);
    quota_give_locked(&quota->objects_used, 1);
    spinlock_release(&quota->object.lock);
}

struct quota *quota_root(void)
{
    return &root;
}

static void quota_init(struct quota *quota, uint64_t pages, uint64_t objects, uint64_t handles)
{
    quota->pages_limit = pages;
    quota->objects_limit = objects;
    quota->handles_limit = handles;
    list_init(&quota->objects);
    list_init(&quota->sessions);
    spinlock_acquire(&all_lock);
    list_append(&all, &quota->all);
    spinlock_release(&all_lock);
}

void quota_unlist(struct quota *quota)
{
    spinlock_acquire(&all_lock);
    list_remove(&quota->all);
    spinlock_release(&all_lock);
}

struct quota *quota_at(uint64_t index)
{
    spinlock_acquire(&all_lock);
    struct list_node *node = list_at(&all, index);
    spinlock_release(&all_lock);
    return node != NULL ? container_of(node, struct quota, all) : NULL;
}

void quota_root_init(uint64_t pages)
{
    quota_init(&root, pages, pages * ROOT_OBJECTS_PER_PAGE, pages * ROOT_HANDLES_PER_PAGE);
    root.object.type = TES_TYPE_QUOTA;
    list_init(&root.object.charge);
    tes_status_t status = session_create_root(&root.object, &root.object.root);
    ASSERT(status == TES_OK);
}

// Takes limits for a child, or nothing.
static tes_status_t limits_take(struct quota *parent, uint64_t pages, uint64_t objects,
                                uint64_t handles)
{
    tes_status_t status = quota_charge_pages(parent, pages);
    if (status != TES_OK) {
        return status;
    }
    status = quota_charge_objects(parent, objects);
    if (status != TES_OK) {
        goto fail_pages;
    }
    status = quota_charge_handles(parent, handles);
    if (status != TES_OK) {
        goto fail_objects;
    }
    return TES_OK;
fail_objects:
    quota_return_objects(parent, objects);
fail_pages:
    quota_return_pages(parent, pages);
    return status;
}

void quota_take_back(struct quota *parent, uint64_t pages, uint64_t objects, uint64_t handles)
{
    quota_return_pages(parent, pages);
    quota_return_objects(parent, objects);
    quota_return_handles(parent, handles);
}

tes_status_t sys_quota_create(const struct handle_view *view, uint64_t pages, uint64_t objects,
                              uint64_t handles, uint64_t flags, uint64_t *out_child)
{
    struct quota *parent = (struct quota *)view->object;
    tes_status_t status = limits_take(parent, pages, objects, handles);
    if (status != TES_OK) {
        return status;
    }
    struct object *object = NULL;
    status = object_create(parent, TES_TYPE_QUOTA, &object);
    if (status != TES_OK) {
        goto fail_limits;
    }
    struct quota *child = (struct quota *)object;
    child->parent = parent;
    child->flags = (uint32_t)flags;
    quota_init(child, pages, objects, handles);
    status = handle_install_new(current_process(), object, out_child);
    if (status == TES_OK) {
        return TES_OK;
    }
    quota_unlist(child);
    object_abandon(object);
fail_limits:
    quota_take_back(parent, pages, objects, handles);
    return status;
}

static uint64_t growth(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

// Parent before child. What grows was taken from the parent already; what shrinks returns.
static tes_status_t limits_set(struct quota *quota, const uint64_t limits[3])
{
    spinlock_acquire(&quota->object.lock);
    tes_status_t status = TES_OK;
    if (limits[0] < quota->pages_used || limits[1] < quota->objects_used ||
        limits[2] < quota->handles_used || !object_is_live(&quota->object)) {
        status = TES_ERROR_BUSY;
    } else {
        quota->pages_limit = limits[0];
        quota->objects_limit = limits[1];
        quota->handles_limit = limits[2];
    }
    spinlock_release(&quota->object.lock);
    return status;
}

tes_status_t sys_quota_adjust(const struct handle_view *view, uint64_t pages, uint64_t objects,
                              uint64_t handles)
{
    struct quota *quota = (struct quota *)view->object;
    struct quota *parent = quota->parent;
    if (parent == NULL) {
        return TES_ERROR_INVALID;
    }
    spinlock_acquire(&quota->adjust_lock); // limits change here only
    const uint64_t limits[3] = { pages, objects, handles };
    const uint64_t before[3] = { quota->pages_limit, quota->objects_limit, quota->handles_limit };
    tes_status_t status = limits_take(parent, growth(before[0], pages), growth(before[1], objects),
                                      growth(before[2], handles));
    if (status == TES_OK) {
        status = limits_set(quota, limits);
        const uint64_t *from =
            status == TES_OK ? before : limits; // failed: what was taken goes back
        const uint64_t *to = status == TES_OK ? limits : before;
        quota_take_back(parent, growth(to[0], from[0]), growth(to[1], from[1]),
                        growth(to[2], from[2]));
    }
    spinlock_release(&quota->adjust_lock);
    return status;
}
