// SPDX-License-Identifier: MIT OR Apache-2.0
// Other processes that run functions of the test program.
#pragma once

#include <stdbool.h>
#include <support/worker.h>

#define CHILD_STACK_PAGES 2u
#define CHILD_PAGES       (CHILD_STACK_PAGES + 2) // stack, message page, block
#define CHILD_HANDLES     40u
#define CHILD_WORDS       200u

// Shared by the child and its parent.
struct child_block {
    tes_process_t process; // the child's own, as it names them
    tes_space_t space;
    tes_quota_t quota;
    uint64_t handles[CHILD_HANDLES];
    uint64_t words[CHILD_WORDS];
};

// In the child: its thread's message page.
static inline struct tes_message_page *child_own_page(struct child_block *block)
{
    return (struct tes_message_page *)((uint64_t)block - TES_PAGE_SIZE);
}

typedef void child_entry_t(struct child_block *block);

struct child_options {
    const char *name;
    uint64_t priority, core_mask; // as of a worker
    tes_quota_t quota;            // 0: the program's
    bool is_personality; // all of it in the part of the Space that guests share; it must not
                         // use tables of pointers, which name the usual place
};

struct child {
    tes_process_t process;
    tes_space_t space;
    tes_thread_t thread;
    tes_sched_context_t context;
    tes_notification_t done;
    tes_memory_t memory;
    struct child_block *block;     // where the parent sees it
    struct tes_message_page *page; // the same
    uint64_t mapped;
    uint64_t stack_base, text_base; // in the child
};

tes_status_t child_create(struct child *child, const struct child_options *options) TES_MUST_CHECK;
// Puts a copy of the handle into the child's table and block->handles[index].
tes_status_t child_give(struct child *child, uint32_t index, uint64_t handle) TES_MUST_CHECK;
tes_status_t child_run(struct child *child, child_entry_t *entry) TES_MUST_CHECK;
tes_status_t child_wait(struct child *child) TES_MUST_CHECK; // for the end of its thread
// Destroys a process, or closes the handle of one that has ended by itself.
tes_status_t process_reap(tes_process_t process) TES_MUST_CHECK;
tes_status_t child_destroy(struct child *child) TES_MUST_CHECK;
