// SPDX-License-Identifier: MIT OR Apache-2.0
// The scheduler of a core: blocking, waking, yielding, and the one way out of the kernel.
// States of a thread: the one that runs is in no queue (its `state` may be stale: direct switches
// by the message paths do not store it); READY in the run queue of its home core; WAIT_* linked to
// what it waits for; STOPPED, NEW and DEAD nowhere. They change on the home core only.
// sched_block_current just notes that the current thread waits: whatever wakes it before the way
// out takes that back, and nothing is switched. The way out does in this order: charge time;
// timers, inbox, deferred work if there is a reason to; begin the deadline of a thread that waits;
// choose; switch; arm the timer; quiescence, when no pointer to a thread is left.
#include "core.h"

#include <abi/info.h>
#include <kernel/log.h>
#include <kernel/memory.h>

struct sched_core sched_cores[CORES_MAX];

void sched_init_core(void)
{
    struct cpu *cpu = cpu_local();
    struct sched_core *core = &sched_cores[cpu->id];
    struct thread *idle = &core->idle;
    ASSERT(cpu->id < CORES_MAX);
    core->id = cpu->id;
    core->armed_ns = TIME_NEVER;
    core->first_ns = TIME_NEVER;
    core->last_ns = cpu_time_ns();
    run_queue_init(core);
    tree_init(&core->timers);
    context_init_kernel(&core->orphan, CONTEXT_SLICE_MIN_NS * 100ull, 0);
    context_init_kernel(&core->idle_context, CONTEXT_TIME_MAX_NS, 0);
    list_init(&idle->run_link);
    idle->slow_flags = cpu->id | THREAD_SLOW_NEW_STATE;
    idle->own_context = &core->idle_context;
    idle->context = &core->idle_context;
    idle->address_space =
        cpu->arch.root; // the kernel's own root: processes can end while a core idles
    idle->state = TES_THREAD_RUNNING;
    cpu->idle = idle;
    cpu->sched = core;
    cpu_set_current(idle);
}

_Noreturn void sched_start_core(void)
{
    struct cpu *cpu = cpu_local();
    ASSERT(self_thread() == cpu->idle);
    cpu->sched->is_blocked = 1;
    cpu->need_reschedule |= SCHED_SWITCH | SCHED_WORK;
    exit_kernel();
}

void sched_block_current(void)
{
    struct cpu *cpu = cpu_local();
    cpu->sched->is_blocked = 1;
    cpu->need_reschedule |= SCHED_SWITCH;
}

// To the first core that its context allows; it is READY and in no queue until that core finds it
// in its inbox.
static void move_thread(struct sched_core *core, struct thread *thread, uint64_t allowed)
{
    uint32_t target = bits_lowest(allowed);
    ASSERT(target < cpu_count && target != core->id);
    thread->state = TES_THREAD_READY;
    thread->slow_flags = (thread->slow_flags & ~THREAD_CORE_MASK) | target;
    thread_post(thread, THREAD_OP_WAKE);
}

void thread_ready(struct sched_core *core, struct thread *thread, bool at_head)
{
    const struct thread *current = self_thread();
    const struct sched_context *own = thread->own_context;
    if (thread->stop_count != 0) {
        thread->state = TES_THREAD_STOPPED;
        return;
    }
    if (own != NULL && (own->core_mask >> core->id & 1) == 0) {
        move_thread(core, thread, own->core_mask);
        return;
    }
    thread->state = TES_THREAD_READY;
    spinlock_acquire(&core->lock);
    run_queue_put_locked(core, thread, at_head);
    spinlock_release(&core->lock);
    if (thread->priority > current->priority || current == &core->idle) {
        cpu_local()->need_reschedule |= SCHED_SWITCH;
        return;
    }
    if (thread->priority == current->priority) {
        timer_program(core,
                      core->last_ns + current->context->left_ns); // the current one has a rival now
    }
    if (atomic_load_u64(&pull_idle_cores, ATOMIC_RELAXED) != 0) {
        timer_program(core,
                      cpu_time_ns() + PULL_INTERVAL_NS); // if it still waits then, it is offered
    }
}

static void unblock_current(struct sched_core *core, struct thread *self)
{
    if (self->stop_count != 0) {
        self->state = TES_THREAD_STOPPED;
    } else {
        self->state = TES_THREAD_RUNNING;
        core->is_blocked = 0;
    }
}

