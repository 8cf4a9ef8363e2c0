// SPDX-License-Identifier: MIT OR Apache-2.0
// A core's run queue: one list for each priority and a bitmap of those that hold threads. The
// running thread is in no list. Others than the own core only take threads out (pull.c), so the own
// core may look at the bitmap without the lock: it finds too much at most.
#include "core.h"

void run_queue_init(struct sched_core *core)
{
    for (uint32_t priority = 0; priority < TES_PRIORITY_COUNT; priority++) {
        list_init(&core->queues[priority]);
    }
}

struct thread *run_queue_take(struct sched_core *core, uint32_t minimum)
{
    uint64_t bitmap = core->bitmap;
    if (bitmap == 0 || bits_highest(bitmap) < minimum) {
        return NULL;
    }
    struct thread *thread = NULL;
    spinlock_acquire(&core->lock);
    bitmap = core->bitmap;
    if (bitmap != 0 && bits_highest(bitmap) >= minimum) {
        struct list_node *node = core->queues[bits_highest(bitmap)].next;
        run_queue_remove_locked(core, node);
        thread = container_of(node, struct thread, run_link);
    }
    spinlock_release(&core->lock);
    return thread;
}

bool run_queue_remove(struct sched_core *core, struct thread *thread)
{
    spinlock_acquire(&core->lock);
    bool is_in = thread_core(thread) == core->id && !list_is_empty(&thread->run_link);
    if (is_in) {
        run_queue_remove_locked(core, &thread->run_link);
    }
    spinlock_release(&core->lock);
    return is_in;
}
