// SPDX-License-Identifier: MIT OR Apache-2.0
// The trace: a ring of records per core, allocated at a core's first record, off unless the boot
// option asks for it. Written by its core without a lock; a reader on another core may get a record
// that is just being replaced.
#include <abi/info.h>
#include <kernel/frame.h>
#include <kernel/limits.h>
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

static struct trace_ring *ring_of(struct cpu *cpu)
{
    if (cpu->trace == NULL) {
        paddr_t frame;
        if (frame_allocate_order(RING_ORDER, &frame) == TES_OK) {
            cpu->trace = frame_address(frame);
            cpu->trace->end = 0;
        } else {
            trace_is_on = 0;
        }
    }
    return cpu->trace;
}

void trace_event(uint16_t event, int32_t status, uint64_t argument)
{
    struct cpu *cpu = cpu_local();
    struct trace_ring *ring = trace_is_on != 0 ? ring_of(cpu) : NULL;
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
    const struct trace_ring *ring = cpus[core]->trace;
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
