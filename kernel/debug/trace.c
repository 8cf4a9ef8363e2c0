// SPDX-License-Identifier: MIT OR Apache-2.0
// The trace: a ring of records per core, made when tracing is switched on for the first time (boot
// option, RESOURCE TRACE). Written by its core without a lock; a reader on another core may get a
// record that is just being replaced.
#include <abi/info.h>
#include <kernel/frame.h>
#include <kernel/limits.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <rt/atomic.h>

#include <arch/cpu.h>

#define RING_ORDER 3u // pages, as a power of two

struct trace_ring {
    uint64_t end; // position behind the last record
    uint64_t reserved[3];
    struct tes_trace_record records[TRACE_RING_RECORDS - 1]; // the head takes one
};
static_assert(sizeof(struct trace_ring) <= PAGE_SIZE << RING_ORDER, "one allocation");

uint32_t trace_is_on;

static struct spinlock lock; // guards the making of rings, and switching

static tes_status_t rings_make(void)
{
    for (uint32_t core = 0; core < cpu_count; core++) {
        paddr_t frame;
        if (cpus[core]->trace != NULL) {
            continue;
        }
        if (frame_allocate_order(RING_ORDER, &frame) != TES_OK) {
            return TES_ERROR_NO_MEMORY; // what is made serves the next try
        }
        struct trace_ring *ring = frame_address(frame);
        ring->end = 0;
        atomic_store_pointer(&cpus[core]->trace, ring,
                             ATOMIC_RELEASE); // pairs with trace_event and trace_read
    }
    return TES_OK;
}

tes_status_t trace_control(bool is_on)
{
    spinlock_acquire(&lock);
    tes_status_t status = is_on ? rings_make() : TES_OK;
    if (status == TES_OK) {
        atomic_store_u32(&trace_is_on, is_on ? 1 : 0, ATOMIC_RELAXED);
    }
    spinlock_release(&lock);
    return status;
}

void trace_event(uint16_t event, int32_t status, uint64_t argument)
{
    const struct cpu *cpu = cpu_local();
    struct trace_ring *ring = atomic_load_pointer(&cpu->trace, ATOMIC_ACQUIRE); // see rings_make
    if (ring == NULL) {
        return;
    }
    const struct thread *thread = current_thread();
    struct tes_trace_record *record = &ring->records[ring->end % (TRACE_RING_RECORDS - 1)];
    *record = (struct tes_trace_record){ .time_ns = cpu_time_ns(),
                                         .thread_id = thread != NULL ? thread->object.id : 0,
                                         .event = event,
                                         .core = (uint16_t)cpu->id,
                                         .status = status,
                                         .argument = argument };
    atomic_store_u64(&ring->end, ring->end + 1, ATOMIC_RELEASE); // pairs with trace_read
}

// Records that the ring has no longer read as zeros.
uint64_t trace_read(uint32_t core, uint64_t position, struct tes_trace_record *out_records,
                    uint64_t count)
{
    const struct trace_ring *ring =
        atomic_load_pointer(&cpus[core]->trace, ATOMIC_ACQUIRE); // see rings_make
    if (ring == NULL) {
        return 0;
    }
    uint64_t end = atomic_load_u64(&ring->end, ATOMIC_ACQUIRE); // pairs with trace_event
    uint64_t copied = 0;
    while (copied < count && position + copied < end) {
        uint64_t at = position + copied;
        bool is_kept = end - at < TRACE_RING_RECORDS;
        out_records[copied++] =
            is_kept ? ring->records[at % (TRACE_RING_RECORDS - 1)] : (struct tes_trace_record){ 0 };
    }
    return copied;
}
