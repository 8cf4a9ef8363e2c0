// SPDX-License-Identifier: MIT OR Apache-2.0
// The idle loop: runs inside the way out, on the core's stack and the kernel's own root, with the
// core's idle thread as the current one. Deferred work first, then a thread of another core, then
// sleep: an interrupt that came since the last look is pending, so cpu_idle returns at once.
#include "core.h"

// What has come; null: nothing is ready.
static struct thread *idle_look(struct cpu *cpu, struct sched_core *core, uint64_t *now_ns)
{
    *now_ns = cpu_time_ns();
    sched_account(core, &core->idle, *now_ns);
    cpu->need_reschedule &= (uint32_t)SCHED_WORK;
    timers_run(core, *now_ns);
    inbox_process(cpu, core);
    struct thread *thread = sched_pick(core, 0, *now_ns);
    return thread != NULL ? thread : pull_thread(core);
}

// False: sleep now.
static bool idle_work(struct cpu *cpu, struct sched_core *core)
{
    bool has_more = sched_do_work(cpu, core);
    if (core->inbox_rest == NULL && cpu->inbox == NULL) {
        quiesce_poll();
    }
    return has_more || core->inbox_rest != NULL || cpu->inbox != NULL || cpu->need_reschedule != 0;
}

static void idle_sleep(struct sched_core *core)
{
    uint64_t wake_ns = core->first_ns;
    if (quiesce_has_work()) { // waits for other cores
        wake_ns = min_u64(wake_ns, core->last_ns + WORK_INTERVAL_NS);
    }
    timer_program(core, wake_ns);
    // A hint for pull_offer: who sees it late sends an interrupt too many or offers later.
    atomic_or_u64(&pull_idle_cores, 1ull << core->id, ATOMIC_RELAXED);
    quiesce_idle_enter();
    cpu_idle();
    quiesce_idle_leave();
    atomic_and_u64(&pull_idle_cores, ~(1ull << core->id), ATOMIC_RELAXED);
}

struct thread *idle_wait(struct cpu *cpu, struct sched_core *core, uint64_t *now_ns)
{
    for (;;) {
        struct thread *thread = idle_look(cpu, core, now_ns);
        if (thread != NULL) {
            sched_switch(cpu, &core->idle, thread);
            return thread;
        }
        if (!idle_work(cpu, core)) {
            idle_sleep(core);
        }
    }
}
