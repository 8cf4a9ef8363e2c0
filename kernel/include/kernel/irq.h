// SPDX-License-Identifier: MIT OR Apache-2.0
// Interrupt sources, I/O spaces and Resources.
#pragma once

#include <abi/info.h>
#include <kernel/notification.h>
#include <kernel/object.h>
#include <kernel/types.h>

struct resource {
    struct object object;
    uint64_t base, size;
    uint32_t kind; // enum tes_resource_kind
    uint32_t reserved;
};
tes_status_t resource_create(struct quota *quota, enum tes_resource_kind kind, uint64_t base,
                             uint64_t size, struct resource **out_resource) TES_MUST_CHECK;

struct irq {
    struct object object;
    uint32_t number;
    uint32_t flags;
    struct notification *notification; // live while its Session is
    struct session *session;
    uint64_t epoch, bits;
    uint64_t count;
    uint64_t process_id; // who made it
};
// The n-th bound source, for INSPECT; false: past the end.
bool irq_info_at(uint64_t index, struct tes_info_irq *out_info);
void irq_deliver(uint32_t number); // from the arch interrupt entry: masks the source and signals

// A device's windows: pinned pages, in pieces. A piece is open while the Session of the Memory
// handle it was made with lives, and in quarantine after that. object.lock guards all; it comes
// before Space, Memory and Quota.
struct iospace {
    struct object object;
    struct list_node windows;    // struct iospace_piece
    struct list_node quarantine; // pieces that a RELEASE under way takes apart
    // MAP under way: pages of [map_first, map_end) before map_next are done, for map_thread.
    const struct thread *map_thread;
    const struct memory *map_memory;
    uint64_t map_first, map_end, map_next;
};