void thread_wake_local(struct sched_core *core, struct thread *thread, bool at_head)
{
    if (thread->state == TES_THREAD_DEAD || !list_is_empty(&thread->run_link)) {
        return; // or it is ready already
    }
    if (thread->wait_timer.is_armed != 0) {
        timer_disarm(&thread->wait_timer);
    }
    if (thread->state == TES_THREAD_WAIT_RECEIVE) {
        thread->slow_flags &=
            ~(uint32_t)(THREAD_SLOW_BOOSTED | THREAD_SLOW_RESERVE); // of its last call
    }
    if (thread->caller == NULL && (thread->slow_flags & THREAD_SLOW_BOOSTED) == 0) {
        thread->context = thread_own_context(core, thread); // a server's last one was its caller's
        thread->priority = thread->context->priority;
        thread->lend_depth = 0;
    }
    if (thread == self_thread()) {
        unblock_current(core, thread);
    } else {
        thread_ready(core, thread, at_head);
    }
}

static void wake(struct thread *thread, bool at_head)
{
    struct sched_core *core = cpu_local()->sched;
    if (thread_core(thread) == core->id) {
        thread_wake_local(core, thread, at_head);
    } else {
        thread_post(thread, THREAD_OP_WAKE);
    }
}

void sched_wake(struct thread *thread)
{
    wake(thread, false);
}

void sched_wake_and_switch(struct thread *thread)
{
    wake(thread, true);
}

void sched_charge_reserve(struct thread *server)
{
    if ((server->slow_flags & THREAD_SLOW_RESERVE) != 0 && server == self_thread()) {
        sched_account(cpu_local()->sched, server, cpu_time_ns());
    }
}

void sched_yield(void)
{
    cpu_local()->need_reschedule |= SCHED_YIELD;
}

bool sched_should_preempt(void)
{
    const struct cpu *cpu = cpu_local();
    bool is_due =
        atomic_load_pointer(&cpu->inbox, ATOMIC_RELAXED) != NULL || cpu_interrupt_pending();
    if (is_due) {
        counter_add(TES_COUNTER_PREEMPTIONS, 1);
    }
    return is_due;
}

void sched_timer_interrupt(void)
{
    struct cpu *cpu = cpu_local();
    quiesce_idle_leave();
    cpu->sched->armed_ns = TIME_NEVER;
    cpu->need_reschedule |= SCHED_TIMER;
    counter_add(TES_COUNTER_TIMER_INTERRUPTS, 1);
}

void sched_ipi(void)
{
    quiesce_idle_leave();
    tlb_ipi();
    cpu_local()->need_reschedule |= SCHED_INBOX | SCHED_WORK;
    counter_add(TES_COUNTER_IPIS_RECEIVED, 1);
}

void sched_switch(struct cpu *cpu, struct thread *from, struct thread *to)
{
    if (((from->slow_flags | to->slow_flags) & THREAD_SLOW_VECTOR) != 0) {
        if ((from->slow_flags & THREAD_SLOW_VECTOR) != 0) {
            cpu_vector_save(from->vector_state);
            cpu_vector_disable();
        }
        if ((to->slow_flags & THREAD_SLOW_VECTOR) != 0) {
            cpu_vector_restore(to->vector_state);
        }
    }
    to->state = TES_THREAD_RUNNING;
    space_load(cpu, to);
    trace_point(TES_TRACE_SWITCH, 0, to->object.id);
    cpu_set_current(to);
    counter_add(TES_COUNTER_CONTEXT_SWITCHES, 1);
}

struct thread *sched_pick(struct sched_core *core, uint32_t minimum, uint64_t now_ns)
{
    // Ends: whoever has no budget leaves the queue.
    for (;;) {
        struct thread *thread = run_queue_take(core, minimum);
        if (thread == NULL || thread->context->left_ns != 0 ||
            context_exhausted(thread, now_ns) != BUDGET_WAIT) {
            return thread;
        }
    }
}

bool sched_do_work(struct cpu *cpu, struct sched_core *core)
{
    cpu->need_reschedule &= ~(uint32_t)SCHED_WORK;
    core->has_work = object_work_step();
    cpu->need_reschedule &=
        ~(uint32_t)SCHED_LATER; // has_work and quiesce_has_work say what is left
    return core->has_work != 0;
}

