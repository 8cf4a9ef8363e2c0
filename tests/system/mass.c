// SPDX-License-Identifier: MIT OR Apache-2.0
// Many: live processes, threads created and destroyed, handles of one table, a machine without
// memory.
#include "test.h"

#define PROCESSES    1000u
#define THREADS      10000u
#define HANDLES      5000u
#define HANDLES_SIZE (10 * PAGE)
#define BATCH        4096u
#define MASS_PAGES   100000u
#define MASS_OBJECTS 60000u
#define MASS_HANDLES 60000u

static tes_quota_t mass_quota(void)
{
    tes_quota_t quota = { 0 };
    OK(tes_quota_create(own_quota(), MASS_PAGES, MASS_OBJECTS, MASS_HANDLES, 0, &quota));
    return quota;
}

static void answering_main(struct child_block *block)
{
    const tes_endpoint_t endpoint = { block->handles[1] };
    struct tes_message message = { 0 };
    tes_status_t status = message_receive(endpoint, &message);
    while (status == TES_OK) {
        message.words[0] = message.words[0] * 2 + block->words[0];
        message.label = 0;
        status = message_reply_receive(endpoint, &message);
    }
}

struct mass {
    struct child children[PROCESSES];
    tes_endpoint_t endpoints[PROCESSES];
};
#define MASS_SIZE ((sizeof(struct mass) + PAGE - 1) & ~(PAGE - 1))

static void a_thousand_live_processes_each_answer(void)
{
    const struct child_options options = { .name = "mass", .quota = mass_quota() };
    const tes_memory_t memory = test_memory(MASS_SIZE); // not static: children map the static data
    struct mass *mass = (struct mass *)test_map(memory, MASS_SIZE, READ_WRITE);
    struct child *children = mass->children;
    tes_endpoint_t *endpoints = mass->endpoints;
    for (uint32_t i = 0; i < PROCESSES; i++) {
        OK(tes_endpoint_create(options.quota, &endpoints[i]));
        OK(child_create(&children[i], &options));
        OK(child_give(&children[i], 1, endpoints[i].value));
        children[i].block->words[0] = i;
        OK(child_run(&children[i], answering_main));
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        struct tes_message message = { .words = { 1000 } };
        OK(message_call(endpoints[i], &message));
        CHECK_EQUAL(message.words[0], 2000 + i);
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        OK(child_destroy(&children[i]));
        test_destroy(tes_endpoint_any(endpoints[i]));
    }
    test_destroy(tes_quota_any(options.quota));
    test_unmap((uint64_t)mass, MASS_SIZE);
    test_destroy(tes_memory_any(memory));
}

static void counting_main(struct worker *self)
{
    (*(uint64_t *)self->argument)++;
}

static void ten_thousand_threads_come_and_go(void)
{
    uint64_t count = 0;
    struct worker worker;
    for (uint32_t i = 0; i < THREADS; i++) {
        test_worker(&worker, counting_main, &count);
        test_join(&worker);
    }
    CHECK_EQUAL(count, THREADS);
}

static void thousands_of_handles_fill_a_table_and_leave_it(void)
{
    const tes_memory_t memory = test_memory(HANDLES_SIZE);
    uint64_t *values = (uint64_t *)test_map(memory, HANDLES_SIZE, READ_WRITE);
    const tes_notification_t n = test_notification();
    for (uint32_t i = 0; i < HANDLES; i++) {
        values[i] = test_derive(tes_notification_any(n), ALL_RIGHTS).value;
    }
    for (uint32_t i = 0; i < HANDLES; i++) {
        OK(tes_notification_signal((tes_notification_t){ values[i] }, 1));
    }
    test_destroy(tes_notification_any(n)); // all of them are dead at once
    for (uint32_t i = 0; i < HANDLES; i++) {
        CHECK_EQUAL(tes_notification_signal((tes_notification_t){ values[i] }, 1),
                    TES_ERROR_REVOKED);
    }
    test_unmap((uint64_t)values, HANDLES_SIZE);
    test_destroy(tes_memory_any(memory));
}

// What the root Quota has left, as one Memory, page by page filled until nothing is left.
static tes_memory_t take_all_pages(void)
{
    struct tes_info_quota root = test_quota_info(own_quota());
    tes_memory_t memory = { 0 };
    uint64_t left = root.pages_limit - root.pages_used;
    OK(tes_memory_create(own_quota(), left * PAGE, 0, (tes_endpoint_t){ 0 }, 0, &memory));
    for (uint64_t page = 0; page + BATCH < left; page += BATCH) {
        if (tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, page * PAGE, BATCH * PAGE) !=
            TES_OK) {
            break;
        }
    }
    for (uint64_t count = BATCH; count > 0; count /= 2) { // the rest, as far as it goes
        uint64_t page = left - left % BATCH;
        (void)!tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, page * PAGE, count * PAGE);
    }
    return memory;
}

static void a_machine_without_memory_refuses_and_recovers(void)
{
    tes_memory_t memory = take_all_pages();
    tes_memory_t more = { 0 };
    struct tes_info_quota root = test_quota_info(own_quota());
    uint64_t asked = (root.pages_limit - root.pages_used + 1) * PAGE;
    EXPECT(MEMORY_CREATE, NO_MEMORY,
           tes_memory_create(own_quota(), asked, TES_MEMORY_CREATE_COMMIT, (tes_endpoint_t){ 0 }, 0,
                             &more));
    test_destroy(tes_memory_any(memory));
    const tes_memory_t again = test_memory(PAGE);
    OK(tes_memory_control(again, TES_MEMORY_CONTROL_COMMIT, 0, PAGE));
    test_destroy(tes_memory_any(again));
}

static const struct test_case mass_tests[] = {
    { "a thousand live processes each answer", a_thousand_live_processes_each_answer, TEST_LONG },
    { "ten thousand threads come and go", ten_thousand_threads_come_and_go, TEST_LONG },
    { "thousands of handles fill a table and leave it",
      thousands_of_handles_fill_a_table_and_leave_it, TEST_LONG },
    { "a machine without memory refuses and recovers",
      a_machine_without_memory_refuses_and_recovers, TEST_LONG },
};
const struct test_group mass_group = TEST_GROUP(mass);
