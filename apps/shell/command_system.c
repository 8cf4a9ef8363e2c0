// SPDX-License-Identifier: MIT OR Apache-2.0
// Processes, processors, memory, log and trace, as the kernel tells them.
#include <abi/counters.h>
#include <abi/info.h>
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/heap.h>
#include <tes/text.h>
#include <tes/time.h>

#include "commands.h"

#define PAGE_KIB         4ull
#define TOP_PROCESSES    64u
#define TOP_LINES        16u
#define TRACE_DEFAULT    32u
#define TRACE_KEPT       512u
#define TRACE_STEP_MAX   (1ull << 40) // no core makes twice as many records
#define TRACE_CORE_SHIFT 56u          // index of TES_INFO_TRACE: core above, position below
#define PERMILLE         1000u

static const char *process_state(uint32_t state)
{
    static const char *const names[] = { "new", "running", "dead" };
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

int command_ps(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_info_process p;
    io_print(&context->io, "%6s %-16s %-8s %7s %7s %8s %12s\n", "ID", "NAME", "STATE", "THREADS",
             "HANDLES", "KIB", "CPU-MS");
    for (uint64_t i = 0; info_read(context->shell, TES_INFO_PROCESS_AT, i, &p, sizeof(p)) == TES_OK;
         i++) {
        io_print(&context->io, "%6llu %-16.16s %-8s %7u %7u %8llu %8llu.%03llu\n",
                 (unsigned long long)p.id, p.name, process_state(p.state), p.thread_count,
                 p.handle_count, (unsigned long long)(p.pages * PAGE_KIB),
                 (unsigned long long)(p.runtime_ns / TES_NS_PER_MS),
                 (unsigned long long)(p.runtime_ns / TES_NS_PER_US % 1000));
    }
    return 0;
}

struct sample {
    struct tes_info_process processes[TOP_PROCESSES];
    uint32_t count;
    uint64_t time_ns;
};

static void sample_take(struct shell *shell, struct sample *sample)
{
    sample->count = 0;
    sample->time_ns = tes_time_monotonic_ns();
    while (sample->count < TOP_PROCESSES &&
           info_read(shell, TES_INFO_PROCESS_AT, sample->count, &sample->processes[sample->count],
                     sizeof(sample->processes[0])) == TES_OK) {
        sample->count++;
    }
}

static uint64_t runtime_before(const struct sample *sample, uint64_t id)
{
    for (uint32_t i = 0; i < sample->count; i++) {
        if (sample->processes[i].id == id) {
            return sample->processes[i].runtime_ns;
        }
    }
    return 0;
}

// runtime_ns becomes what was used since the sample before; the busiest come first.
static void sample_compare(const struct sample *before, struct sample *now)
{
    for (uint32_t i = 0; i < now->count; i++) {
        struct tes_info_process process = now->processes[i];
        process.runtime_ns -= runtime_before(before, process.id);
        uint32_t at = i;
        for (; at > 0 && now->processes[at - 1].runtime_ns < process.runtime_ns; at--) {
            now->processes[at] = now->processes[at - 1];
        }
        now->processes[at] = process;
    }
}

static void sample_print(struct io *io, const struct sample *sample, uint64_t elapsed_ns)
{
    io_print(io, "%6s %-16s %6s %8s\n", "ID", "NAME", "CPU-%", "KIB");
    for (uint32_t i = 0; i < sample->count && i < TOP_LINES; i++) {
        const struct tes_info_process *p = &sample->processes[i];
        uint64_t permille = p->runtime_ns * PERMILLE / (elapsed_ns != 0 ? elapsed_ns : 1);
        io_print(io, "%6llu %-16.16s %4llu.%llu %8llu\n", (unsigned long long)p->id, p->name,
                 (unsigned long long)(permille / 10), (unsigned long long)(permille % 10),
                 (unsigned long long)(p->pages * PAGE_KIB));
    }
    io_flush(io);
}

int command_top(struct context *context, int argc, char **argv)
{
    uint64_t rounds = 1;
    if (argc > 2 || (argc == 2 && !tes_text_to_u64(argv[1], &rounds))) {
        return command_usage(context, "top");
    }
    struct sample *samples = tes_alloc(2 * sizeof(*samples));
    if (samples == NULL) {
        return io_fail(context, "top", "samples", TES_ERROR_NO_MEMORY);
    }
    bool goes_on = true;
    for (uint64_t i = 0; i < rounds && goes_on; i++) {
        sample_take(context->shell, &samples[0]);
        goes_on = command_wait(context, TES_NS_PER_SECOND);
        sample_take(context->shell, &samples[1]);
        sample_compare(&samples[0], &samples[1]);
        sample_print(&context->io, &samples[1], samples[1].time_ns - samples[0].time_ns);
    }
    tes_free(samples);
    return goes_on ? 0 : STATUS_INTERRUPTED;
}

int command_mem(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_info_machine m;
    tes_status_t status = info_read(context->shell, TES_INFO_MACHINE, 0, &m, sizeof(m));
    if (status != TES_OK) {
        return io_fail(context, "mem", "machine", status);
    }
    const struct {
        const char *name;
        uint64_t pages;
    } rows[] = {
        { "total", m.pages_total },
        { "used", m.pages_total - m.pages_free },
        { "free", m.pages_free },
        { "kernel", m.pages_kernel },
        { "boot image", m.pages_boot_image },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        io_print(&context->io, "%-10s %10llu KiB\n", rows[i].name,
                 (unsigned long long)(rows[i].pages * PAGE_KIB));
    }
    return 0;
}

static const char *const counter_names[TES_COUNTERS_MAX] = {
    [TES_COUNTER_CALLS_FAST] = "calls, fast",
    [TES_COUNTER_CALLS_SLOW] = "calls, slow",
    [TES_COUNTER_REPLIES_FAST] = "replies, fast",
    [TES_COUNTER_REPLIES_SLOW] = "replies, slow",
    [TES_COUNTER_FALL_HANDLE] = "left: handle",
    [TES_COUNTER_FALL_NO_RECEIVER] = "left: no receiver",
    [TES_COUNTER_FALL_OTHER_CORE] = "left: other core",
    [TES_COUNTER_FALL_THREAD_STATE] = "left: thread state",
    [TES_COUNTER_FALL_MESSAGE] = "left: message",
    [TES_COUNTER_FALL_PENDING] = "left: pending",
    [TES_COUNTER_FALL_ENDPOINT] = "left: endpoint",
    [TES_COUNTER_FALL_OTHER] = "left: other",
    [TES_COUNTER_SYSTEM_CALLS] = "kernel calls",
    [TES_COUNTER_CONTEXT_SWITCHES] = "switches",
    [TES_COUNTER_INTERRUPTS] = "interrupts",
    [TES_COUNTER_TIMER_INTERRUPTS] = "timer interrupts",
    [TES_COUNTER_IPIS_SENT] = "IPIs sent",
    [TES_COUNTER_PAGE_FAULTS] = "page faults",
    [TES_COUNTER_SHOOTDOWNS] = "shoot-downs",
    [TES_COUNTER_GUEST_ENTERS] = "guest enters",
    [TES_COUNTER_IRQS_OFF_MAX_TICKS] = "interrupts off, most ticks",
};

int command_cpu(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_info_machine machine;
    struct tes_info_counters counters;
    tes_status_t status = info_read(context->shell, TES_INFO_MACHINE, 0, &machine, sizeof(machine));
    if (status != TES_OK) {
        return io_fail(context, "cpu", "machine", status);
    }
    io_print(&context->io, "%u cores, counter at %llu Hz\n", machine.core_count,
             (unsigned long long)machine.ticks_per_second);
    for (uint64_t core = 0; core < machine.core_count; core++) {
        status = info_read(context->shell, TES_INFO_COUNTERS, core, &counters, sizeof(counters));
        if (status != TES_OK) {
            return io_fail(context, "cpu", "counters", status);
        }
        io_print(&context->io, "core %llu\n", (unsigned long long)core);
        for (uint32_t i = 0; i < TES_COUNTERS_MAX; i++) {
            if (counter_names[i] != NULL && counters.values[i] != 0) {
                io_print(&context->io, "  %-28s %12llu\n", counter_names[i],
                         (unsigned long long)counters.values[i]);
            }
        }
    }
    return 0;
}

int command_log(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char text[IO_BUFFER_SIZE];
    uint64_t position = 0;
    tes_handle_t machine = tes_resource_any(context->shell->machine);
    while (!job_is_interrupted(context->job) && !context->io.has_failed) {
        uint64_t written = 0;
        tes_status_t status = tes_object_info(machine, TES_INFO_LOG, position, (uint64_t)text,
                                              sizeof(text), &written);
        if (status == TES_ERROR_NOT_FOUND || (status == TES_OK && written == 0)) {
            return 0;
        }
        if (status != TES_OK) {
            return io_fail(context, "log", "kernel log", status);
        }
        written = written < sizeof(text) ? written : sizeof(text);
        io_write(&context->io, text, written);
        position += written;
    }
    return STATUS_INTERRUPTED;
}

static void trace_print(struct io *io, const struct tes_trace_record *record)
{
    static const char *const events[] = { "switch", "interrupt", "fault" };
    const uint32_t event = record->event - TES_TRACE_SWITCH;
    io_print(io, "%12llu us core %u thread %-5llu ",
             (unsigned long long)(record->time_ns / TES_NS_PER_US), record->core,
             (unsigned long long)record->thread_id);
    if (record->event < TES_TRACE_SWITCH) {
        io_print(io, "call %-6u", record->event);
    } else {
        io_print(io, "%-11s", event < sizeof(events) / sizeof(events[0]) ? events[event] : "?");
    }
    io_print(io, " status %-4d argument 0x%llx\n", record->status,
             (unsigned long long)record->argument);
}

static bool trace_read(const struct context *context, uint64_t index,
                       struct tes_trace_record *record)
{
    uint64_t written = 0;
    return tes_object_info(tes_resource_any(context->shell->machine), TES_INFO_TRACE, index,
                           (uint64_t)record, sizeof(*record), &written) == TES_OK &&
           written == sizeof(*record);
}

// How many records the core has made. Asking makes some more: a search ends, counting might not.
static uint64_t trace_end(const struct context *context, uint64_t core)
{
    struct tes_trace_record record;
    uint64_t end = 0;
    for (uint64_t step = TRACE_STEP_MAX; step != 0; step /= 2) {
        end += trace_read(context, core << TRACE_CORE_SHIFT | (end + step - 1), &record) ? step : 0;
    }
    return end;
}

static void trace_core(struct context *context, uint64_t core, uint64_t wanted)
{
    uint64_t end = trace_end(context, core);
    struct tes_trace_record record;
    for (uint64_t i = end - min_u64(end, wanted); i < end; i++) {
        if (!trace_read(context, core << TRACE_CORE_SHIFT | i, &record)) {
            return;
        }
        if (record.time_ns != 0) { // else overwritten meanwhile
            trace_print(&context->io, &record);
        }
    }
}

static int trace_switch(struct context *context, bool is_on)
{
    uint64_t result = 0;
    tes_status_t status = tes_resource_control(context->shell->machine, TES_RESOURCE_CONTROL_TRACE,
                                               0, 0, is_on ? 1 : 0, &result);
    return status == TES_OK ? 0 : io_fail(context, "trace", "machine", status);
}

int command_trace(struct context *context, int argc, char **argv)
{
    uint64_t wanted = TRACE_DEFAULT;
    if (argc == 2 && (strcmp(argv[1], "on") == 0 || strcmp(argv[1], "off") == 0)) {
        return trace_switch(context, argv[1][1] == 'n');
    }
    if (argc > 2 || (argc == 2 && !tes_text_to_u64(argv[1], &wanted)) || wanted > TRACE_KEPT) {
        return command_usage(context, "trace");
    }
    struct tes_info_machine machine;
    tes_status_t status = info_read(context->shell, TES_INFO_MACHINE, 0, &machine, sizeof(machine));
    if (status != TES_OK) {
        return io_fail(context, "trace", "machine", status);
    }
    for (uint64_t core = 0; core < machine.core_count && !job_is_interrupted(context->job);
         core++) {
        trace_core(context, core, wanted);
    }
    return 0;
}
