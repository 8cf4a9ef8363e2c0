// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads of the test program: one Memory holds the stack and, above it, the message page. The end
// of a thread is a bit of a notification of its own.
#include <arch_user/thread.h>
#include <rt/string.h>
#include <support/program.h>
#include <support/worker.h>

#define STATE_WAIT_NS NS_PER_SECOND
#define STATE_POLL_NS (20 * NS_PER_US)

#define LIVE_MAX 64u

// Threads made and not destroyed: a test that fails leaves them running. The first thread's only.
static struct {
    tes_thread_t threads[LIVE_MAX];
    uint32_t count;
} live;

static void live_add(tes_thread_t thread)
{
    if (live.count < LIVE_MAX) {
        live.threads[live.count++] = thread;
    }
}

static void live_remove(tes_thread_t thread)
{
    for (uint32_t i = 0; i < live.count; i++) {
        if (live.threads[i].value == thread.value) {
            live.threads[i] = live.threads[--live.count];
            return;
        }
    }
}

void workers_forget(void)
{
    live.count = 0;
}

void workers_kill(void)
{
    while (live.count != 0) {
        // One that has ended by itself may be dead already.
        (void)!tes_object_destroy(tes_thread_any(live.threads[--live.count]));
    }
}

static tes_quota_t quota_of(const struct worker_options *options)
{
    return options->quota.value != 0 ? options->quota : own_quota();
}

static tes_status_t memory_map(struct worker *worker, tes_quota_t quota)
{
    worker->size = (WORKER_STACK_PAGES + 1) * TES_PAGE_SIZE;
    tes_status_t status =
        tes_memory_create(quota, worker->size, 0, (tes_endpoint_t){ 0 }, 0, &worker->memory);
    if (status != TES_OK) {
        return status;
    }
    status = tes_space_map(own_space(), worker->memory, 0, 0, worker->size,
                           TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE, &worker->address);
    worker->page =
        (struct tes_message_page *)(worker->address + WORKER_STACK_PAGES * TES_PAGE_SIZE);
    return status;
}

static tes_status_t objects_create(struct worker *worker, const struct worker_options *options)
{
    uint64_t budget = options->budget_ns != 0 ? options->budget_ns : WORKER_QUANTUM_NS;
    uint64_t priority = options->priority != 0 ? options->priority : WORKER_PRIORITY_DEFAULT;
    uint64_t cores = options->core_mask != 0 ? options->core_mask : 1;
    tes_quota_t quota = quota_of(options);
    tes_status_t status = tes_notification_create(quota, &worker->done);
    if (status == TES_OK) {
        status = tes_context_create(quota, budget, options->period_ns, priority, cores,
                                    &worker->context);
    }
    if (status == TES_OK) {
        status = tes_thread_create(own_process(), worker->context, &worker->thread);
    }
    if (status == TES_OK) {
        live_add(worker->thread);
    }
    return status;
}

tes_status_t worker_create(struct worker *worker, const struct worker_options *options,
                           worker_entry_t *entry, void *argument)
{
    *worker = (struct worker){ .entry = entry, .argument = argument };
    tes_status_t status = memory_map(worker, quota_of(options));
    if (status == TES_OK) {
        status = objects_create(worker, options);
    }
    if (status == TES_OK) {
        status =
            tes_thread_control(worker->thread, TES_THREAD_MESSAGE_PAGE, (uint64_t)worker->page, 0);
    }
    if (status == TES_OK) {
        status = tes_thread_control(worker->thread, TES_THREAD_EXIT_SIGNAL, worker->done.value,
                                    WORKER_DONE_BIT);
    }
    if (status == TES_OK && options->name != NULL) {
        uint64_t words[2] = { 0, 0 };
        memcpy(words, options->name, strnlen(options->name, sizeof(words)));
        status = tes_thread_control(worker->thread, TES_THREAD_NAME, words[0], words[1]);
    }
    return status;
}

tes_status_t worker_run(struct worker *worker)
{
    return tes_thread_start(worker->thread, (uint64_t)tes_arch_thread_entry,
                            worker->address + WORKER_STACK_PAGES * TES_PAGE_SIZE,
                            (uint64_t)worker->entry, (uint64_t)worker);
}

tes_status_t worker_start(struct worker *worker, const struct worker_options *options,
                          worker_entry_t *entry, void *argument)
{
    tes_status_t status = worker_create(worker, options, entry, argument);
    return status == TES_OK ? worker_run(worker) : status;
}

tes_status_t worker_destroy(struct worker *worker)
{
    live_remove(worker->thread);
    const tes_handle_t objects[] = {
        tes_thread_any(worker->thread),
        tes_sched_context_any(worker->context),
        tes_notification_any(worker->done),
    };
    tes_status_t status = TES_OK;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]) && status == TES_OK; i++) {
        status = tes_object_destroy(objects[i]);
    }
    if (status == TES_OK) {
        status = tes_space_unmap(own_space(), worker->address, worker->size);
    }
    return status == TES_OK ? tes_object_destroy(tes_memory_any(worker->memory)) : status;
}

tes_status_t worker_join(struct worker *worker)
{
    uint64_t bits = 0;
    tes_status_t status = tes_notification_wait(worker->done, WORKER_DONE_BIT, 0, &bits);
    return status == TES_OK ? worker_destroy(worker) : status;
}

uint32_t thread_state(tes_thread_t thread)
{
    struct tes_info_thread info = { .state = TES_THREAD_DEAD };
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_thread_any(thread), TES_INFO_THREAD, 0,
                                          (uint64_t)&info, sizeof(info), &written);
    return status == TES_OK ? info.state : TES_THREAD_DEAD;
}

tes_status_t thread_await_state(tes_thread_t thread, uint32_t state)
{
    uint64_t end = time_now() + STATE_WAIT_NS;
    while (thread_state(thread) != state) {
        if (time_now() > end) {
            return TES_ERROR_TIMED_OUT;
        }
        program_sleep(STATE_POLL_NS);
    }
    return TES_OK;
}