static void look_at_events(struct cpu *cpu, struct sched_core *core, uint32_t reasons,
                           uint64_t now_ns)
{
    if (core->first_ns <= now_ns) {
        timers_run(core, now_ns);
    }
    inbox_process(cpu, core);
    reasons |= cpu->need_reschedule;
    if ((reasons & (SCHED_WORK | SCHED_LATER | SCHED_TIMER)) != 0 || core->has_work != 0) {
        (void)sched_do_work(cpu, core); // what is left is due at the latest after WORK_INTERVAL_NS
    }
}

// Whether self has to give way although it does not wait. *out_minimum: to whom.
static bool must_leave(struct sched_core *core, struct thread *self, uint32_t *reasons,
                       uint64_t now_ns)
{
    if (self->context->left_ns == 0) {
        enum budget_verdict verdict = context_exhausted(self, now_ns);
        if (verdict == BUDGET_WAIT) {
            return true;
        }
        *reasons |= verdict == BUDGET_ROTATE ? SCHED_YIELD : 0u;
    } else if ((*reasons & SCHED_YIELD) != 0 && self->context->period_ns == 0) {
        self->context->left_ns = self->context->budget_ns; // it gives the rest of its quantum away
    }
    return core->must_move != 0;
}

// Who runs next. self goes into the queue last, when nothing of it is in use here: another core may
// pull it.
static struct thread *choose(struct cpu *cpu, struct thread *self, uint32_t reasons,
                             uint64_t *now_ns)
{
    struct sched_core *core = cpu->sched;
    if (core->is_blocked != 0 || must_leave(core, self, &reasons, *now_ns)) {
        bool is_moving =
            core->is_blocked == 0 && core->must_move != 0 && self->state != TES_THREAD_WAIT_BUDGET;
        core->is_blocked = 0;
        core->must_move = 0;
        struct thread *next = is_moving ? NULL : sched_pick(core, 0, *now_ns);
        sched_switch(cpu, self, next == NULL ? &core->idle : next);
        if (is_moving) {
            thread_ready(core, self, false);
        }
        return next == NULL ? idle_wait(cpu, core, now_ns) : next;
    }
    bool is_yielding = (reasons & SCHED_YIELD) != 0;
    struct thread *next =
        sched_pick(core, is_yielding ? self->priority : self->priority + 1, *now_ns);
    if (next == NULL) {
        return self;
    }
    sched_switch(cpu, self, next);
    thread_ready(core, self, !is_yielding);
    return next;
}

// Until when the thread may run without another look: its budget matters if it has a period or a
// rival.
static void arm_for(struct sched_core *core, const struct thread *thread)
{
    uint64_t wanted = core->first_ns;
    const struct sched_context *context = thread->context;
    if (context->period_ns != 0 || (core->bitmap >> thread->priority & 1) != 0) {
        wanted = min_u64(wanted, core->last_ns + context->left_ns);
    }
    if (core->bitmap != 0 && atomic_load_u64(&pull_idle_cores, ATOMIC_RELAXED) != 0) {
        pull_offer(core);
    }
    if ((thread->slow_flags & THREAD_SLOW_RESERVE) != 0) {
        wanted =
            min_u64(wanted, core->last_ns + RESERVE_INTERVAL_NS); // another core may end its call
    }
    timer_program(core, wanted);
}

static void finish_work(struct cpu *cpu, struct sched_core *core)
{
    bool is_inbox_empty = core->inbox_rest == NULL && cpu->inbox == NULL;
    if (is_inbox_empty) { // an update that waits could still name a context that died
        quiesce_poll();
    }
    if (!is_inbox_empty) {
        cpu->need_reschedule |= SCHED_INBOX;
        timer_program(core, core->last_ns);
    } else if (cpu->need_reschedule != 0 || core->has_work != 0 || quiesce_has_work()) {
        core->has_work |= (cpu->need_reschedule & SCHED_LATER) != 0;
        cpu->need_reschedule &= ~(uint32_t)SCHED_LATER;
        timer_program(core, core->last_ns + WORK_INTERVAL_NS);
    }
}

