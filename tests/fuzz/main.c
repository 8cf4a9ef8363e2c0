// SPDX-License-Identifier: MIT OR Apache-2.0
// The supervisor: rounds of one victim each. A victim that makes no progress is killed with its
// Quota, like one that is done; afterwards everything it had must be free.
#include "fuzz.h"

#define CALLS_DEFAULT 500000u
#define ROUND_DEFAULT 4000u
#define QUOTA_PAGES   1500u
#define QUOTA_OBJECTS 400u
#define QUOTA_HANDLES 400u
#define POLL_NS       (2 * NS_PER_MS)
#define STUCK_POLLS   50u
#define SETTLE_NS     (2 * NS_PER_SECOND)
#define PRIORITY      20u
#define LEAKS_MAX     10u
#define GOLDEN        0x9e3779b97f4a7c15ull

static struct {
    uint64_t calls, stuck, rounds, leaks;
} total;

static void quota_read(struct tes_info_quota *info)
{
    uint64_t written = 0;
    MUST(tes_object_info(tes_quota_any(own_quota()), TES_INFO_QUOTA, 0, (uint64_t)info,
                         sizeof(*info), &written));
}

static void counts_read(struct tes_info_object_counts *counts)
{
    uint64_t written = 0;
    MUST(tes_object_info(tes_resource_any(own_machine()), TES_INFO_OBJECT_COUNTS, 0,
                         (uint64_t)counts, sizeof(*counts), &written));
}

// The Resource belongs to the supervisor: the victim may use it, not end it.
static void give_narrow(struct child *child, uint32_t index, uint64_t narrow)
{
    MUST(tes_handle_copy(child->process, (tes_handle_t){ narrow },
                         TES_RIGHT_RESOURCE_USE | TES_RIGHT_DERIVE | TES_RIGHT_INSPECT, 0,
                         &child->block->handles[index]));
}

// One object of each type that a victim may have, paid by it; and Resources that can do no harm.
static void equip(struct child *child, tes_quota_t quota, uint64_t *narrow)
{
    tes_notification_t notification = { 0 };
    tes_endpoint_t endpoint = { 0 };
    tes_memory_t memory = { 0 };
    tes_session_t session = { 0 };
    tes_space_t guest = { 0 };
    uint32_t index = 0;
    MUST(tes_notification_create(quota, &notification));
    MUST(tes_endpoint_create(quota, &endpoint));
    MUST(tes_memory_create(quota, 8 * TES_PAGE_SIZE, 0, (tes_endpoint_t){ 0 }, 0, &memory));
    MUST(tes_session_create(tes_endpoint_any(endpoint), quota, 5, 0, &session));
    MUST(tes_space_create(quota, 0, &guest));
    MUST(tes_resource_control((tes_resource_t){ TES_STARTUP_PORTS }, TES_RESOURCE_CONTROL_DERIVE,
                              0x80, 1, 0, narrow)); // the port of POST codes
    const uint64_t handles[] = {
        child->process.value, child->space.value, child->thread.value, child->context.value,
        quota.value,          notification.value, endpoint.value,      memory.value,
        session.value,        guest.value,        endpoint.value,      notification.value,
        memory.value,
    };
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        MUST(child_give(child, index++, handles[i]));
    }
    give_narrow(child, index, *narrow);
    const uint64_t own[] = { notification.value, endpoint.value, memory.value, session.value,
                             guest.value };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        MUST(tes_handle_close(own[i]));
    }
}

static void await_end(const struct child *child)
{
    uint64_t last = 0;
    uint32_t stuck = 0;
    while (stuck < STUCK_POLLS &&
           child->block->words[FUZZ_DONE] < child->block->words[FUZZ_LIMIT]) {
        program_sleep(POLL_NS);
        uint64_t done = child->block->words[FUZZ_DONE];
        stuck = done == last ? stuck + 1 : 0;
        last = done;
        if (thread_state(child->thread) == TES_THREAD_DEAD) {
            break;
        }
    }
    total.stuck += stuck == STUCK_POLLS;
}

