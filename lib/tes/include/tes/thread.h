// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads: each has a stack below a guard page and, above it, one page with its message page and
// its thread block, to which the thread pointer points.
#pragma once

#include <abi/message.h>
#include <stdbool.h>
#include <tes/calls.h>

struct tes_thread_block {
    struct tes_thread_block *self;
    struct tes_message_page *message_page;
    tes_thread_t thread;
    uint64_t deadline_ns; // as last set by tes_deadline_set
};

#define TES_THREAD_BLOCK_OFFSET 1024u
static_assert(sizeof(struct tes_message_page) <= TES_THREAD_BLOCK_OFFSET, "block behind the page");

struct tes_thread_block *tes_thread_block(void);

// Makes message_page (a whole page, mapped) that of the calling thread, and its block behind it.
tes_status_t tes_thread_adopt(void *message_page, tes_thread_t thread) TES_MUST_CHECK;

struct tes_worker;
typedef void tes_worker_entry_t(void *argument);
struct tes_worker_options {
    const char *name;    // up to 16 bytes
    uint64_t stack_size; // 0: TES_WORKER_STACK_SIZE
    uint32_t priority;   // 0: that of components without a wish
    uint64_t core_mask;  // 0: every core
};
#define TES_WORKER_STACK_SIZE       32768u
#define TES_WORKER_PRIORITY_DEFAULT 16u
#define TES_WORKER_QUANTUM_NS       10000000u

// Starts a thread in this process. The worker is owned by the caller: join it.
tes_status_t tes_worker_create(const struct tes_worker_options *options, tes_worker_entry_t *entry,
                               void *argument, struct tes_worker **out_worker) TES_MUST_CHECK;
tes_thread_t tes_worker_thread(const struct tes_worker *worker);
// Cancels what the worker waits for, if it waits.
void tes_worker_cancel(const struct tes_worker *worker);
// True once its entry function has returned.
bool tes_worker_is_done(const struct tes_worker *worker);
// Waits for the end (or the calling thread's deadline) and frees everything.
tes_status_t tes_worker_join(struct tes_worker *worker) TES_MUST_CHECK;

// Deadline of the calling thread's following waits; 0: none.
void tes_deadline_set(uint64_t deadline_ns);
