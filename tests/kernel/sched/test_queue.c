// SPDX-License-Identifier: MIT OR Apache-2.0
// Who runs next, and which timer comes next, against simple models.
#include "fake.h"

#include <string.h>

#define THREADS 40u
#define STEPS   20000u
#define TIMERS  100u

struct model {
    struct thread *threads[THREADS];
    struct notification *notifications[THREADS];
    bool is_ready[THREADS];
    uint64_t order[THREADS]; // of becoming ready
    uint64_t next_order;
};

static uint32_t model_best(const struct model *model)
{
    uint32_t best = THREADS;
    for (uint32_t index = 0; index < THREADS; index++) {
        if (!model->is_ready[index]) {
            continue;
        }
        uint32_t priority = model->threads[index]->priority;
        if (best == THREADS || priority > model->threads[best]->priority ||
            (priority == model->threads[best]->priority &&
             model->order[index] < model->order[best])) {
            best = index;
        }
    }
    return best;
}

static uint32_t index_of(const struct model *model, const struct thread *thread)
{
    for (uint32_t index = 0; index < THREADS; index++) {
        if (model->threads[index] == thread) {
            return index;
        }
    }
    return THREADS;
}

tes_status_t fake_wait(struct notification *notification, uint64_t mask)
{
    const struct handle_view view = { .object = &notification->object };
    uint64_t bits = 0;
    return sys_notification_wait(&view, mask, 0, &bits);
}

// The model's thread that runs is not ready; preempted ones come first among their equals.
static void model_preempt(struct model *model, uint32_t running)
{
    model->is_ready[running] = true;
    model->order[running] = 0;
    for (uint32_t index = 0; index < THREADS; index++) {
        model->order[index] += index != running;
    }
}

static void make_ready(struct model *model, uint32_t index)
{
    model->is_ready[index] = true;
    model->order[index] = ++model->next_order;
}

// The running thread waits: the best ready one follows, or, when there is none, all are woken.
static struct thread *wait_step(struct model *model, uint32_t index)
{
    CHECK(fake_wait(model->notifications[index], 1) == TES_ERROR_BLOCKED);
    uint32_t expected = model_best(model);
    struct thread *running = fake_leave();
    CHECK(running == (expected == THREADS ? NULL : model->threads[expected]));
    if (running == NULL) {
        for (uint32_t other = 0; other < THREADS; other++) {
            notification_signal(model->notifications[other], 1);
            make_ready(model, other);
        }
        expected = model_best(model);
        running = fake_leave();
        CHECK(running == model->threads[expected]);
    }
    model->is_ready[expected] = false;
    return running;
}

// Somebody who waits is woken: it runs at once if it is above the running one.
static struct thread *wake_step(struct model *model, struct thread *running)
{
    uint32_t target = (uint32_t)fake_random(THREADS);
    struct thread *thread = model->threads[target];
    if (thread->state != TES_THREAD_WAIT_NOTIFICATION) {
        return running;
    }
    notification_signal(model->notifications[target], 1);
    make_ready(model, target);
    if (thread->priority <= running->priority) {
        CHECK(fake_leave() == running);
        return running;
    }
    model_preempt(model, index_of(model, running));
    model->next_order++;
    model->is_ready[target] = false;
    CHECK(fake_leave() == thread);
    return thread;
}

void test_queue(void)
{
    static struct model model;
    for (uint32_t index = 0; index < THREADS; index++) {
        model.notifications[index] = fake_notification();
        model.threads[index] = fake_simple_thread((uint32_t)fake_random(8));
        make_ready(&model, index);
    }
    struct thread *running = fake_leave();
    uint32_t first = index_of(&model, running);
    CHECK(first == model_best(&model));
    model.is_ready[first] = false;
    for (uint32_t step = 0; step < STEPS; step++) {
        running = fake_random(3) == 0 ? wait_step(&model, index_of(&model, running))
                                      : wake_step(&model, running);
    }
}

static struct timer timers[TIMERS];
static bool is_armed[TIMERS];
static uint64_t last_expired_ns;
static uint32_t expired_count;

static void expire(struct timer *timer)
{
    uint32_t index = (uint32_t)(timer - timers);
    CHECK(is_armed[index]);
    CHECK(timer->deadline_ns <= fake.now_ns);
    CHECK(timer->deadline_ns >= last_expired_ns);
    last_expired_ns = timer->deadline_ns;
    is_armed[index] = false;
    expired_count++;
}

static void check_due(void)
{
    for (uint32_t index = 0; index < TIMERS; index++) {
        CHECK(is_armed[index] == (timers[index].is_armed != 0));
        CHECK(!is_armed[index] || timers[index].deadline_ns > fake.now_ns);
    }
}

void test_timers(void)
{
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t index = (uint32_t)fake_random(TIMERS);
        if (fake_random(3) != 0) {
            timers[index].expire = expire;
            timer_arm(&timers[index], fake.now_ns + 1 + fake_random(1000));
            is_armed[index] = true;
        } else {
            timer_disarm(&timers[index]);
            is_armed[index] = false;
        }
        if (step % 10 == 0) {
            last_expired_ns = 0;
            fake_run(fake_random(300));
            check_due();
        }
    }
    CHECK(expired_count > STEPS / 20);
    CHECK(fake_current() != NULL && fake.timer_writes < STEPS);
}
