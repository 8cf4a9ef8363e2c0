// SPDX-License-Identifier: MIT OR Apache-2.0
// Exceptions of user code: to the thread's fault vector, to its fault endpoint, or a crash report
// and the thread's end.
#include "test.h"

#include <abi/fault.h>

void cause_read_null(void), cause_write_text(void), cause_jump_unmapped(void),
    cause_undefined(void), cause_privileged(void), cause_port(void), cause_divide(void),
    cause_breakpoint(void), cause_step(void), cause_noncanonical(void), cause_interrupt_gate(void),
    cause_kernel_read(void), cause_bad_segment(void);
void fault_vector_entry(void);
void fault_vector_main(struct tes_fault_area *area);

#define ANY_ADDRESS UINT64_MAX

struct exception {
    const char *name;
    void (*run)(void);
    uint64_t cause;
    uint64_t address, access;
};

static const struct exception exceptions[] = {
    { "read of nothing", cause_read_null, TES_FAULT_PAGE, 0x10, 0 },
    { "write of text", cause_write_text, TES_FAULT_PAGE, ANY_ADDRESS,
      TES_FAULT_ACCESS_WRITE | TES_FAULT_ACCESS_PRESENT },
    { "jump to nothing", cause_jump_unmapped, TES_FAULT_PAGE, 0x123456000,
      TES_FAULT_ACCESS_EXECUTE },
    { "undefined instruction", cause_undefined, TES_FAULT_INSTRUCTION, ANY_ADDRESS, 0 },
    { "privileged instruction", cause_privileged, TES_FAULT_PROTECTION, ANY_ADDRESS, 0 },
    { "port without a Resource", cause_port, TES_FAULT_PROTECTION, ANY_ADDRESS, 0 },
    { "division by zero", cause_divide, TES_FAULT_DIVIDE, ANY_ADDRESS, 0 },
    { "breakpoint", cause_breakpoint, TES_FAULT_BREAKPOINT, ANY_ADDRESS, 0 },
    { "single step", cause_step, TES_FAULT_DEBUG, ANY_ADDRESS, 0 },
    { "non-canonical address", cause_noncanonical, TES_FAULT_PROTECTION, ANY_ADDRESS, 0 },
    { "interrupt gate of the kernel's", cause_interrupt_gate, TES_FAULT_PROTECTION, ANY_ADDRESS,
      0 },
    { "read of the kernel", cause_kernel_read, TES_FAULT_PAGE, 0xffffffff80200000, ANY_ADDRESS },
    { "wrong segment", cause_bad_segment, TES_FAULT_PROTECTION, ANY_ADDRESS, 0 },
};
#define EXCEPTIONS (sizeof(exceptions) / sizeof(exceptions[0]))

struct victim {
    const struct exception *exception;
    struct tes_fault_area area; // must be found from the area's address
    uint64_t vector_stack[512];
    struct tes_fault seen;
};

static void faulting_main(struct worker *self)
{
    const struct victim *victim = self->argument;
    victim->exception->run();
    self->result = 1; // went on
}

void fault_vector_main(struct tes_fault_area *area)
{
    struct victim *victim = (struct victim *)((uint64_t)area - offsetof(struct victim, area));
    victim->seen = (struct tes_fault){
        .cause = area->cause,
        .address = area->address,
        .access = area->access,
        .instruction_pointer = area->registers.rip,
    };
    area->in_use = 0;
    (void)!tes_thread_exit(0); // does not come back
}

static bool is_as_documented(const struct exception *exception, const struct tes_fault *seen)
{
    bool is_good = seen->cause == exception->cause &&
                   (exception->address == ANY_ADDRESS || seen->address == exception->address) &&
                   (exception->access == ANY_ADDRESS || seen->access == exception->access);
    if (!is_good) {
        print("# %s: cause %lu address 0x%lx access %lu\n", exception->name,
              (unsigned long)seen->cause, (unsigned long)seen->address,
              (unsigned long)seen->access);
    }
    return is_good;
}

static void worker_make(struct worker *worker, struct victim *victim)
{
    const struct worker_options options = { .quota = test.quota, .core_mask = test.peer_core_mask };
    OK(worker_create(worker, &options, faulting_main, victim));
}

static void every_exception_reaches_the_fault_vector(void)
{
    static struct victim victim;
    struct worker worker;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < EXCEPTIONS; i++) {
        memset(&victim, 0, sizeof(victim));
        victim.exception = &exceptions[i];
        victim.area.vector_stack = (uint64_t)(victim.vector_stack + 510);
        worker_make(&worker, &victim);
        OK(tes_thread_control(worker.thread, TES_THREAD_FAULT_VECTOR, (uint64_t)fault_vector_entry,
                              (uint64_t)&victim.area));
        OK(worker_run(&worker));
        test_join(&worker);
        wrong += !is_as_documented(&exceptions[i], &victim.seen);
    }
    CHECK_EQUAL(wrong, 0);
}

