// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotas: hierarchical accounts. A child's limits are taken from its parent's use at once, so that
// a charge touches one node.
#pragma once

#include <kernel/limits.h>
#include <kernel/object.h>

struct quota {
    struct object object;        // charged to the parent
    struct quota *parent;        // null: the root Quota
    uint32_t flags;              // TES_QUOTA_CREATE_OVERCOMMIT
    struct spinlock adjust_lock; // guards changes of the limits; taken before the quota's lock
    uint32_t is_ending;          // ending_since is set
    uint32_t reserved;
    // Guarded by object.lock (the quota's lock), as all below.
    uint64_t pages_limit, pages_used;
    uint64_t objects_limit, objects_used;
    uint64_t handles_limit, handles_used;
    struct list_node
        objects; // all objects it pays for (struct object.charge), children Quotas included
    struct list_node
        sessions;         // all Sessions it pays for (struct session.quota_link), roots excluded
    struct list_node all; // every quota of the system, for INSPECT
    uint64_t ending_since[CORES_MAX]; // quiescence counts when it died: creations under way end
                                      // before its objects do
};

// Each charge takes all of it or fails without a change. Safe from any core; take the quota's lock
// themselves.
tes_status_t quota_charge_pages(struct quota *quota, uint64_t pages) TES_MUST_CHECK; // NO_MEMORY
tes_status_t quota_charge_objects(struct quota *quota,
                                  uint64_t objects) TES_MUST_CHECK; // NO_OBJECTS
tes_status_t quota_charge_handles(struct quota *quota,
                                  uint64_t handles) TES_MUST_CHECK; // NO_HANDLES
void quota_return_pages(struct quota *quota, uint64_t pages);
void quota_return_objects(struct quota *quota, uint64_t objects);
void quota_return_handles(struct quota *quota, uint64_t handles);

struct quota *quota_at(uint64_t index); // n-th quota of the system or null, for INSPECT

// The root Quota, made at boot over all free memory.
struct quota *quota_root(void);
void quota_root_init(uint64_t pages);

// Fault injection for tests: with N set, every charge's N-th call from now fails once (0: off).
// Debug right only.
void quota_inject_failure(uint64_t nth);
