// SPDX-License-Identifier: MIT OR Apache-2.0
// Per-core scheduling: 64 priorities with a bitmap, budgets enforced at switch and timer only, idle
// cores pull.
#pragma once

#include <kernel/limits.h>
#include <kernel/object.h>
#include <kernel/thread.h>
#include <kernel/timer.h>

struct sched_context {
    struct object object; // lock guards configuration and owner
    uint64_t budget_ns, period_ns;
    uint64_t left_ns; // home core of whoever runs on it; never 0 with period 0 but at the end of a
                      // quantum
    uint64_t refill_ns; // absolute time of the next refill (period != 0)
    uint64_t core_mask;
    uint32_t priority;
    uint32_t overruns;      // how often a server finished a call on its reserve for it
    struct thread *owner;   // bound thread or null
    uint64_t debt_ns;       // atomic: taken from the next refill
    struct thread *running; // not used any more
};

// Reasons in cpu->need_reschedule to leave the kernel through the scheduler. Set on the own core
// only.
enum sched_reason {
    SCHED_SWITCH = 1, // the current thread waits or a better one is ready
    SCHED_YIELD = 2,  // the current thread goes behind those of its priority
    SCHED_TIMER = 4,  // the timer fired
    SCHED_INBOX = 8,  // look into the inbox
    SCHED_WORK = 16,  // object_work_step may have something to do
    SCHED_LATER = 32, // the same, but it can wait for a way out that is slow anyway, or the timer
};

struct sched_parameters {
    uint64_t budget_ns, period_ns;
    uint64_t core_mask;
    uint32_t priority;
};

// INVALID (as context_create says, but for the caller's own priority), NO_OBJECTS, NO_MEMORY.
tes_status_t context_create(struct quota *quota, const struct sched_parameters *parameters,
                            struct sched_context **out_context) TES_MUST_CHECK;

void sched_init_core(void);

// Makes the current thread wait: the caller has set state and wait fields under the right lock, and
// released it. The switch happens on the way out of the kernel. Arms its deadline. Never fails.
void sched_block_current(void);
// Makes a thread that waits no more ready on its home core (posts if that is another). Its frame
// holds its results.
void sched_wake(struct thread *thread);
// Same, and lets it run next here if it may: same core, priority at least the current's (direct
// switch).
void sched_wake_and_switch(struct thread *thread);
void sched_yield(void);
// Recomputes a thread's context and effective priority from its caller and those who wait for it
// (at most 16 deep): at once if that needs no lock, else on the way out of its home core. Home
// core; any lock but run queue and timers.
void sched_update_priority(struct thread *thread);

// A call that `server` handles is about to end (it still names its caller): what its reserve gave
// is charged.
void sched_charge_reserve(struct thread *server);

// The way out of the kernel: handles the inbox, reschedules if needed, arms the timer, switches
// address space and vector state, and returns the thread whose frame is to be restored.
struct thread *sched_leave_kernel(void);
// True when a long operation should stop: an interrupt or inbox entry waits.
bool sched_should_preempt(void);
void sched_timer_interrupt(void);
void sched_ipi(void);
_Noreturn void sched_start_core(void); // enters the scheduler for the first time

uint64_t time_now_ns(void);
void time_init(void); // fills the time page; boot core, before the first component
