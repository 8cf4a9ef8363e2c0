// SPDX-License-Identifier: MIT OR Apache-2.0
// The header every kernel object starts with, its life, and the table of types.
// Life: object_create (charged, root Session made) → live → object_destroy: is_dead set under its
// lock, all below the root Session revoked → type's destroy (waiters woken, mappings gone) → root
// Session dead → quiescent period → type's release → slab. Each step is restartable; the state is
// in `is_dead`, `destroy_state` and the lists.
#pragma once

#include <abi/errors.h>
#include <abi/objects.h>
#include <kernel/lock.h>
#include <kernel/types.h>
#include <rt/list.h>

struct session;
struct quota;

struct object {
    struct spinlock lock;        // must stay first: the fast path locks whatever a slot points to
    uint8_t type;                // enum tes_object_type
    uint8_t is_dead;             // guarded by lock; set once
    uint8_t destroy_state;       // enum object_destroy_state; guarded by lock
    uint8_t is_queued;           // on a core's list of objects to destroy; guarded by lock
    uint64_t id;                 // unique since boot
    struct session *root;        // root Session; constant while live
    struct quota *quota;         // who pays; constant
    struct list_node charge;     // in quota->objects; guarded by the quota's lock
    struct object *reclaim_next; // in the quiescence lists, or the list of objects to destroy
    struct spinlock tree_lock;   // guards the tree of Sessions below root
    uint32_t reserved;
};

extern struct object object_none; // what empty handle slots point to: no type, dead

struct object_type {
    const char *name;
    uint32_t size;                                  // of the whole structure
    uint32_t offset;                                // of struct object in it
    uint16_t rights;                                // all that a handle can have
    tes_status_t (*destroy)(struct object *object); // kernel/type_operations.h says what
    bool (*release)(struct object *object);         // null: nothing to give back
};

extern const struct object_type object_types[TES_TYPE_COUNT];

// Allocates a zeroed object of the type from its slab, charges quota one object, makes its root
// Session. Errors: NO_OBJECTS, NO_MEMORY. On success the object is in quota->objects and live.
tes_status_t object_create(struct quota *quota, enum tes_object_type type,
                           struct object **out_object) TES_MUST_CHECK;

// Revokes and ends the object. Restartable: returns TES_ERROR_RESTART when an interrupt waits.
tes_status_t object_destroy(struct object *object) TES_MUST_CHECK;

// Takes back an object that object_create made and nobody has seen yet (error paths of *_create).
void object_abandon(struct object *object);

static inline bool object_is_live(const struct object *object)
{
    return object->is_dead == 0;
}

// Objects that exist, by type (object_info OBJECT_COUNTS).
uint64_t object_count(enum tes_object_type type);

// Has the object destroyed step by step on the way out of the kernel: nobody waits for it (a
// process that ended).
void object_destroy_later(struct object *object);
// One bounded step of deferred work: returns dead objects, destroys queued ones, frees slots of
// dead handles. True while there is more. Called on slow ways out of the kernel and by the idle
// loop, with no lock held.
bool object_work_step(void);

// Hands an object to the quiescence machinery: `release` and free run once every core has left the
// kernel.
void object_reclaim_later(struct object *object);
// Called on every slow way out of the kernel and by the idle loop, when this core holds no pointer
// to an object: notes that this core is quiescent, frees a few.
void quiesce_poll(void);
bool quiesce_has_work(void);
// Around cpu_idle: an idle core counts as quiescent. leave is the first thing that interrupt
// handlers in C do (a few instructions, any number of times); a scheduler that calls neither is
// safe too, its idle cores get IPIs.
void quiesce_idle_enter(void);
void quiesce_idle_leave(void);
// The first component is about to run: the end of the boot time that object_info tells.
void info_boot_done(void);