static void every_exception_reaches_the_fault_endpoint(void)
{
    static struct victim victim;
    const tes_endpoint_t endpoint = test_endpoint();
    struct worker worker;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < EXCEPTIONS; i++) {
        struct tes_message message = { 0 };
        struct tes_fault seen = { 0 };
        victim = (struct victim){ .exception = &exceptions[i] };
        worker_make(&worker, &victim);
        OK(tes_thread_control(worker.thread, TES_THREAD_FAULT_ENDPOINT, endpoint.value, 0));
        OK(worker_run(&worker));
        OK(message_receive(endpoint, &message));
        CHECK_EQUAL(kind_of(message.label), TES_MESSAGE_FAULT);
        memcpy(&seen, message.words, sizeof(seen));
        wrong += !is_as_documented(&exceptions[i], &seen);
        message.label = label_of(1); // the thread ends
        OK(message_reply((tes_reply_t){ 0 }, &message));
        test_join(&worker);
        CHECK_EQUAL(worker.result, 0);
    }
    test_destroy(tes_endpoint_any(endpoint));
    CHECK_EQUAL(wrong, 0);
}

// The handler skips the instruction (ud2: two bytes), and the thread goes on.
static void a_fault_handler_resumes_the_thread(void)
{
    static struct victim victim;
    const tes_endpoint_t endpoint = test_endpoint();
    struct worker worker;
    struct tes_message message = { 0 };
    struct tes_registers registers = { 0 };
    static const struct exception undefined = { .run = cause_undefined };
    victim = (struct victim){ .exception = &undefined };
    worker_make(&worker, &victim);
    OK(tes_thread_control(worker.thread, TES_THREAD_FAULT_ENDPOINT, endpoint.value, 0));
    OK(worker_run(&worker));
    OK(message_receive(endpoint, &message));
    OK(tes_thread_registers(worker.thread, (uint64_t)&registers, 0));
    CHECK_EQUAL(registers.rip, message.words[4]);
    registers.rip = *(uint64_t *)registers.rsp; // as if the function had returned
    registers.rsp += sizeof(uint64_t);
    OK(tes_thread_registers(worker.thread, (uint64_t)&registers, TES_THREAD_REGISTERS_WRITE));
    message.label = 0;
    OK(message_reply((tes_reply_t){ 0 }, &message));
    test_join(&worker);
    CHECK_EQUAL(worker.result, 1);
    test_destroy(tes_endpoint_any(endpoint));
}

static bool log_has(uint64_t from, const char *part)
{
    char text[2048];
    uint64_t count = log_read(from, text, sizeof(text) - 1);
    size_t length = strlen(part);
    for (uint64_t i = 0; i + length <= count; i++) {
        if (memcmp(text + i, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static void crashing_child(struct child_block *block)
{
    exceptions[block->words[0]].run();
    block->words[1] = 1; // went on
}

static void an_exception_that_nobody_takes_is_a_crash_report(void)
{
    const struct child_options options = { .quota = test.quota, .core_mask = test.peer_core_mask };
    for (uint32_t i = 0; i < EXCEPTIONS; i++) {
        struct child child;
        uint64_t before = log_end();
        OK(child_create(&child, &options));
        child.block->words[0] = i;
        OK(child_run(&child, crashing_child));
        OK(child_wait(&child));
        bool is_reported = log_has(before, "crash") && log_has(before, "rip");
        if (child.block->words[1] != 0 || !is_reported) {
            print("# %s: went on %lu, reported %u\n", exceptions[i].name,
                  (unsigned long)child.block->words[1], is_reported);
        }
        CHECK(child.block->words[1] == 0 && is_reported);
        OK(child_destroy(&child));
    }
}

static const struct test_case fault_tests[] = {
    { "every exception reaches the fault vector", every_exception_reaches_the_fault_vector,
      TEST_PATHS },
    { "every exception reaches the fault endpoint", every_exception_reaches_the_fault_endpoint,
      TEST_PATHS },
    { "a fault handler resumes the thread", a_fault_handler_resumes_the_thread, TEST_PATHS },
    { "an exception that nobody takes is a crash report",
      an_exception_that_nobody_takes_is_a_crash_report, TEST_PATHS },
};
const struct test_group fault_group = TEST_GROUP(fault);
