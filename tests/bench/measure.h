// SPDX-License-Identifier: MIT OR Apache-2.0
// Samples of the cycle counter, and what is printed of them.
#pragma once

#include <arch_user/ticks.h>
#include <stdbool.h>
#include <support/child.h>
#include <support/program.h>

#define BENCH_BATCHES    200u
#define BENCH_OPERATIONS 64u
#define BENCH_PRIORITY   40u // of the first component: helpers run beside it, not below

struct bench_samples {
    uint64_t values[BENCH_BATCHES];
    uint32_t count;
};

// Counted, or with the suffix _ns in time.
void measure_init(bool is_time);
uint64_t measure_overhead(void);
void samples_add(struct bench_samples *samples, uint64_t ticks);
// Prints minimum and median, divided by the operations of a batch.
void samples_report(struct bench_samples *samples, const char *name, uint32_t operations);
// The minimum of one operation.
uint64_t samples_minimum(const struct bench_samples *samples, uint32_t operations);
void report(const char *name, uint64_t value, const char *unit);
// Half of a measured value: one of two equal ways.
void report_half(const char *name, uint64_t value);

typedef void bench_body_t(void *context, uint32_t operations);
// BENCH_BATCHES batches of that many operations; returns the minimum of one.
uint64_t bench(const char *name, bench_body_t *body, void *context, uint32_t operations);

void page_zero(void *page);

// The rows.
void bench_simple(void);
void bench_yield(void);
void bench_call64(void);
void bench_signal_wait(void);
void bench_memory(void);
void bench_lease(void);
void bench_guest(void);
void bench_revoke(void);
void bench_life(void);
void bench_cross_core(void);
void bench_smp2(bool is_counted);

// An equal helper in another address space.
void helper_create(struct child *child, uint64_t core_mask);

// call64.c: client and server on one core, for cores.c as well. rounds of 64 calls.
struct call64_pair {
    struct child server;
    tes_endpoint_t endpoint;
    uint64_t batch;
};
void call64_pair_create(struct call64_pair *pair, uint64_t core_mask);
void call64_pair_destroy(struct call64_pair *pair);
// One batch of 64 calls; ticks it took.
uint64_t call64_batch(struct call64_pair *pair);