static __attribute__((noinline)) struct thread *leave(struct cpu *cpu, struct thread *self)
{
    struct sched_core *core = cpu->sched;
    uint32_t reasons = cpu->need_reschedule;
    uint64_t now_ns = cpu_time_ns();
    cpu->need_reschedule = 0;
    sched_account(core, self, now_ns);
    if ((reasons & ~(uint32_t)(SCHED_SWITCH | SCHED_YIELD)) != 0 || core->has_work != 0) {
        look_at_events(cpu, core, reasons, now_ns);
    }
    if (core->is_blocked != 0 && self->deadline_ns != 0) {
        deadline_begin(core, self, now_ns);
    }
    struct thread *next = choose(cpu, self, reasons, &now_ns);
    arm_for(core, next);
    cpu->need_reschedule &= ~(uint32_t)(SCHED_SWITCH | SCHED_YIELD);
    if (cpu->need_reschedule != 0 || (reasons & SCHED_WORK) != 0 || core->inbox_rest != NULL ||
        core->has_work != 0 || quiesce_has_work()) {
        finish_work(cpu, core);
    }
    return next;
}

// Who is next, taken out of the queue in exchange for self if that still runs; null: not a case for
// the short way out.
static inline struct thread *exchange_locked(struct sched_core *core, struct thread *self,
                                             bool is_yielding)
{
    uint64_t bitmap = core->bitmap;
    if (bitmap == 0) {
        return NULL;
    }
    struct list_node *node = core->queues[bits_highest(bitmap)].next;
    struct thread *next = container_of(node, struct thread, run_link);
    if (next->slow_flags != core->id || next->context->left_ns == 0 || next->in_guest != 0 ||
        (core->is_blocked == 0 && next->priority < self->priority + (is_yielding ? 0u : 1u))) {
        return NULL;
    }
    if (core->is_blocked == 0) {
        self->state = TES_THREAD_READY;
        run_queue_put_locked(core, self, !is_yielding);
    }
    run_queue_remove_locked(core, node); // after: a queue that keeps a thread keeps its bit
    return next;
}

// The short way out, for what happens most: a plain thread waits or yields, a plain thread is
// ready, nothing else is to be done. Same effects as leave(), which takes over when this returns
// null (nothing has changed then). Nothing of self is touched after the lock is released: it may
// run on another core by then.
static inline struct thread *leave_shortly(struct cpu *cpu, struct thread *self, uint32_t reasons)
{
    struct sched_core *core = cpu->sched;
    bool is_yielding = (reasons & SCHED_YIELD) != 0;
    if (self->slow_flags != core->id || core->has_work != 0 || core->must_move != 0 ||
        cpu->arch.in_guest != 0) {
        return NULL;
    }
    struct sched_context *context = self->context;
    uint64_t now_ns = cpu_time_ns();
    uint64_t elapsed = now_ns - core->last_ns;
    if (elapsed >= context->left_ns) {
        return NULL;
    }
    spinlock_acquire(&core->lock);
    struct thread *next = exchange_locked(core, self, is_yielding);
    if (next != NULL) {
        core->last_ns = now_ns;
        self->runtime_ns += elapsed;
        context->left_ns = is_yielding && context->period_ns == 0 ? context->budget_ns
                                                                  : context->left_ns - elapsed;
    }
    spinlock_release(&core->lock);
    if (next == NULL) {
        return NULL;
    }
    core->is_blocked = 0;
    cpu->need_reschedule = 0;
    next->state = TES_THREAD_RUNNING;
    space_load(cpu, next);
    trace_point(TES_TRACE_SWITCH, 0, next->object.id);
    cpu_set_current_native(cpu, &next->frame, next->thread_pointer); // neither is in a guest
    counter_add(TES_COUNTER_CONTEXT_SWITCHES, 1);
    arm_for(core, next);
    return next;
}

// Deferred work came: the next slow way out does it, at the latest that of the timer.
static inline void put_off(struct cpu *cpu)
{
    cpu->need_reschedule = 0;
    if (cpu->sched->has_work == 0) {
        cpu->sched->has_work = 1;
        timer_program(cpu->sched, cpu_time_ns() + WORK_INTERVAL_NS);
    }
}

struct thread *sched_leave_kernel(void)
{
    struct cpu *cpu = cpu_local();
    struct thread *self = self_thread();
    uint32_t reasons = cpu->need_reschedule;
    if ((reasons & ~(uint32_t)SCHED_LATER) == 0) {
        if (reasons != 0) {
            put_off(cpu);
        }
        return self;
    }
    if ((reasons & ~(uint32_t)(SCHED_SWITCH | SCHED_YIELD)) == 0) {
        struct thread *next = leave_shortly(cpu, self, reasons);
        if (next != NULL) {
            return next;
        }
    }
    return leave(cpu, self);
}
