// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads of this process. A worker's memory: guard page, stack, and one page that holds the
// message page and the thread block. Its end is a bit of a notification of its own.
#include <abi/settings.h>
#include <arch_user/thread.h>
#include <rt/atomic.h>
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/heap.h>
#include <tes/log.h>
#include <tes/memory.h>
#include <tes/startup.h>
#include <tes/thread.h>

#define WORKER_DONE_BIT 1u

struct tes_worker {
    tes_worker_entry_t *entry;
    void *argument;
    tes_thread_t thread;
    tes_sched_context_t context;
    tes_notification_t done;
    tes_memory_t memory; // stack and message page
    uint8_t *area;       // guard, stack, message page
    uint64_t area_size;
    uint32_t is_done; // release by the worker at its end, acquire by tes_worker_is_done
};

void tes_thread_begin(struct tes_worker *worker, uint64_t message_page);

struct tes_thread_block *tes_thread_block(void)
{
    return tes_arch_thread_pointer();
}

static void block_init(void *message_page, tes_thread_t thread)
{
    struct tes_thread_block *block = (void *)((uint8_t *)message_page + TES_THREAD_BLOCK_OFFSET);
    *block = (struct tes_thread_block){
        .self = block,
        .message_page = message_page,
        .thread = thread,
    };
}

tes_status_t tes_thread_adopt(void *message_page, tes_thread_t thread)
{
    block_init(message_page, thread);
    tes_thread_t own = { 0 };
    tes_status_t status =
        tes_thread_control(own, TES_THREAD_MESSAGE_PAGE, (uint64_t)message_page, 0);
    if (status != TES_OK) {
        return status;
    }
    return tes_thread_control(own, TES_THREAD_THREAD_POINTER,
                              (uint64_t)message_page + TES_THREAD_BLOCK_OFFSET, 0);
}

__attribute__((used)) void tes_thread_begin(struct tes_worker *worker, uint64_t message_page)
{
    (void)message_page;
    worker->entry(worker->argument);
    atomic_store_u32(&worker->is_done, 1, ATOMIC_RELEASE);
    (void)!tes_thread_exit(0); // does not come back
    __builtin_trap();
}

static tes_status_t area_create(struct tes_worker *worker, uint64_t stack_size)
{
    const struct tes_self *self = tes_self();
    uint64_t inner = align_up(stack_size, TES_PAGE_SIZE) + TES_PAGE_SIZE;
    uint64_t reserved = 0;
    tes_status_t status = tes_space_map(self->space, (tes_memory_t){ 0 }, 0, 0,
                                        inner + TES_PAGE_SIZE, TES_SPACE_MAP_RESERVE, &reserved);
    if (status != TES_OK) {
        return status;
    }
    worker->area = (uint8_t *)reserved;
    worker->area_size = inner + TES_PAGE_SIZE;
    status = tes_memory_create(self->quota, inner, 0, (tes_endpoint_t){ 0 }, 0, &worker->memory);
    if (status != TES_OK) {
        return status;
    }
    uint64_t flags = TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE | TES_SPACE_MAP_REPLACE;
    uint64_t mapped = 0;
    return tes_space_map(self->space, worker->memory, 0, reserved + TES_PAGE_SIZE, inner, flags,
                         &mapped);
}

static tes_status_t objects_create(struct tes_worker *worker,
                                   const struct tes_worker_options *options)
{
    const struct tes_self *self = tes_self();
    uint64_t priority = options->priority != 0 ? options->priority : TES_WORKER_PRIORITY_DEFAULT;
    uint64_t cores = options->core_mask != 0 ? options->core_mask : UINT64_MAX;
    tes_status_t status = tes_notification_create(self->quota, &worker->done);
    if (status == TES_OK) {
        status = tes_context_create(self->quota, TES_WORKER_QUANTUM_NS, 0, priority, cores,
                                    &worker->context);
    }
    if (status == TES_OK) {
        status = tes_thread_create(self->process, worker->context, &worker->thread);
    }
    return status;
}

static tes_status_t settings_apply(struct tes_worker *worker, const char *name)
{
    uint64_t page = (uint64_t)worker->area + worker->area_size - TES_PAGE_SIZE;
    block_init((void *)page, worker->thread);
    uint64_t words[2] = { 0, 0 };
    memcpy(words, name, strnlen(name, sizeof(words)));
    const uint64_t settings[][3] = {
        { TES_THREAD_MESSAGE_PAGE, page, 0 },
        { TES_THREAD_THREAD_POINTER, page + TES_THREAD_BLOCK_OFFSET, 0 },
        { TES_THREAD_NAME, words[0], words[1] },
        { TES_THREAD_EXIT_SIGNAL, worker->done.value, WORKER_DONE_BIT },
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        tes_status_t status =
            tes_thread_control(worker->thread, settings[i][0], settings[i][1], settings[i][2]);
        if (status != TES_OK) {
            return status;
        }
    }
    return tes_thread_start(worker->thread, (uint64_t)tes_arch_thread_entry, page, (uint64_t)worker,
                            page);
}

// The thread has ended or was never started; all of it is this worker's alone.
static void worker_destroy(struct tes_worker *worker)
{
    tes_destroy(tes_thread_any(worker->thread));
    tes_destroy(tes_sched_context_any(worker->context));
    tes_destroy(tes_notification_any(worker->done));
    if (worker->area != NULL) {
        tes_memory_unmap(worker->area, worker->area_size);
    }
    tes_destroy(tes_memory_any(worker->memory));
    tes_free(worker);
}

tes_status_t tes_worker_create(const struct tes_worker_options *options, tes_worker_entry_t *entry,
                               void *argument, struct tes_worker **out_worker)
{
    struct tes_worker *worker = tes_alloc(sizeof(*worker));
    if (worker == NULL) {
        return TES_ERROR_NO_MEMORY;
    }
    worker->entry = entry;
    worker->argument = argument;
    uint64_t stack = options->stack_size != 0 ? options->stack_size : TES_WORKER_STACK_SIZE;
    tes_status_t status = area_create(worker, stack);
    if (status == TES_OK) {
        status = objects_create(worker, options);
    }
    if (status == TES_OK) {
        status = settings_apply(worker, options->name != NULL ? options->name : "worker");
    }
    if (status != TES_OK) {
        worker_destroy(worker);
        return status;
    }
    *out_worker = worker;
    return TES_OK;
}

tes_thread_t tes_worker_thread(const struct tes_worker *worker)
{
    return worker->thread;
}

void tes_worker_cancel(const struct tes_worker *worker)
{
    (void)!tes_thread_cancel(worker->thread, 0); // NOT_FOUND: it does not wait
}

bool tes_worker_is_done(const struct tes_worker *worker)
{
    return atomic_load_u32(&worker->is_done, ATOMIC_ACQUIRE) != 0;
}

tes_status_t tes_worker_join(struct tes_worker *worker)
{
    uint64_t bits = 0;
    tes_status_t status = tes_notification_wait(worker->done, WORKER_DONE_BIT, 0, &bits);
    if (status == TES_OK) {
        worker_destroy(worker);
    }
    return status;
}

void tes_deadline_set(uint64_t deadline_ns)
{
    struct tes_thread_block *block = tes_thread_block();
    if (block->deadline_ns != deadline_ns) {
        block->deadline_ns = deadline_ns;
        (void)!tes_thread_deadline(deadline_ns); // cannot fail
    }
}
