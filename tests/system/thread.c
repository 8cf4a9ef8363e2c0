// SPDX-License-Identifier: MIT OR Apache-2.0
// Threads: start, end, settings, registers, stop; and yielding.
#include "test.h"

#include <arch_user/thread.h>
#include <rt/atomic.h>

static void counting_worker(struct worker *self)
{
    uint64_t *counter = self->argument;
    atomic_add_u64(counter, 1, ATOMIC_RELAXED);
}

static void a_thread_runs_and_tells_of_its_end(void)
{
    uint64_t counter = 0;
    struct worker worker;
    test_worker(&worker, counting_worker, &counter);
    test_join(&worker);
    CHECK_EQUAL(counter, 1);
}

static tes_thread_t thread_make(tes_sched_context_t *out_context)
{
    tes_thread_t thread = { 0 };
    OK(tes_context_create(test.quota, NS_PER_MS, 0, 1, 1, out_context));
    OK(tes_thread_create(own_process(), *out_context, &thread));
    return thread;
}

static void thread_end(tes_thread_t thread, tes_sched_context_t context)
{
    test_destroy(tes_thread_any(thread));
    test_destroy(tes_sched_context_any(context));
}

static void thread_start_refuses_what_cannot_run(void)
{
    tes_sched_context_t context = { 0 };
    tes_thread_t thread = thread_make(&context);
    tes_thread_t other = { 0 };
    const uint64_t good = (uint64_t)tes_arch_thread_entry;
    EXPECT(THREAD_START, BAD_ADDRESS, tes_thread_start(thread, TES_USER_TOP, good, 0, 0));
    EXPECT(THREAD_START, BAD_ADDRESS, tes_thread_start(thread, good, 1ull << 63, 0, 0));
    EXPECT(THREAD_CREATE, BUSY, tes_thread_create(own_process(), context, &other));
    OK(tes_thread_create(own_process(), (tes_sched_context_t){ 0 }, &other));
    EXPECT(THREAD_START, INVALID, tes_thread_start(other, good, good, 0, 0));
    test_destroy(tes_thread_any(other));
    const tes_thread_t self = { TES_STARTUP_THREAD };
    EXPECT(THREAD_START, BUSY, tes_thread_start(self, good, good, 0, 0));
    thread_end(thread, context);
}

static void thread_settings_refuse_wrong_values(void)
{
    tes_sched_context_t context = { 0 };
    tes_thread_t thread = thread_make(&context);
    const tes_sched_context_t mine = { TES_STARTUP_CONTEXT };
    EXPECT(THREAD_CONTROL, INVALID, tes_thread_control(thread, 99, 0, 0));
    EXPECT(THREAD_CONTROL, INVALID, tes_thread_control(thread, TES_THREAD_VECTOR_STATE, 2, 0));
    EXPECT(THREAD_CONTROL, BAD_ADDRESS,
           tes_thread_control(thread, TES_THREAD_MESSAGE_PAGE, 0x10000000, 0));
    EXPECT(THREAD_CONTROL, BAD_ADDRESS,
           tes_thread_control(thread, TES_THREAD_FAULT_VECTOR, TES_USER_TOP, 0));
    EXPECT(THREAD_CONTROL, BAD_HANDLE,
           tes_thread_control(thread, TES_THREAD_FAULT_ENDPOINT, 64, 0));
    EXPECT(THREAD_CONTROL, BUSY, tes_thread_control(thread, TES_THREAD_CONTEXT, mine.value, 0));
    OK(tes_thread_control(thread, TES_THREAD_NAME, 0x41, 0));
    OK(tes_thread_control(thread, TES_THREAD_THREAD_POINTER, 0x1000000, 0));
    thread_end(thread, context);
}

static void registers_of_a_new_thread_are_read_and_written(void)
{
    tes_sched_context_t context = { 0 };
    tes_thread_t thread = thread_make(&context);
    struct tes_registers registers = { 0 };
    OK(tes_thread_registers(thread, (uint64_t)&registers, 0));
    registers.rbx = 0x123;
    registers.rip = (uint64_t)tes_arch_thread_entry;
    registers.rsp = 0x10000;
    OK(tes_thread_registers(thread, (uint64_t)&registers, TES_THREAD_REGISTERS_WRITE));
    struct tes_registers again = { 0 };
    OK(tes_thread_registers(thread, (uint64_t)&again, 0));
    CHECK_EQUAL(again.rbx, 0x123);
    CHECK_EQUAL(again.rip, registers.rip);
    registers.rip = 1ull << 47;
    EXPECT(THREAD_REGISTERS, BAD_ADDRESS,
           tes_thread_registers(thread, (uint64_t)&registers, TES_THREAD_REGISTERS_WRITE));
    EXPECT(THREAD_REGISTERS, BAD_ADDRESS, tes_thread_registers(thread, 0x1000, 0));
    const tes_thread_t self = { TES_STARTUP_THREAD };
    EXPECT(THREAD_REGISTERS, BUSY, tes_thread_registers(self, (uint64_t)&registers, 0));
    thread_end(thread, context);
}

