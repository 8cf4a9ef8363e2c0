// SPDX-License-Identifier: MIT OR Apache-2.0
// Minimum and median of batches. The cost of reading the counter is measured first and taken off.
#include "measure.h"

#include <rt/format.h>

#define OVERHEAD_TRIES 64u
#define NAME_SIZE      64u

static struct {
    uint64_t overhead;
    bool is_time;
} measure;

void measure_init(bool is_time)
{
    measure.is_time = is_time;
    measure.overhead = UINT64_MAX;
    for (uint32_t i = 0; i < OVERHEAD_TRIES; i++) {
        uint64_t start = tes_arch_ticks();
        uint64_t ticks = tes_arch_ticks() - start;
        measure.overhead = ticks < measure.overhead ? ticks : measure.overhead;
    }
}

uint64_t measure_overhead(void)
{
    return measure.overhead;
}

void samples_add(struct bench_samples *samples, uint64_t ticks)
{
    if (samples->count < BENCH_BATCHES) {
        samples->values[samples->count++] = ticks > measure.overhead ? ticks - measure.overhead : 0;
    }
}

static void sort(uint64_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint64_t value = values[i];
        uint32_t at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

static uint64_t in_unit(uint64_t ticks, uint32_t operations)
{
    if (measure.is_time) {
        ticks = ticks * NS_PER_SECOND / time_ticks_per_second(); // batches are short: no overflow
    }
    return (ticks + operations / 2) / operations;
}

void report(const char *name, uint64_t value, const char *unit)
{
    print("bench: %s %lu %s\n", name, (unsigned long)value, unit);
}

uint64_t samples_minimum(const struct bench_samples *samples, uint32_t operations)
{
    uint64_t minimum = UINT64_MAX;
    for (uint32_t i = 0; i < samples->count; i++) {
        minimum = samples->values[i] < minimum ? samples->values[i] : minimum;
    }
    return in_unit(minimum, operations);
}

void report_half(const char *name, uint64_t value)
{
    char full[NAME_SIZE];
    rt_format(full, sizeof(full), "%s%s", name, measure.is_time ? "_ns" : "");
    report(full, value / 2, measure.is_time ? "ns" : "instructions");
}

void samples_report(struct bench_samples *samples, const char *name, uint32_t operations)
{
    char full[NAME_SIZE];
    const char *unit = measure.is_time ? "ns" : "instructions";
    const char *suffix = measure.is_time ? "_ns" : "";
    sort(samples->values, samples->count);
    rt_format(full, sizeof(full), "%s%s", name, suffix);
    report(full, in_unit(samples->values[0], operations), unit);
    rt_format(full, sizeof(full), "%s%s_median", name, suffix);
    report(full, in_unit(samples->values[samples->count / 2], operations), unit);
}

uint64_t bench(const char *name, bench_body_t *body, void *context, uint32_t operations)
{
    struct bench_samples samples = { 0 };
    body(context, operations); // warms up: tables, caches of frames and slots
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        uint64_t start = tes_arch_ticks();
        body(context, operations);
        samples_add(&samples, tes_arch_ticks() - start);
    }
    samples_report(&samples, name, operations);
    return samples_minimum(&samples, operations);
}
