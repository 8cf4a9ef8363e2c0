// SPDX-License-Identifier: MIT OR Apache-2.0
// Interrupting: a flag that commands look at, a cancel for every thread that waits, a stop for
// every program. The fields are set by the thread that runs a stage and read by the stream server's
// thread; release and acquire pair on each field.
#include <rt/atomic.h>
#include <tes/calls.h>

#include "shell.h"

void job_begin(struct job *job)
{
    for (unsigned i = 0; i < STAGES_MAX; i++) {
        atomic_store_u64(&job->threads[i], 0, ATOMIC_RELAXED);
        atomic_store_u64(&job->programs[i], 0, ATOMIC_RELAXED);
    }
    atomic_store_u32(&job->is_interrupted, 0, ATOMIC_RELAXED);
    atomic_store_u32(&job->is_active, 1, ATOMIC_RELEASE);
}

void job_end(struct job *job)
{
    atomic_store_u32(&job->is_active, 0, ATOMIC_RELEASE);
}

void job_interrupt(struct job *job)
{
    if (atomic_load_u32(&job->is_active, ATOMIC_ACQUIRE) == 0) {
        return;
    }
    atomic_store_u32(&job->is_interrupted, 1, ATOMIC_RELEASE);
    for (unsigned i = 0; i < STAGES_MAX; i++) {
        tes_endpoint_t program = { .value = atomic_load_u64(&job->programs[i], ATOMIC_ACQUIRE) };
        tes_thread_t thread = { .value = atomic_load_u64(&job->threads[i], ATOMIC_ACQUIRE) };
        if (program.value != 0) {
            (void)!tes_program_stop(program); // ended already; its waiter hears of it
        } else if (thread.value != 0) {
            (void)!tes_thread_cancel(thread, 0); // NOT_FOUND: it runs and will see the flag
        }
    }
}

bool job_is_interrupted(const struct job *job)
{
    return atomic_load_u32(&job->is_interrupted, ATOMIC_ACQUIRE) != 0;
}

void job_thread_set(struct job *job, unsigned stage, tes_thread_t thread)
{
    atomic_store_u64(&job->threads[stage], thread.value, ATOMIC_RELEASE);
}

void job_program_set(struct job *job, unsigned stage, tes_endpoint_t program)
{
    atomic_store_u64(&job->programs[stage], program.value, ATOMIC_RELEASE);
}
