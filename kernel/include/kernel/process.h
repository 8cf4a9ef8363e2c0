// SPDX-License-Identifier: MIT OR Apache-2.0
// Processes: a handle table, a Space, a Quota; the unit of death.
#pragma once

#include <kernel/handle.h>
#include <kernel/object.h>

struct space;

struct process {
    struct object object; // object.lock guards the handle table's writers and the thread list
    struct handle_table handles;
    struct space *space; // its own root; constant
    struct quota
        *quota; // = object.quota; pays for tables, pages, objects it makes without naming one
    struct list_node threads; // struct thread.process_link
    struct list_node all;     // every process, for INSPECT
    uint32_t thread_count;
    uint32_t state; // 0 new, 1 running, 2 dying or dead
    uint64_t exit_status;
    uint64_t runtime_ns;           // of ended threads
    struct list_node guest_spaces; // struct space.guest_link: guest Spaces it owns
    char name[16];
    struct list_node sweep_link; // every process, least recently swept first
    uint32_t end_stage;          // how far its end is: 1 without threads, then PROCESS_EMPTY
    uint32_t is_first;           // the first component: its end is the system's
    uint64_t swept;              // how many revocations its handle table was swept for
};

#define PROCESS_EMPTY 2u // without handles and Space: kept for INSPECT

// The process of the thread running on this core.
struct process *current_process(void);
tes_status_t process_create(struct quota *quota, const char name[16],
                            struct process **out_process) TES_MUST_CHECK;
// Ends all threads of the process; the last to end finishes it. Returns at once.
void process_end(struct process *process, uint64_t status);
#define PROCESS_STATUS_CRASHED UINT64_MAX // exit status of a process that an unhandled fault ended
// Called by the last thread that ends (or by destroy): closes handles, empties the Space.
// Restartable.
void process_thread_ended(struct process *process);
struct process *process_at(uint64_t index); // n-th process of the system or null, for INSPECT
struct process *process_find(uint64_t id);
