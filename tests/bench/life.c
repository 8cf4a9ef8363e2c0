// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads and processes from creation to the moment that nothing of them is left to do.
#include "measure.h"

#include <abi/settings.h>
#include <arch_user/thread.h>

#define STACK_ADDRESS 0x500000000000ull
#define DONE_BIT      1u

struct life {
    tes_notification_t done;
    tes_sched_context_t context;
    uint64_t stack; // top of a stack for the threads
};

static void ends_at_once(uint64_t argument)
{
    (void)argument;
}

static void start_and_wait(const struct life *life, tes_thread_t thread, uint64_t stack)
{
    uint64_t bits = 0;
    MUST(tes_thread_control(thread, TES_THREAD_EXIT_SIGNAL, life->done.value, DONE_BIT));
    MUST(tes_thread_start(thread, (uint64_t)tes_arch_thread_entry, stack, (uint64_t)ends_at_once,
                          0));
    MUST(tes_notification_wait(life->done, DONE_BIT, 0, &bits));
}

static void threads(void *context, uint32_t operations)
{
    const struct life *life = context;
    for (uint32_t i = 0; i < operations; i++) {
        tes_thread_t thread = { 0 };
        MUST(tes_thread_create(own_process(), life->context, &thread));
        start_and_wait(life, thread, life->stack);
        MUST(tes_object_destroy(tes_thread_any(thread)));
    }
}

// What a small native program needs: its text, a stack, a thread.
static void process_once(const struct life *life)
{
    const struct tes_image_header *image = program_image();
    tes_process_t process = { 0 };
    tes_space_t space = { 0 };
    tes_memory_t stack = { 0 };
    tes_thread_t thread = { 0 };
    uint64_t mapped = 0;
    MUST(tes_process_create(own_quota(), 0, 0, &process, &space));
    MUST(tes_space_map(space, (tes_memory_t){ TES_STARTUP_IMAGE }, image->first_offset,
                       image->first_base, image->first_text_size,
                       TES_SPACE_MAP_READ | TES_SPACE_MAP_EXECUTE, &mapped));
    MUST(tes_memory_create(own_quota(), TES_PAGE_SIZE, 0, (tes_endpoint_t){ 0 }, 0, &stack));
    MUST(tes_space_map(space, stack, 0, STACK_ADDRESS, TES_PAGE_SIZE,
                       TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE, &mapped));
    MUST(tes_thread_create(process, life->context, &thread));
    start_and_wait(life, thread, STACK_ADDRESS + TES_PAGE_SIZE);
    MUST(process_reap(process));
    MUST(tes_object_destroy(tes_memory_any(stack)));
}

static void processes(void *context, uint32_t operations)
{
    for (uint32_t i = 0; i < operations; i++) {
        process_once(context);
    }
}

void bench_life(void)
{
    static _Alignas(TES_PAGE_SIZE) uint8_t stack[TES_PAGE_SIZE];
    struct life life = { .stack = (uint64_t)stack + sizeof(stack) };
    MUST(tes_notification_create(own_quota(), &life.done));
    MUST(tes_context_create(own_quota(), WORKER_QUANTUM_NS, 0, BENCH_PRIORITY, 1, &life.context));
    bench("thread_create_exit", threads, &life, BENCH_OPERATIONS);
    bench("process_life", processes, &life, BENCH_OPERATIONS);
    MUST(tes_object_destroy(tes_sched_context_any(life.context)));
    MUST(tes_object_destroy(tes_notification_any(life.done)));
}
