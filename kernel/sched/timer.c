// SPDX-License-Identifier: MIT OR Apache-2.0
// Timers: a balanced tree per core, by deadline. The one-shot hardware timer is armed for the
// earliest of the first timer and the end of the running thread's budget (sched.c); an interrupt
// runs a bounded number of expiries, what is left over comes with the next one, at once.
#include "core.h"

static bool timer_is_less(const struct tree_node *a, const struct tree_node *b)
{
    return container_of_const(a, struct timer, node)->deadline_ns <
           container_of_const(b, struct timer, node)->deadline_ns;
}

static void update_first_locked(struct sched_core *core)
{
    struct tree_node *first = tree_first(&core->timers);
    core->first_ns =
        first == NULL ? TIME_NEVER : container_of(first, struct timer, node)->deadline_ns;
}

void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
    struct sched_core *core = cpu_local()->sched;
    timer_disarm(timer);
    spinlock_acquire(&core->timer_lock);
    timer->deadline_ns = deadline_ns;
    timer->core = core->id;
    timer->is_armed = 1;
    tree_insert(&core->timers, &timer->node, timer_is_less);
    update_first_locked(core);
    spinlock_release(&core->timer_lock);
    timer_program(core, deadline_ns);
}

static void remove_locked(struct sched_core *core, struct timer *timer)
{
    tree_remove(&core->timers, &timer->node);
    timer->is_armed = 0;
    update_first_locked(core);
}

void timer_disarm(struct timer *timer)
{
    if (timer->is_armed == 0) { // armed under the caller's lock: nobody does so now
        return;
    }
    struct sched_core *core = &sched_cores[timer->core];
    spinlock_acquire(&core->timer_lock);
    if (timer->is_armed != 0) {
        remove_locked(core, timer);
    }
    spinlock_release(&core->timer_lock);
}

static struct timer *take_expired(struct sched_core *core, uint64_t now_ns)
{
    struct timer *timer = NULL;
    spinlock_acquire(&core->timer_lock);
    if (core->first_ns <= now_ns) {
        timer = container_of(tree_first(&core->timers), struct timer, node);
        remove_locked(core, timer);
    }
    spinlock_release(&core->timer_lock);
    return timer;
}

void timers_run(struct sched_core *core, uint64_t now_ns)
{
    for (uint32_t count = 0; count < TIMERS_PER_INTERRUPT && core->first_ns <= now_ns; count++) {
        struct timer *timer = take_expired(core, now_ns);
        if (timer == NULL) {
            return;
        }
        timer->expire(timer);
    }
}