static void spinning_worker(struct worker *self)
{
    uint64_t *counter = self->argument;
    for (;;) {
        atomic_add_u64(counter, 1, ATOMIC_RELAXED);
        (void)!tes_yield(); // cannot fail
    }
}

static void a_stopped_thread_does_not_run_until_it_may_go_on(void)
{
    uint64_t counter = 0;
    struct worker worker;
    test_worker(&worker, spinning_worker, &counter);
    test_await_above(&counter, 0);
    OK(tes_thread_control(worker.thread, TES_THREAD_STOP, 1, 0));
    test_await(worker.thread, TES_THREAD_STOPPED);
    uint64_t stopped_at = atomic_load_u64(&counter, ATOMIC_RELAXED);
    struct tes_registers registers = { 0 };
    OK(tes_thread_registers(worker.thread, (uint64_t)&registers, 0));
    program_sleep(NS_PER_MS);
    CHECK_EQUAL(atomic_load_u64(&counter, ATOMIC_RELAXED), stopped_at);
    OK(tes_thread_control(worker.thread, TES_THREAD_STOP, 0, 0));
    test_await_above(&counter, stopped_at);
    OK(worker_destroy(&worker)); // ends it while it runs
}

static void a_thread_that_does_not_wait_cannot_be_cancelled(void)
{
    uint64_t counter = 0;
    struct worker worker;
    test_worker(&worker, spinning_worker, &counter);
    test_await_above(&counter, 0);
    EXPECT(THREAD_CANCEL, NOT_FOUND, tes_thread_cancel(worker.thread, 0));
    OK(tes_thread_cancel(worker.thread, TES_THREAD_CANCEL_KICK)); // latched, harms nobody
    OK(worker_destroy(&worker));
}

static void exiting_child(struct child_block *block)
{
    (void)block;
    (void)!tes_thread_exit(77); // does not come back
}

static void the_last_thread_ends_its_process_and_leaves_a_status(void)
{
    struct child child;
    const struct child_options options = { .quota = test.quota, .core_mask = test.peer_core_mask };
    struct tes_info_process info = { 0 };
    uint64_t written = 0;
    OK(child_create(&child, &options));
    OK(child_run(&child, exiting_child));
    OK(child_wait(&child));
    OK(tes_object_info(tes_process_any(child.process), TES_INFO_PROCESS, 0, (uint64_t)&info,
                       sizeof(info), &written));
    CHECK_EQUAL(info.exit_status, 77);
    OK(child_destroy(&child));
}

static void yielding_threads_take_turns(void)
{
    uint64_t counter = 0;
    struct worker worker;
    test_worker(&worker, spinning_worker, &counter);
    for (uint32_t i = 0; i < 100; i++) {
        OK(tes_yield());
    }
    CHECK(atomic_load_u64(&counter, ATOMIC_RELAXED) >= 50);
    OK(worker_destroy(&worker));
}

static const struct test_case thread_tests[] = {
    { "a thread runs and tells of its end", a_thread_runs_and_tells_of_its_end, TEST_PATHS },
    { "thread_start refuses what cannot run", thread_start_refuses_what_cannot_run, 0 },
    { "thread settings refuse wrong values", thread_settings_refuse_wrong_values, 0 },
    { "registers of a new thread are read and written",
      registers_of_a_new_thread_are_read_and_written, 0 },
    { "a stopped thread does not run until it may go on",
      a_stopped_thread_does_not_run_until_it_may_go_on, TEST_PATHS },
    { "a thread that does not wait cannot be cancelled",
      a_thread_that_does_not_wait_cannot_be_cancelled, TEST_PATHS },
    { "the last thread ends its process and leaves a status",
      the_last_thread_ends_its_process_and_leaves_a_status, TEST_PATHS },
    { "yielding threads take turns", yielding_threads_take_turns, 0 },
};
const struct test_group thread_group = TEST_GROUP(thread);
