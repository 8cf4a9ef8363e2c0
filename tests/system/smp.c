// SPDX-License-Identifier: MIT OR Apache-2.0
// Two cores and more: shoot-down of translations, killing and cancelling what runs elsewhere, many
// callers of one server, idle cores that pull work.
#include "test.h"

#include <rt/atomic.h>

#define ROUNDS     200u
#define CALLERS    6u
#define CALLS      300u
#define PULL_POLLS 100u

static void the_time_page_and_the_kernel_agree_on_cores(void)
{
    CHECK_EQUAL(time_core_count(), machine_core_count());
}

struct toucher {
    uint64_t address;
    uint64_t stop, reads, wrong;
};

// Reads a word that is only ever 0 (its Memory is gone or fresh) or the address of the page.
static void touching_main(struct worker *self)
{
    struct toucher *toucher = self->argument;
    while (atomic_load_u64(&toucher->stop, ATOMIC_RELAXED) == 0) {
        uint64_t value = *(volatile uint64_t *)toucher->address;
        atomic_add_u64(&toucher->reads, 1, ATOMIC_RELAXED);
        if (value != 0 && value != toucher->address) {
            atomic_add_u64(&toucher->wrong, 1, ATOMIC_RELAXED);
        }
    }
}

// Replaces the page under the other core's eyes; after the call returned no stale page may be read.
static void no_core_reads_a_page_after_it_was_replaced(void)
{
    struct toucher toucher = { 0 };
    struct worker worker;
    tes_memory_t memory = test_memory(PAGE);
    uint64_t mapped = 0;
    toucher.address = test_map(memory, PAGE, READ_WRITE);
    *(volatile uint64_t *)toucher.address = toucher.address;
    test_worker(&worker, touching_main, &toucher);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        tes_memory_t next = test_memory(PAGE);
        OK(tes_space_map(own_space(), next, 0, toucher.address, PAGE,
                         READ_WRITE | TES_SPACE_MAP_REPLACE, &mapped));
        test_destroy(tes_memory_any(memory)); // its frame may be anything from here on
        memory = next;
        if (i % 2 == 0) {
            *(volatile uint64_t *)toucher.address = toucher.address;
        }
    }
    atomic_store_u64(&toucher.stop, 1, ATOMIC_RELAXED);
    test_join(&worker);
    CHECK(toucher.reads > 0);
    CHECK_EQUAL(toucher.wrong, 0);
    test_unmap(toucher.address, PAGE);
    test_destroy(tes_memory_any(memory));
}

static void spinning_main(struct worker *self)
{
    uint64_t *count = self->argument;
    for (;;) {
        atomic_add_u64(count, 1, ATOMIC_RELAXED);
    }
}

static void a_thread_that_runs_elsewhere_is_killed(void)
{
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t count = 0;
        struct worker worker;
        test_worker(&worker, spinning_main, &count);
        while (atomic_load_u64(&count, ATOMIC_RELAXED) == 0) {
            OK(tes_yield());
        }
        OK(worker_destroy(&worker));
    }
}

struct service {
    tes_endpoint_t endpoint;
    uint64_t calls, wrong;
};

static void server_main(struct worker *self)
{
    struct service *service = self->argument;
    struct tes_message message = { 0 };
    tes_status_t status = message_receive(service->endpoint, &message);
    while (status == TES_OK) {
        service->calls++;
        message.words[0]++;
        message.label = 0;
        status = message_reply_receive(service->endpoint, &message);
    }
}

static void caller_main(struct worker *self)
{
    struct service *service = self->argument;
    for (uint64_t i = 0; i < CALLS; i++) {
        struct tes_message message = { .words = { i } };
        tes_status_t status = message_call(service->endpoint, &message);
        if (status != TES_OK || message.words[0] != i + 1) {
            atomic_add_u64(&service->wrong, 1, ATOMIC_RELAXED);
        }
    }
}

static void callers_on_all_cores_share_a_server(void)
{
    struct service service = { .endpoint = test_endpoint() };
    struct worker server;
    struct worker callers[CALLERS];
    uint32_t cores = machine_core_count();
    test_worker(&server, server_main, &service);
    for (uint32_t i = 0; i < CALLERS; i++) {
        const struct worker_options options = { .core_mask = 1ull << i % cores,
                                                .quota = test.quota };
        OK(worker_start(&callers[i], &options, caller_main, &service));
    }
    for (uint32_t i = 0; i < CALLERS; i++) {
        test_join(&callers[i]);
    }
    CHECK_EQUAL(service.wrong, 0);
    CHECK_EQUAL(service.calls, CALLERS * CALLS);
    test_destroy(tes_endpoint_any(service.endpoint));
    test_join(&server);
}

static void cancelling_races_with_answering(void)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct service service = { .endpoint = test_endpoint() };
        struct worker server;
        struct worker caller;
        test_worker(&server, server_main, &service);
        const struct worker_options options = { .quota = test.quota };
        OK(worker_start(&caller, &options, caller_main, &service));
        program_sleep(NS_PER_US * (i % 50));
        tes_status_t status = tes_thread_cancel(caller.thread, 0);
        CHECK(status == TES_OK || status == TES_ERROR_NOT_FOUND || status == TES_ERROR_REVOKED);
        test_join(&caller);
        CHECK(service.wrong <= 1);
        OK(worker_destroy(&server));
        test_destroy(tes_endpoint_any(service.endpoint));
    }
}

static void idle_cores_pull_threads_that_may_move(void)
{
    uint64_t counts[2] = { 0 };
    struct worker workers[2];
    const struct worker_options options = { .core_mask = 3, .quota = test.quota };
    for (uint32_t i = 0; i < 2; i++) {
        OK(worker_start(&workers[i], &options, spinning_main, &counts[i]));
    }
    struct tes_info_thread info[2] = { { 0 } };
    uint64_t written = 0;
    for (uint32_t poll = 0; poll < PULL_POLLS && info[0].core == info[1].core; poll++) {
        program_sleep(20 * NS_PER_MS); // a loaded host may not have run the idle core yet
        for (uint32_t i = 0; i < 2; i++) {
            OK(tes_object_info(tes_thread_any(workers[i].thread), TES_INFO_THREAD, 0,
                               (uint64_t)&info[i], sizeof(info[i]), &written));
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        OK(worker_destroy(&workers[i]));
    }
    CHECK(info[0].core != info[1].core);
}

static const struct test_case smp_tests[] = {
    { "the time page and the kernel agree on the number of cores",
      the_time_page_and_the_kernel_agree_on_cores, 0 },
    { "no core reads a page after it was replaced", no_core_reads_a_page_after_it_was_replaced,
      TEST_TWO_CORES },
    { "a thread that runs on another core is killed", a_thread_that_runs_elsewhere_is_killed,
      TEST_TWO_CORES },
    { "callers on all cores share a server", callers_on_all_cores_share_a_server, TEST_TWO_CORES },
    { "cancelling races with answering", cancelling_races_with_answering,
      TEST_TWO_CORES | TEST_LONG },
    { "idle cores pull threads that may move", idle_cores_pull_threads_that_may_move,
      TEST_TWO_CORES },
};
const struct test_group smp_group = TEST_GROUP(smp);
