// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads of the test program.
#pragma once

#include <abi/message.h>
#include <abi/settings.h>
#include <abi_arch/registers.h>
#include <tes/calls.h>

#define WORKER_DONE_BIT         1u
#define WORKER_STACK_PAGES      4u
#define WORKER_PRIORITY_DEFAULT 30u
#define WORKER_QUANTUM_NS       10000000ull

struct worker;
typedef void worker_entry_t(struct worker *self);

struct worker_options {
    const char *name;
    uint64_t priority;  // 0: WORKER_PRIORITY_DEFAULT
    uint64_t core_mask; // 0: core 0
    uint64_t budget_ns; // 0: WORKER_QUANTUM_NS
    uint64_t period_ns;
    tes_quota_t quota; // 0: the program's
};

struct worker {
    worker_entry_t *entry;
    void *argument;
    uint64_t result;
    tes_thread_t thread;
    tes_sched_context_t context;
    tes_notification_t done;
    tes_memory_t memory;
    uint64_t address, size; // stack, then the message page
    struct tes_message_page *page;
};

// Makes the thread, stopped; entry is set.
tes_status_t worker_create(struct worker *worker, const struct worker_options *options,
                           worker_entry_t *entry, void *argument) TES_MUST_CHECK;
tes_status_t worker_run(struct worker *worker) TES_MUST_CHECK;
tes_status_t worker_start(struct worker *worker, const struct worker_options *options,
                          worker_entry_t *entry, void *argument) TES_MUST_CHECK;
// Waits for its end and frees all of it.
tes_status_t worker_join(struct worker *worker) TES_MUST_CHECK;
// Ends it wherever it is.
tes_status_t worker_destroy(struct worker *worker) TES_MUST_CHECK;
// Ends the threads of all workers that were not joined or destroyed; forget: those of now are not
// meant.
void workers_kill(void);
void workers_forget(void);
// Waits until the thread is in that state (enum tes_thread_state), or a second has gone.
tes_status_t thread_await_state(tes_thread_t thread, uint32_t state) TES_MUST_CHECK;
uint32_t thread_state(tes_thread_t thread);
