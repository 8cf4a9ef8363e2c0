// SPDX-License-Identifier: MIT OR Apache-2.0
// ipcbench: calls between two threads of the shell, eight words each way, checked at both ends.
#include <arch_user/ticks.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/ipc.h>
#include <tes/memory.h>
#include <tes/startup.h>
#include <tes/text.h>
#include <tes/time.h>

#include "commands.h"

#define ROUNDS_DEFAULT 10000u
#define ROUNDS_MAX     10000000u
#define BATCH          64u
#define STOP_METHOD    0xffffffffu

struct bench {
    tes_endpoint_t endpoint;
    uint64_t wrong; // messages that were not as they must be
};

static void bench_server(void *argument)
{
    struct bench *bench = argument;
    struct tes_message message;
    uint64_t round = 0;
    memset(&message, 0, sizeof(message));
    tes_status_t status = tes_ipc_recv(bench->endpoint, &message);
    while (status == TES_OK && tes_label_method(message.label) != STOP_METHOD) {
        for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
            bench->wrong += message.words[i] != round + i;
            message.words[i]++;
        }
        round++;
        status = tes_ipc_reply_recv(bench->endpoint, &message);
    }
    (void)!tes_ipc_reply((tes_reply_t){ 0 }, &message); // of the stop; the client may be gone
}

static tes_status_t bench_call(struct bench *bench, uint64_t round)
{
    struct tes_message message;
    message.label = tes_label_make((uint32_t)round & 1, 0, 0);
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        message.words[i] = round + i;
    }
    tes_status_t status = tes_ipc_call(bench->endpoint, &message);
    for (uint32_t i = 0; i < TES_MESSAGE_WORDS; i++) {
        bench->wrong += message.words[i] != round + i + 1;
    }
    return status;
}

static tes_status_t measure(struct context *context, struct bench *bench, uint64_t rounds,
                            uint64_t *out_best, uint64_t *out_total)
{
    tes_status_t status = TES_OK;
    *out_best = UINT64_MAX;
    *out_total = 0;
    for (uint64_t done = 0; done < rounds && !job_is_interrupted(context->job); done += BATCH) {
        uint64_t begin = tes_arch_ticks();
        for (uint64_t i = 0; i < BATCH && status == TES_OK; i++) {
            status = bench_call(bench, done + i);
        }
        uint64_t ticks = tes_arch_ticks() - begin;
        *out_total += ticks;
        *out_best = ticks < *out_best ? ticks : *out_best;
    }
    return status;
}

static int bench_run(struct context *context, struct bench *bench, uint64_t rounds)
{
    const struct tes_worker_options options = { .name = "ipcbench" };
    struct tes_worker *worker = NULL;
    uint64_t best = 0;
    uint64_t total = 0;
    tes_status_t status = tes_worker_create(&options, bench_server, bench, &worker);
    if (status != TES_OK) {
        return io_fail(context, "ipcbench", "starting a thread", status);
    }
    status = measure(context, bench, rounds, &best, &total);
    struct tes_message stop = { .label = tes_label_make(STOP_METHOD, 0, 0) };
    if (tes_ipc_call(bench->endpoint, &stop) != TES_OK) {
        tes_worker_cancel(worker);
    }
    while (tes_worker_join(worker) != TES_OK) {
        // Interrupted: the worker has its stop.
    }
    if (status != TES_OK) {
        return io_fail(context, "ipcbench", "call", status);
    }
    io_print(&context->io,
             "%llu rounds: best %llu, mean %llu ticks (%llu ns) for a call and its reply\n",
             (unsigned long long)rounds, (unsigned long long)(best / BATCH),
             (unsigned long long)(total / rounds),
             (unsigned long long)(tes_time_ticks_to_ns(total) / rounds));
    if (bench->wrong != 0) {
        io_error(&context->io, "ipcbench: %llu words were wrong\n",
                 (unsigned long long)bench->wrong);
    }
    return bench->wrong == 0 ? 0 : STATUS_FAILED;
}

int command_ipcbench(struct context *context, int argc, char **argv)
{
    uint64_t rounds = ROUNDS_DEFAULT;
    if (argc > 2 ||
        (argc == 2 && (!tes_text_to_u64(argv[1], &rounds) || rounds == 0 || rounds > ROUNDS_MAX))) {
        return command_usage(context, "ipcbench");
    }
    struct bench bench = { .wrong = 0 };
    rounds = (rounds + BATCH - 1) / BATCH * BATCH;
    tes_status_t status = tes_endpoint_create(tes_self()->quota, &bench.endpoint);
    if (status != TES_OK) {
        return io_fail(context, "ipcbench", "endpoint", status);
    }
    int result = bench_run(context, &bench, rounds);
    tes_destroy(tes_endpoint_any(bench.endpoint));
    return result;
}
