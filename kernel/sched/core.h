// SPDX-License-Identifier: MIT OR Apache-2.0
// Inside kernel/sched: a core's scheduler data and the steps its files share. "Own core" functions
// are called with core = this core's; they take the run queue's and the timers' lock themselves
// where they need them.
#pragma once

#include <abi/settings.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <rt/bits.h>
#include <rt/checked.h>

#define TIME_NEVER       UINT64_MAX
#define THREAD_CORE_MASK 0xffu   // home core in slow_flags
#define WORK_INTERVAL_NS 100000u // a busy core looks after deferred work that often
#define PULL_INTERVAL_NS                                                                           \
    50000u // a thread that waits that long for this core is offered to an idle one
#define RESERVE_INTERVAL_NS 1000000u // a reserve's time is charged to the caller that often
#define CONTEXT_SLICE_MIN_NS                                                                       \
    10000u // shorter budgets are rounded up: the timer interrupt itself costs
#define CONTEXT_TIME_MAX_NS (1ull << 60)

struct sched_core {
    struct spinlock lock; // guards bitmap and queues: other cores pull
    uint32_t id;
    uint64_t bitmap; // priorities that have ready threads
    struct list_node queues[TES_PRIORITY_COUNT];
    // Own core.
    uint64_t last_ns;            // up to here time was charged
    uint64_t armed_ns;           // what the one-shot timer is set to, TIME_NEVER: nothing
    uint32_t is_blocked;         // the current thread waits: another has to run
    uint32_t must_move;          // the current thread may not run on this core any more
    uint64_t offer_ns;           // when idle cores may be told again that threads wait here
    uint32_t has_work;           // object_work_step had more to do
    struct thread *inbox_rest;   // taken from the inbox, not processed yet
    struct sched_context orphan; // what a server without any context finishes on
    struct sched_context idle_context;
    struct thread idle;
    // Guarded by timer_lock.
    struct spinlock timer_lock;
    uint64_t
        first_ns; // deadline of the first timer, TIME_NEVER: none. The own core may read it without
    struct tree timers;
};

extern struct sched_core sched_cores[CORES_MAX];

static inline struct thread *self_thread(void)
{
    return (struct thread *)(void *)cpu_current_frame();
}

static inline uint32_t thread_core(const struct thread *thread)
{
    return thread->slow_flags & THREAD_CORE_MASK;
}

_Noreturn void exit_kernel(void); // the arch's entry code: leaves through sched_leave_kernel

// run_queue.c
void run_queue_init(struct sched_core *core);
// The first thread of the highest priority, if that is at least minimum; null: none.
struct thread *run_queue_take(struct sched_core *core, uint32_t minimum);
bool run_queue_remove(struct sched_core *core, struct thread *thread); // false: it is not in it
// sched.c. Makes a thread that waits for nothing ready: in the queue, stopped, or off to a core
// that it may use.
void thread_ready(struct sched_core *core, struct thread *thread, bool at_head);
void thread_wake_local(struct sched_core *core, struct thread *thread, bool at_head);
struct thread *sched_pick(struct sched_core *core, uint32_t minimum, uint64_t now_ns);
void sched_switch(struct cpu *cpu, struct thread *from, struct thread *to);
bool sched_do_work(struct cpu *cpu, struct sched_core *core); // a bounded step; true: more to do
// idle.c. Until a thread is ready; now_ns comes back as the time then.
struct thread *idle_wait(struct cpu *cpu, struct sched_core *core, uint64_t *now_ns);
// pull.c
struct thread *
pull_thread(struct sched_core *core); // from another core, its home is this one then; null: none
void pull_offer(struct sched_core *core); // threads wait here: tells an idle core, if there is one
extern uint64_t pull_idle_cores;          // bit set, atomic: cores that sleep
// inbox.c
void inbox_process(struct cpu *cpu, struct sched_core *core);
bool inbox_updates_pending(void); // any core has yet to look at a context that changed
// timer.c
void timers_run(struct sched_core *core, uint64_t now_ns);
// deadline.c
void deadline_begin(struct sched_core *core, struct thread *self, uint64_t now_ns);
// context.c
enum budget_verdict { BUDGET_GO, BUDGET_ROTATE, BUDGET_WAIT };
void context_overrun(struct sched_context *context, uint64_t elapsed_ns);
void context_charge_lender(const struct thread *server, uint64_t elapsed_ns);
enum budget_verdict context_exhausted(struct thread *thread, uint64_t now_ns);
tes_status_t context_bind(struct sched_context *context,
                          struct thread *thread) TES_MUST_CHECK; // BUSY, DEAD
void context_unbind(struct thread *thread);
void context_init_kernel(struct sched_context *context, uint64_t quantum_ns, uint32_t priority);
// priority.c
void thread_update(struct sched_core *core, struct thread *thread);
// thread.c
void thread_follow_stop(struct sched_core *core, struct thread *thread);
void thread_kick(struct thread *thread);
void thread_abandon(struct thread *thread);     // one that thread_create made and nobody has seen
void thread_vector_free(struct thread *thread); // the save area and its charge

// Configuration may change while the thread cannot run: it is the caller, new, or stopped. Its lock
// is held.
bool thread_is_still_locked(const struct thread *thread);

static inline void run_queue_put_locked(struct sched_core *core, struct thread *thread,
                                        bool at_head)
{
    uint32_t priority = thread->priority;
    ASSERT(priority < TES_PRIORITY_COUNT);
    struct list_node *queue = &core->queues[priority];
    list_insert_before(at_head ? queue->next : queue, &thread->run_link);
    core->bitmap |= 1ull << priority;
}

static inline void run_queue_remove_locked(struct sched_core *core, struct list_node *node)
{
    struct list_node *next = node->next;
    list_remove(node);
    if (list_is_empty(
            next)) { // only the head is left; which one it is, its place in the array says
        core->bitmap &= ~(1ull << (next - core->queues));
    }
}

static inline struct sched_context *thread_own_context(struct sched_core *core,
                                                       const struct thread *thread)
{
    return thread->own_context != NULL ? thread->own_context : &core->orphan;
}

static inline void space_load(struct cpu *cpu, const struct thread *thread)
{
    if (cpu->arch.root != thread->address_space) {
        cpu->arch.root =
            thread->address_space; // before the register: shoot-downs on other cores look at it
        mmu_load_root(thread->address_space);
    }
}

// Charges the time since the last look to the thread that ran.
static inline void sched_account(struct sched_core *core, struct thread *thread, uint64_t now_ns)
{
    uint64_t elapsed = now_ns - core->last_ns;
    struct sched_context *context = thread->context;
    core->last_ns = now_ns;
    thread->runtime_ns += elapsed;
    if (elapsed < context->left_ns) {
        context->left_ns -= elapsed;
    } else {
        context_overrun(context, elapsed);
    }
    if ((thread->slow_flags & THREAD_SLOW_RESERVE) != 0) {
        context_charge_lender(thread, elapsed);
    }
}

// The one-shot timer goes off at deadline_ns or before: one that is set earlier stays, its
// interrupt costs less than setting it anew at every switch.
static inline void timer_program(struct sched_core *core, uint64_t deadline_ns)
{
    if (deadline_ns < core->armed_ns) {
        core->armed_ns = deadline_ns;
        cpu_timer_arm(deadline_ns);
    }
}
