// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls that involve no other thread, and yielding between two.
#include "measure.h"

#include <rt/atomic.h>

static void null_calls(void *context, uint32_t operations)
{
    (void)context;
    for (uint32_t i = 0; i < operations; i++) {
        if (tes_null() != TES_OK) {
            program_exit(PROGRAM_EXIT_BAD);
        }
    }
}

static void signals(void *context, uint32_t operations)
{
    const tes_notification_t *notification = context;
    for (uint32_t i = 0; i < operations; i++) {
        if (tes_notification_signal(*notification, 1) != TES_OK) {
            program_exit(PROGRAM_EXIT_BAD);
        }
    }
}

static void endpoints(void *context, uint32_t operations)
{
    (void)context;
    for (uint32_t i = 0; i < operations; i++) {
        tes_endpoint_t endpoint = { 0 };
        MUST(tes_endpoint_create(own_quota(), &endpoint));
        MUST(tes_object_destroy(tes_endpoint_any(endpoint))); // its slot is free again as well
    }
}

static void derivations(void *context, uint32_t operations)
{
    const tes_notification_t *notification = context;
    const uint64_t rights = TES_RIGHT_NOTIFICATION_SIGNAL;
    for (uint32_t i = 0; i < operations; i++) {
        tes_handle_t derived = { 0 };
        MUST(tes_handle_derive(tes_notification_any(*notification), rights, (tes_session_t){ 0 },
                               &derived));
        MUST(tes_handle_close(derived.value));
    }
}

void bench_simple(void)
{
    tes_notification_t notification = { 0 };
    MUST(tes_notification_create(own_quota(), &notification));
    bench("null_call", null_calls, NULL, BENCH_OPERATIONS);
    bench("signal", signals, &notification, BENCH_OPERATIONS);
    bench("endpoint_create_destroy", endpoints, NULL, BENCH_OPERATIONS);
    bench("handle_derive_close", derivations, &notification, BENCH_OPERATIONS);
    MUST(tes_object_destroy(tes_notification_any(notification)));
}

static void yields(void *context, uint32_t operations)
{
    (void)context;
    for (uint32_t i = 0; i < operations; i++) {
        if (tes_yield() != TES_OK) {
            program_exit(PROGRAM_EXIT_BAD);
        }
    }
}

// argument: a word that says when to stop.
static void yield_until(const uint64_t *stop)
{
    while (atomic_load_u64(stop, ATOMIC_RELAXED) == 0) {
        if (tes_yield() != TES_OK) {
            break;
        }
    }
}

static void yielding_worker(struct worker *self)
{
    yield_until(self->argument);
}

static void yielding_child(struct child_block *block)
{
    yield_until(&block->words[0]);
}

void bench_yield(void)
{
    static uint64_t stop;
    struct worker worker;
    struct child child;
    const struct worker_options options = { .name = "yield", .priority = BENCH_PRIORITY };
    MUST(worker_start(&worker, &options, yielding_worker, &stop));
    uint64_t same = bench("yield_rt", yields, NULL, BENCH_OPERATIONS);
    atomic_store_u64(&stop, 1, ATOMIC_RELAXED);
    MUST(worker_join(&worker));
    helper_create(&child, 1);
    MUST(child_run(&child, yielding_child));
    uint64_t other = bench("yield_rt_other_space", yields, NULL, BENCH_OPERATIONS);
    atomic_store_u64(&child.block->words[0], 1, ATOMIC_RELAXED);
    MUST(child_wait(&child));
    MUST(child_destroy(&child));
    report_half("context_switch_same", same);
    report_half("context_switch_other", other);
}
