// SPDX-License-Identifier: MIT OR Apache-2.0
// An idle core takes a ready thread from another one: of the highest priority that has a thread
// which may run here. Threads that serve a call stay beside their callers (the fast path needs both
// on one core). The other core's lock is only tried: whoever holds it is just changing the queue,
// and this core will look again. Idle cores sleep: a core on which threads still wait after a
// switch offers them, not more often than each PULL_INTERVAL_NS, so that threads that wake each
// other in turn stay together.
#include "core.h"

#include <kernel/log.h>

#define PULL_LOOKS_MAX 16u // threads looked at on one core

static bool may_run_on(const struct thread *thread, uint32_t core)
{
    const struct sched_context *own = thread->own_context;
    return thread->caller == NULL && own != NULL && (own->core_mask >> core & 1) != 0;
}

static struct thread *find_locked(const struct sched_core *from, uint32_t to)
{
    uint32_t looks = 0;
    for (uint64_t bitmap = from->bitmap; bitmap != 0 && looks < PULL_LOOKS_MAX;
         bitmap &= ~(1ull << bits_highest(bitmap))) {
        const struct list_node *queue = &from->queues[bits_highest(bitmap)];
        list_for_each (node, queue) {
            struct thread *thread = container_of(node, struct thread, run_link);
            if (may_run_on(thread, to)) {
                return thread;
            }
            if (++looks == PULL_LOOKS_MAX) {
                break;
            }
        }
    }
    return NULL;
}

static struct thread *pull_from(struct sched_core *from, uint32_t to)
{
    // A hint: threads may come and go.
    if (atomic_load_u64(&from->bitmap, ATOMIC_RELAXED) == 0 || !spinlock_try(&from->lock)) {
        return NULL;
    }
    struct thread *thread = find_locked(from, to);
    if (thread != NULL) {
        run_queue_remove_locked(from, &thread->run_link);
        thread->slow_flags = (thread->slow_flags & ~THREAD_CORE_MASK) | to;
    }
    spinlock_release(&from->lock);
    return thread;
}

struct thread *pull_thread(struct sched_core *core)
{
    for (uint32_t step = 1; step < cpu_count; step++) {
        uint32_t other = (core->id + step) % cpu_count;
        struct thread *thread = pull_from(&sched_cores[other], core->id);
        if (thread != NULL) {
            counter_add(TES_COUNTER_THREADS_PULLED, 1);
            return thread;
        }
    }
    return NULL;
}

uint64_t pull_idle_cores;

void pull_offer(struct sched_core *core)
{
    uint64_t idle = atomic_load_u64(&pull_idle_cores, ATOMIC_RELAXED) & ~(1ull << core->id);
    if (idle == 0 || core->last_ns < core->offer_ns) {
        return;
    }
    core->offer_ns = core->last_ns + PULL_INTERVAL_NS;
    cpu_send_ipi(bits_lowest(idle));
    counter_add(TES_COUNTER_IPIS_SENT, 1);
}
