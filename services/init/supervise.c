// SPDX-License-Identifier: MIT OR Apache-2.0
// Watching: a thread's end comes as a bit shared by a few instances, so those are looked at.
// Restarting: the wait doubles with every run that ends within a second and starts over after one
// that lasted.
#include <abi/info.h>
#include <rt/bits.h>
#include <tes/log.h>
#include <tes/time.h>

#include "init.h"

#define LASTED_NS          TES_NS_PER_SECOND
#define BACKOFF_SHIFT_MAX  6u
#define PROCESS_STATE_DEAD 2u

static bool has_ended(const struct instance *instance, int *out_status)
{
    struct tes_info_thread thread;
    struct tes_info_process process;
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_thread_any(instance->thread), TES_INFO_THREAD, 0,
                                          (uint64_t)&thread, sizeof(thread), &written);
    if (status == TES_OK && thread.state != TES_THREAD_DEAD) {
        return false;
    }
    *out_status = UNKNOWN_STATUS;
    status = tes_object_info(tes_process_any(instance->process), TES_INFO_PROCESS, 0,
                             (uint64_t)&process, sizeof(process), &written);
    if (status == TES_OK) {
        *out_status = (int)process.exit_status;
    }
    return true;
}

static void arm_timer(struct init *init)
{
    uint64_t next = 0;
    for (uint32_t i = 0; i < INSTANCES_MAX; i++) {
        const struct instance *instance = &init->instances[i];
        if (instance->spec != NULL && instance->state == TES_PROGRAM_WAITING &&
            (next == 0 || instance->restart_at_ns < next)) {
            next = instance->restart_at_ns;
        }
    }
    // deadline 0 disarms; the slot and bits are constants.
    (void)!tes_timer_set(init->notification, TIMER_SLOT, TIMER_BIT, next, 0);
}

static void plan_restart(struct init *init, struct instance *instance)
{
    uint64_t now = tes_time_monotonic_ns();
    bool has_lasted = now - instance->started_ns > LASTED_NS;
    instance->failures_in_row = has_lasted ? 0 : instance->failures_in_row + 1;
    uint64_t shift = min_u64(instance->failures_in_row, BACKOFF_SHIFT_MAX);
    shift = shift != 0 ? shift - 1 : 0; // the first quick end waits no longer than a late one
    instance->restart_at_ns = now + ((instance->spec->backoff_ms * TES_NS_PER_MS) << shift);
    instance->state = TES_PROGRAM_WAITING;
    wiring_hold(init, instance, true);
    arm_timer(init);
}

void supervise_ended(struct init *init, struct instance *instance)
{
    enum restart_policy policy = instance->spec->restart;
    bool has_failed = instance->exit_status != 0;
    if (policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && has_failed)) {
        plan_restart(init, instance);
    } else {
        wiring_hold(init, instance, false);
    }
}

void supervise_failed_start(struct init *init, struct instance *instance)
{
    instance->exit_status = START_FAILED;
    instance->state = TES_PROGRAM_ENDED;
    supervise_ended(init, instance);
}

static void check_ended(struct init *init, uint64_t bits)
{
    for (uint32_t i = 0; i < INSTANCES_MAX; i++) {
        struct instance *instance = &init->instances[i];
        int status = 0;
        if (instance->spec != NULL && instance->state == TES_PROGRAM_RUNNING &&
            (bits & instance_exit_bit(instance)) != 0 && has_ended(instance, &status)) {
            instance_end(init, instance, status);
            supervise_ended(init, instance);
        }
    }
}

static void restart_due(struct init *init)
{
    uint64_t now = tes_time_monotonic_ns();
    for (uint32_t i = 0; i < INSTANCES_MAX; i++) {
        struct instance *instance = &init->instances[i];
        if (instance->spec == NULL || instance->state != TES_PROGRAM_WAITING ||
            instance->restart_at_ns > now) {
            continue;
        }
        instance->restarts++;
        events_add(&init->events, "%llu %s restarted (%u)",
                   (unsigned long long)(now / TES_NS_PER_MS), instance->spec->name,
                   instance->restarts);
        if (instance_start(init, instance) != TES_OK) {
            supervise_failed_start(init, instance);
        }
    }
    arm_timer(init);
}

void supervise_signal(struct init *init, uint64_t bits)
{
    check_ended(init, bits & (TIMER_BIT - 1));
    if ((bits & TIMER_BIT) != 0) {
        restart_due(init);
    }
}