static void clean_up(struct child *child, tes_quota_t outer, uint64_t inner, uint64_t narrow)
{
    uint64_t size = (CHILD_PAGES - CHILD_STACK_PAGES) * TES_PAGE_SIZE;
    total.calls += child->block->words[FUZZ_DONE];
    MUST(tes_object_destroy(tes_quota_any(outer)));
    const uint64_t left[] = { child->process.value, child->space.value,  child->thread.value,
                              child->context.value, child->memory.value, inner };
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        (void)!tes_handle_close(left[i]); // dead, and perhaps swept
    }
    (void)!tes_object_destroy(tes_notification_any(child->done)); // the victim may have done it
    MUST(tes_object_destroy((tes_handle_t){ narrow }));
    MUST(tes_space_unmap(own_space(), child->mapped, size));
}

static bool is_free_again(const struct tes_info_object_counts *counts,
                          const struct tes_info_quota *root)
{
    struct tes_info_object_counts now = { 0 };
    struct tes_info_quota info = { 0 };
    uint64_t end = time_now() + SETTLE_NS;
    do {
        counts_read(&now);
        quota_read(&info);
        bool is_same =
            now.sessions == counts->sessions && info.objects_used == root->objects_used &&
            info.handles_used == root->handles_used && info.pages_used == root->pages_used;
        for (uint32_t type = 0; type < TES_TYPE_COUNT && is_same; type++) {
            is_same = now.by_type[type] == counts->by_type[type];
        }
        if (is_same) {
            return true;
        }
        program_sleep(POLL_NS);
    } while (time_now() < end);
    print("# objects %lu, %lu; handles %lu, %lu; pages %lu, %lu; Sessions %lu, %lu\n",
          (unsigned long)root->objects_used, (unsigned long)info.objects_used,
          (unsigned long)root->handles_used, (unsigned long)info.handles_used,
          (unsigned long)root->pages_used, (unsigned long)info.pages_used,
          (unsigned long)counts->sessions, (unsigned long)now.sessions);
    return false;
}

static bool run_round(uint64_t seed, uint64_t calls, uint32_t cores)
{
    struct child child;
    tes_quota_t outer = { 0 }; // the victim may revoke and destroy what it has; this one it has not
    tes_quota_t quota = { 0 };
    uint64_t narrow = 0;
    struct tes_info_object_counts counts = { 0 };
    struct tes_info_quota root = { 0 };
    counts_read(&counts);
    quota_read(&root);
    MUST(tes_quota_create(own_quota(), QUOTA_PAGES + 64, QUOTA_OBJECTS + 8, QUOTA_HANDLES + 8, 0,
                          &outer));
    MUST(tes_quota_create(outer, QUOTA_PAGES, QUOTA_OBJECTS, QUOTA_HANDLES, 0, &quota));
    const struct child_options options = {
        .name = "victim",
        .priority = PRIORITY,
        .core_mask = (1ull << cores) - 1,
        .quota = quota,
    };
    MUST(child_create(&child, &options));
    equip(&child, quota, &narrow);
    child.block->words[FUZZ_SEED] = seed;
    child.block->words[FUZZ_LIMIT] = calls;
    MUST(child_run(&child, victim_main));
    await_end(&child);
    clean_up(&child, outer, quota.value, narrow);
    total.rounds++;
    return is_free_again(&counts, &root);
}

uint32_t program_main(void)
{
    uint64_t calls = program_option_number("calls", CALLS_DEFAULT);
    uint64_t seed = program_option_number("seed", 1);
    uint64_t round = program_option_number("round", ROUND_DEFAULT);
    uint32_t cores = machine_core_count();
    struct child child;
    const struct child_options options = { .name = "first" };
    MUST(child_create(&child, &options)); // makes what all children share
    MUST(child_destroy(&child));
    program_sleep(NS_PER_MS);
    (void)run_round(0, 1, cores); // warms up: tables and caches that stay
    while (total.calls < calls && total.leaks < LEAKS_MAX) {
        uint64_t round_seed = seed * GOLDEN + total.rounds;
        if (!run_round(round_seed, round, cores)) {
            print("# round of seed %lu left something behind\n", (unsigned long)round_seed);
            total.leaks++;
        }
    }
    print("# %lu calls in %lu rounds, %lu victims were stuck and killed\n",
          (unsigned long)total.calls, (unsigned long)total.rounds, (unsigned long)total.stuck);
    print("%sok 1 - random kernel calls leave nothing behind\n1..1\n",
          total.leaks == 0 ? "" : "not ");
    return PROGRAM_EXIT_GOOD;
}
