// SPDX-License-Identifier: MIT OR Apache-2.0
// Two cores: calls and signals across them, and how two independent pairs on two cores compare with
// one pair on one core.
#include "measure.h"

#include <rt/atomic.h>

#define CORE_1       2u // masks
#define BIT_GO       1u
#define BIT_STOP     2u
#define PAIR_BATCHES 500u
#define PER_CENT     100u
#define RATIO_DIGITS 1000u

// --- across cores ---

struct crossing {
    tes_notification_t there, back;
};

static void answering_worker(struct worker *self)
{
    const struct crossing *crossing = self->argument;
    uint64_t bits = 0;
    while ((bits & BIT_STOP) == 0) {
        if (tes_notification_wait(crossing->there, BIT_GO | BIT_STOP, 0, &bits) != TES_OK ||
            tes_notification_signal(crossing->back, BIT_GO) != TES_OK) {
            return;
        }
    }
}

static void crossings(void *context, uint32_t operations)
{
    const struct crossing *crossing = context;
    for (uint32_t i = 0; i < operations; i++) {
        uint64_t bits = 0;
        MUST(tes_notification_signal(crossing->there, BIT_GO));
        MUST(tes_notification_wait(crossing->back, BIT_GO, 0, &bits));
    }
}

static void cross_signals(void)
{
    struct worker worker;
    struct crossing crossing;
    uint64_t bits = 0;
    const struct worker_options options = { .priority = BENCH_PRIORITY, .core_mask = CORE_1 };
    MUST(tes_notification_create(own_quota(), &crossing.there));
    MUST(tes_notification_create(own_quota(), &crossing.back));
    MUST(worker_start(&worker, &options, answering_worker, &crossing));
    bench("signal_cross_core", crossings, &crossing, BENCH_OPERATIONS);
    MUST(tes_notification_signal(crossing.there, BIT_STOP));
    MUST(tes_notification_wait(crossing.back, BIT_GO, 0, &bits));
    MUST(worker_join(&worker));
    MUST(tes_object_destroy(tes_notification_any(crossing.there)));
    MUST(tes_object_destroy(tes_notification_any(crossing.back)));
}

void bench_cross_core(void)
{
    struct call64_pair pair;
    struct bench_samples samples = { 0 };
    call64_pair_create(&pair, CORE_1);
    (void)call64_batch(&pair);
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        samples_add(&samples, call64_batch(&pair));
    }
    samples_report(&samples, "call_cross_core", BENCH_OPERATIONS);
    call64_pair_destroy(&pair);
    cross_signals();
}

// --- two pairs ---

struct runner {
    struct worker worker;
    struct call64_pair pair;
    uint64_t ticks; // from the common start to this runner's end
    uint32_t is_ready;
};

static struct {
    struct runner runners[2];
    uint32_t go; // pairs with the runners' acquire
} smp2;

static void runner_main(struct worker *self)
{
    struct runner *runner = self->argument;
    (void)call64_batch(&runner->pair); // warms up
    atomic_store_u32(&runner->is_ready, 1, ATOMIC_RELEASE);
    while (atomic_load_u32(&smp2.go, ATOMIC_ACQUIRE) == 0) {
        MUST(tes_yield());
        tes_arch_relax();
    }
    uint64_t start = tes_arch_ticks();
    for (uint32_t i = 0; i < PAIR_BATCHES; i++) {
        (void)call64_batch(&runner->pair);
    }
    runner->ticks = tes_arch_ticks() - start;
}

// Ticks until the slower of count pairs, each on a core of its own, has done its batches.
static uint64_t run_pairs(uint32_t count)
{
    uint64_t slowest = 0;
    atomic_store_u32(&smp2.go, 0, ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count; i++) {
        struct runner *runner = &smp2.runners[i];
        const uint64_t core = 1ull << (1 - i); // core 1 first: this thread is on core 0
        const struct worker_options options = { .priority = BENCH_PRIORITY, .core_mask = core };
        runner->is_ready = 0;
        call64_pair_create(&runner->pair, core);
        MUST(worker_start(&runner->worker, &options, runner_main, runner));
    }
    for (uint32_t i = 0; i < count; i++) {
        while (atomic_load_u32(&smp2.runners[i].is_ready, ATOMIC_ACQUIRE) == 0) {
            MUST(tes_yield());
            tes_arch_relax();
        }
    }
    atomic_store_u32(&smp2.go, 1, ATOMIC_RELEASE);
    for (uint32_t i = 0; i < count; i++) {
        MUST(worker_join(&smp2.runners[i].worker));
        call64_pair_destroy(&smp2.runners[i].pair);
        uint64_t ticks = smp2.runners[i].ticks;
        slowest = ticks > slowest ? ticks : slowest;
    }
    return slowest;
}

void bench_smp2(bool is_counted)
{
    uint64_t one = run_pairs(1);
    uint64_t two = run_pairs(2);
    if (is_counted) {
        // The counter counts both cores' instructions, one after the other.
        int64_t extra = (int64_t)(two * PER_CENT / (2 * one)) - (int64_t)PER_CENT;
        print("bench: smp2_extra_percent %ld percent\n", (long)extra);
    } else {
        uint64_t ratio = 2 * one * RATIO_DIGITS / two;
        print("bench: smp2_speedup %lu.%03lu ratio\n", (unsigned long)(ratio / RATIO_DIGITS),
              (unsigned long)(ratio % RATIO_DIGITS));
    }
}
