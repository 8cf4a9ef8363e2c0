// SPDX-License-Identifier: MIT OR Apache-2.0
// Every call that makes something, with a Quota that has no object, no page or no handle left: the
// documented error, and the Quota's figures as before. The Quota is shrunk to what is in use, so
// each kind is exhausted by itself.
#include "test.h"

#include <test_pairs.h>

#define SETTLE_NS (200 * NS_PER_MS)
#define IRQ_FREE  10u
#define IO_BASE   0xfd000000ull // neither RAM nor a device of the kernel
#define PAGES     300u

// Objects that the calls need; made in a Quota that is not exhausted.
struct needs {
    tes_quota_t quota;
    tes_process_t process;
    tes_notification_t notification;
    tes_memory_t memory;
    tes_space_t guest;
};

typedef tes_status_t maker_t(const struct needs *needs, uint64_t *out_handle);

static tes_status_t make_notification(const struct needs *needs, uint64_t *out)
{
    tes_notification_t made = { 0 };
    tes_status_t status = tes_notification_create(needs->quota, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_endpoint(const struct needs *needs, uint64_t *out)
{
    tes_endpoint_t made = { 0 };
    tes_status_t status = tes_endpoint_create(needs->quota, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_session(const struct needs *needs, uint64_t *out)
{
    tes_session_t made = { 0 };
    tes_status_t status =
        tes_session_create(tes_notification_any(needs->notification), needs->quota, 0, 0, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_quota(const struct needs *needs, uint64_t *out)
{
    tes_quota_t made = { 0 };
    tes_status_t status = tes_quota_create(needs->quota, 1, 1, 1, 0, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_process(const struct needs *needs, uint64_t *out)
{
    tes_process_t made = { 0 };
    tes_space_t space = { 0 };
    tes_status_t status = tes_process_create(needs->quota, 0, 0, &made, &space);
    *out = made.value;
    return status;
}

static tes_status_t make_thread(const struct needs *needs, uint64_t *out)
{
    tes_thread_t made = { 0 };
    tes_status_t status = tes_thread_create(needs->process, (tes_sched_context_t){ 0 }, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_context(const struct needs *needs, uint64_t *out)
{
    tes_sched_context_t made = { 0 };
    tes_status_t status = tes_context_create(needs->quota, NS_PER_MS, 0, 1, 1, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_memory(const struct needs *needs, uint64_t *out)
{
    tes_memory_t made = { 0 };
    tes_status_t status = tes_memory_create(needs->quota, PAGE, TES_MEMORY_CREATE_COMMIT,
                                            (tes_endpoint_t){ 0 }, 0, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_device(const struct needs *needs, uint64_t *out)
{
    tes_memory_t made = { 0 };
    tes_status_t status = tes_memory_device((tes_resource_t){ TES_STARTUP_IO_MEMORY }, needs->quota,
                                            IO_BASE, PAGE, 0, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_clone(const struct needs *needs, uint64_t *out)
{
    tes_memory_t made = { 0 };
    tes_status_t status = tes_memory_clone(needs->memory, needs->quota, 0, PAGE, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_space(const struct needs *needs, uint64_t *out)
{
    tes_space_t made = { 0 };
    tes_status_t status = tes_space_create(needs->quota, 0, &made);
    *out = made.value;
    return status;
}

static tes_status_t make_space_clone(const struct needs *needs, uint64_t *out)
{
    tes_space_t made = { 0 };
    tes_status_t status = tes_space_clone(needs->guest, needs->quota, &made);
    *out = made.value;
    return status;
}

struct maker {
    uint32_t call;
    maker_t *make;
    bool has_objects, has_pages; // takes objects, pages
};

static const struct maker makers[] = {
    { TES_CALL_NOTIFICATION_CREATE, make_notification, true, false },
    { TES_CALL_ENDPOINT_CREATE, make_endpoint, true, false },
    { TES_CALL_SESSION_CREATE, make_session, true, false },
    { TES_CALL_QUOTA_CREATE, make_quota, true, true },
    { TES_CALL_PROCESS_CREATE, make_process, true, true },
    { TES_CALL_THREAD_CREATE, make_thread, true, false },
    { TES_CALL_CONTEXT_CREATE, make_context, true, false },
    { TES_CALL_MEMORY_CREATE, make_memory, true, true },
    { TES_CALL_MEMORY_DEVICE, make_device, true, false },
    { TES_CALL_MEMORY_CLONE, make_clone, true, true },
    { TES_CALL_SPACE_CREATE, make_space, true, true },
    { TES_CALL_SPACE_CLONE, make_space_clone, true, true },
};

static bool quota_is(tes_quota_t quota, const struct tes_info_quota *before)
{
    struct tes_info_quota now = test_quota_info(quota);
    return now.pages_used == before->pages_used && now.objects_used == before->objects_used &&
           now.handles_used == before->handles_used;
}

static bool settles(tes_quota_t quota, const struct tes_info_quota *before)
{
    uint64_t end = time_now() + SETTLE_NS;
    while (!quota_is(quota, before)) {
        if (time_now() > end) {
            return false;
        }
        program_sleep(NS_PER_MS);
    }
    return true;
}

// Leaves pages and objects above what is in use, tries, and says whether the error was the expected
// one.
static bool try_with(const struct needs *needs, const struct maker *maker, uint64_t objects,
                     uint64_t pages, tes_status_t expected)
{
    uint64_t made = 0;
    struct tes_info_quota before = test_quota_info(needs->quota);
    OK(tes_quota_adjust(needs->quota, before.pages_used + pages, before.objects_used + objects,
                        before.handles_limit));
    tes_status_t status = maker->make(needs, &made);
    if (status == TES_OK) {
        OK(tes_object_destroy(any(made)));
    }
    bool is_settled = settles(needs->quota, &before);
    OK(tes_quota_adjust(needs->quota, PAGES, PAGES, PAGES));
    if (status != expected || !is_settled) {
        print("# %s with %lu objects and %lu pages left: %s, expected %s%s\n",
              test_call_names[maker->call], (unsigned long)objects, (unsigned long)pages,
              status_name(status), status_name(expected), is_settled ? "" : "; the Quota changed");
        return false;
    }
    test_covered(maker->call, expected);
    return true;
}

static struct needs needs_make(void)
{
    struct needs needs = { .notification = test_notification(), .memory = test_memory(PAGE) };
    tes_space_t space = { 0 };
    OK(tes_memory_control(needs.memory, TES_MEMORY_CONTROL_COMMIT, 0, PAGE));
    OK(tes_space_create(test.quota, 0, &needs.guest));
    OK(tes_quota_create(test.quota, PAGES, PAGES, PAGES, 0, &needs.quota));
    OK(tes_process_create(needs.quota, 0, 0, &needs.process, &space));
    return needs;
}

static void needs_end(const struct needs *needs)
{
    test_destroy(tes_process_any(needs->process));
    test_destroy(tes_quota_any(needs->quota));
    test_destroy(tes_space_any(needs->guest));
    test_destroy(tes_memory_any(needs->memory));
    test_destroy(tes_notification_any(needs->notification));
}

static void makers_fail_without_objects_and_change_nothing(void)
{
    struct needs needs = needs_make();
    uint32_t wrong = 0;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        wrong +=
            makers[i].has_objects && !try_with(&needs, &makers[i], 0, 200, TES_ERROR_NO_OBJECTS);
    }
    needs_end(&needs);
    CHECK_EQUAL(wrong, 0);
}

static void makers_fail_without_pages_and_change_nothing(void)
{
    struct needs needs = needs_make();
    uint32_t wrong = 0;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        wrong += makers[i].has_pages && !try_with(&needs, &makers[i], 100, 0, TES_ERROR_NO_MEMORY);
    }
    needs_end(&needs);
    CHECK_EQUAL(wrong, 0);
}

// Every number of pages from none up to enough: it works or says NO_MEMORY, and what failed changed
// nothing.
static void makers_work_or_fail_cleanly_with_any_number_of_pages(void)
{
    struct needs needs = needs_make();
    uint32_t wrong = 0;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        for (uint64_t left = 0; left < 12; left++) {
            uint64_t made = 0;
            struct tes_info_quota before = test_quota_info(needs.quota);
            OK(tes_quota_adjust(needs.quota, before.pages_used + left,
                                before.objects_used + left / 2, PAGES));
            tes_status_t status = makers[i].make(&needs, &made);
            if (status == TES_OK) {
                OK(tes_object_destroy(any(made)));
            } else if (status != TES_ERROR_NO_MEMORY && status != TES_ERROR_NO_OBJECTS) {
                wrong++;
            }
            bool is_settled = settles(needs.quota, &before);
            if (!is_settled) {
                print("# %s with %lu pages left changed the Quota\n",
                      test_call_names[makers[i].call], (unsigned long)left);
                wrong++;
            }
            OK(tes_quota_adjust(needs.quota, PAGES, PAGES, PAGES));
        }
    }
    needs_end(&needs);
    CHECK_EQUAL(wrong, 0);
}

// --- handles: in a process whose Quota has no handle left ---

static void add_answer(struct child_block *block, uint32_t call, tes_status_t status)
{
    uint64_t index = block->words[0]++;
    block->words[1 + 2 * index] = call;
    block->words[2 + 2 * index] = (uint64_t)(int64_t)status;
}

// Handles 1 notification, 2 memory, 3 quota with everything left, 4 IRQ Resource, 5 machine, 6 I/O
// memory, 7 process.
static void full_main(struct child_block *block)
{
    const struct needs needs = {
        .quota = { block->handles[3] },
        .notification = { block->handles[1] },
        .memory = { block->handles[2] },
        .process = { block->handles[7] },
    };
    tes_handle_t derived = { 0 };
    tes_irq_t irq = { 0 };
    tes_space_t guest = { 0 };
    uint64_t out = 0;
    tes_status_t status = tes_space_create(needs.quota, 0, &guest);
    while (status == TES_OK) {
        status = tes_handle_copy((tes_process_t){ 0 }, any(block->handles[1]), 0xffff, 0, &out);
    }
    add_answer(block, TES_CALL_HANDLE_COPY, status);
    add_answer(block, TES_CALL_HANDLE_DERIVE,
               tes_handle_derive(any(block->handles[1]), 0xffff, (tes_session_t){ 0 }, &derived));
    add_answer(block, TES_CALL_NOTIFICATION_CREATE, make_notification(&needs, &out));
    add_answer(block, TES_CALL_ENDPOINT_CREATE, make_endpoint(&needs, &out));
    add_answer(block, TES_CALL_SESSION_CREATE, make_session(&needs, &out));
    add_answer(block, TES_CALL_QUOTA_CREATE, make_quota(&needs, &out));
    add_answer(block, TES_CALL_PROCESS_CREATE, make_process(&needs, &out));
    add_answer(block, TES_CALL_THREAD_CREATE, make_thread(&needs, &out));
    add_answer(block, TES_CALL_CONTEXT_CREATE, make_context(&needs, &out));
    add_answer(block, TES_CALL_MEMORY_CREATE, make_memory(&needs, &out));
    add_answer(block, TES_CALL_MEMORY_CLONE, make_clone(&needs, &out));
    add_answer(block, TES_CALL_SPACE_CREATE, make_space(&needs, &out));
    tes_space_t clone = { 0 };
    add_answer(block, TES_CALL_SPACE_CLONE, tes_space_clone(guest, needs.quota, &clone));
    tes_memory_t device = { 0 };
    add_answer(block, TES_CALL_MEMORY_DEVICE,
               tes_memory_device((tes_resource_t){ block->handles[6] }, needs.quota, IO_BASE,
                                 0x1000, 0, &device));
    add_answer(block, TES_CALL_IRQ_CREATE,
               tes_irq_create((tes_resource_t){ block->handles[4] }, IRQ_FREE, needs.notification,
                              1, 0, &irq));
    add_answer(block, TES_CALL_RESOURCE_CONTROL,
               tes_resource_control((tes_resource_t){ block->handles[5] },
                                    TES_RESOURCE_CONTROL_DERIVE, 0, 0, 0, &out));
}

static void makers_fail_without_handles(void)
{
    tes_quota_t quota = { 0 };
    struct child child;
    uint32_t wrong = 0;
    OK(tes_quota_create(test.quota, PAGES, PAGES, 100, 0, &quota));
    const struct child_options options = { .quota = quota };
    struct needs needs = needs_make();
    OK(child_create(&child, &options));
    const uint64_t given[] = { 0,
                               needs.notification.value,
                               needs.memory.value,
                               needs.quota.value,
                               TES_STARTUP_IRQS,
                               TES_STARTUP_MACHINE,
                               TES_STARTUP_IO_MEMORY,
                               needs.process.value };
    for (uint32_t i = 1; i < sizeof(given) / sizeof(given[0]); i++) {
        OK(child_give(&child, i, given[i]));
    }
    OK(child_run(&child, full_main));
    OK(child_wait(&child));
    for (uint64_t i = 0; i < child.block->words[0]; i++) {
        uint32_t call = (uint32_t)child.block->words[1 + 2 * i];
        tes_status_t status = (tes_status_t)child.block->words[2 + 2 * i];
        if (status == TES_ERROR_NO_HANDLES) {
            test_covered(call, status);
        } else {
            print("# %s without handles: %s\n", test_call_names[call], status_name(status));
            wrong++;
        }
    }
    CHECK(child.block->words[0] > 10);
    OK(child_destroy(&child));
    test_destroy(tes_quota_any(quota));
    needs_end(&needs);
    CHECK_EQUAL(wrong, 0);
}

static const struct test_case exhaust_tests[] = {
    { "calls that make something fail without objects, and change nothing",
      makers_fail_without_objects_and_change_nothing, TEST_LONG },
    { "calls that make something fail without pages, and change nothing",
      makers_fail_without_pages_and_change_nothing, TEST_LONG },
    { "they work or fail cleanly with any number of pages",
      makers_work_or_fail_cleanly_with_any_number_of_pages, TEST_LONG },
    { "they fail without handles", makers_fail_without_handles, TEST_LONG },
};
const struct test_group exhaust_group = TEST_GROUP(exhaust);
