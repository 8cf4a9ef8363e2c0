// SPDX-License-Identifier: MIT OR Apache-2.0
// Handle tables. A handle is generation << 32 | index << 6; the slot is page[index / 64] + index
// % 64. Readers take no lock: they read object, session, epoch and badge first and the generation
// last; writers (under the process's lock) bump the generation before they change anything else. An
// empty slot points to `object_none` and has an even generation, one in use an odd one.
#pragma once

#include <kernel/limits.h>
#include <kernel/object.h>

struct process;

struct handle_slot {
    struct object *object;
    struct session *session;
    uint64_t epoch;
    uint64_t badge;
    uint32_t generation;
    union {
        struct {
            uint16_t rights;
            uint8_t type;
            uint8_t flags; // enum handle_flag
        };
        uint32_t traits; // the three in one word
    };
    uint32_t label;     // security label, looked at when handed on
    uint32_t next_free; // index of the next empty slot
    uint64_t reserved[2];
};
static_assert(sizeof(struct handle_slot) == 64, "one cache line");

enum handle_flag {
    HANDLE_COUNTED = 1,  // counts in its minted Session
    HANDLE_BORROWED = 2, // hangs under a calling Thread's node: dies at the reply
    HANDLE_SWEPT =
        4, // empty slot: its last handle was dead and taken away; using that one says REVOKED
};

#define HANDLE_EPOCH_NONE         UINT64_MAX // of an empty slot: no Session's
#define HANDLE_INDEX_SHIFT        6u
#define HANDLE_SLOT_OFFSET(value) ((uint32_t)(value)&0xfffffc0u)

struct handle_table { // embedded in struct process
    struct handle_slot *
        *pages; // inline_pages or a directory page; entries below page_count are set
    uint32_t page_count;
    uint32_t used;       // guarded by the process's lock, like all below
    uint32_t first_free; // index, UINT32_MAX: none
    uint32_t reserved;   // empty slots promised by handle_reserve
    struct handle_slot *inline_pages[HANDLE_PAGES_INLINE];
    uint32_t free_count;
    uint32_t cursor; // page to sweep when a slot is needed; slot to close when the process ends
    uint32_t sweep_cursor; // page where sweeping after a revocation goes on
};

// What a resolved handle says: a copy of the slot.
struct handle_view {
    struct object *object;
    struct session *session;
    uint64_t epoch;
    uint64_t badge;
    uint64_t value;
    union {
        struct {
            uint16_t rights;
            uint8_t type;
            uint8_t flags;
        };
        uint32_t traits;
    };
};

// Resolves value in the process's table. type TES_TYPE_NONE: any. Errors: BAD_HANDLE, BAD_TYPE,
// NO_RIGHT, REVOKED. The object's memory stays valid until this core leaves the kernel, but it may
// die meanwhile: check under its lock.
tes_status_t handle_resolve(struct process *process, uint64_t value, enum tes_object_type type,
                            uint32_t rights, struct handle_view *out_view) TES_MUST_CHECK;

struct handle_grant { // what to put into a slot
    struct object *object;
    struct session *session;
    uint64_t epoch;
    uint64_t badge;
    uint16_t rights;
    uint8_t flags; // HANDLE_COUNTED is set by handle_install when the Session is minted
};

// Puts a new handle into the table; charges the process's Quota. Errors: NO_HANDLES, NO_MEMORY,
// REVOKED, DEAD.
tes_status_t handle_install(struct process *process, const struct handle_grant *grant,
                            uint64_t *out_value) TES_MUST_CHECK;
// A handle with all rights of its type under the object's root Session, for the results of *_create
// calls.
tes_status_t handle_install_new(struct process *process, struct object *object,
                                uint64_t *out_value) TES_MUST_CHECK;
// Closes. BAD_HANDLE. Handles of dead Sessions are closed as well. flags: of the empty slot.
tes_status_t handle_close_as(struct process *process, uint64_t value, uint8_t flags) TES_MUST_CHECK;
static inline tes_status_t handle_close(struct process *process, uint64_t value)
{
    return handle_close_as(process, value, 0);
}
// Sets `count` slots and their charge aside for the commit phase of messages; each is then used by
// one handle_install_reserved or given back by handle_unreserve. NO_HANDLES, NO_MEMORY, DEAD.
tes_status_t handle_reserve(struct process *process, uint32_t count) TES_MUST_CHECK;
void handle_unreserve(struct process *process, uint32_t count);
// Never fails; if the process died or the grant's Session closed meanwhile the handle is dropped:
// 0.
uint64_t handle_install_reserved(struct process *process, const struct handle_grant *grant);

void handle_table_init(struct handle_table *table);
// Closes a bounded number of handles; TES_ERROR_RESTART while some are left.
tes_status_t handle_table_close_some(struct process *process) TES_MUST_CHECK;
void handle_table_release(struct process *process); // frees the pages after the quiescent period
// The n-th used slot, for INSPECT; false: past the end.
bool handle_table_at(struct process *process, uint64_t n, struct handle_slot *out_slot,
                     uint64_t *out_value);
