// SPDX-License-Identifier: MIT OR Apache-2.0
// What a call gives when a process that it needs has no handle, page or object left, and when a
// thread has no message page or loses the endpoint it waits at. A child process lives on a Quota
// that is shrunk to what is in use, from outside or by the child itself.
#include "test.h"

#include <test_pairs.h>

#define PAGES    100u
#define OBJECTS  60u
#define HANDLES  1000u
#define IRQ_FREE 10u
#define ANSWERS  3u // words of an answer

#define ENDED_POLLS   2000u // of a millisecond
#define PROCESS_ENDED 2u    // state in tes_info_process

struct poor {
    struct child child;
    tes_quota_t quota;
    tes_endpoint_t endpoint;
    tes_notification_t signal; // sent along
};

enum given { GIVEN_ENDPOINT = 1, GIVEN_SIGNAL, GIVEN_MACHINE, GIVEN_IRQS };

static void poor_start(struct poor *poor, child_entry_t *entry)
{
    OK(tes_quota_create(test.quota, PAGES, OBJECTS, HANDLES, 0, &poor->quota));
    const struct child_options options = { .quota = poor->quota };
    poor->endpoint = test_endpoint();
    poor->signal = test_notification();
    OK(child_create(&poor->child, &options));
    OK(child_give(&poor->child, GIVEN_ENDPOINT, poor->endpoint.value));
    OK(child_give(&poor->child, GIVEN_SIGNAL, poor->signal.value));
    OK(child_give(&poor->child, GIVEN_MACHINE, TES_STARTUP_MACHINE));
    OK(child_give(&poor->child, GIVEN_IRQS, TES_STARTUP_IRQS));
    OK(child_run(&poor->child, entry));
}

static void poor_end(struct poor *poor)
{
    OK(tes_quota_adjust(poor->quota, PAGES, OBJECTS, HANDLES));
    OK(child_destroy(&poor->child));
    test_destroy(tes_quota_any(poor->quota));
    test_destroy(tes_endpoint_any(poor->endpoint));
    test_destroy(tes_notification_any(poor->signal));
}

static void handles_away(const struct poor *poor)
{
    struct tes_info_quota now = test_quota_info(poor->quota);
    OK(tes_quota_adjust(poor->quota, PAGES, OBJECTS, now.handles_used));
}

// Handles enough, but the table is full and no page is left for it to grow.
static void table_full(const struct poor *poor)
{
    struct tes_info_quota now = test_quota_info(poor->quota);
    uint64_t copied = 0;
    tes_status_t status = TES_OK;
    OK(tes_quota_adjust(poor->quota, now.pages_used, OBJECTS, HANDLES));
    while (status == TES_OK) {
        status = tes_handle_copy(poor->child.process, tes_notification_any(poor->signal),
                                 ALL_RIGHTS, 0, &copied);
    }
    EXPECT(HANDLE_COPY, NO_MEMORY, status);
}

// --- the receiver is poor ---

static void receiving_main(struct child_block *block)
{
    struct tes_message message = { 0 };
    child_own_page(block)->accept = TES_MESSAGE_HANDLES_MAX;
    block->words[0] =
        (uint64_t)message_receive((tes_endpoint_t){ block->handles[GIVEN_ENDPOINT] }, &message);
}

static tes_status_t with_handle(const struct poor *poor,
                                tes_status_t (*run)(tes_endpoint_t, struct tes_message *))
{
    struct tes_message message = { .label = 1 };
    program_message_page()->handles[0] = poor->signal.value;
    return run(poor->endpoint, &message);
}

static void a_receiver_without_room_gets_no_handles(void)
{
    struct poor poor;
    struct tes_message message = { 0 };
    poor_start(&poor, receiving_main);
    test_await(poor.child.thread, TES_THREAD_WAIT_RECEIVE);
    handles_away(&poor);
    EXPECT(IPC_CALL, NO_HANDLES, with_handle(&poor, message_call));
    EXPECT(IPC_SEND, NO_HANDLES, with_handle(&poor, message_send));
    table_full(&poor);
    EXPECT(IPC_CALL, NO_MEMORY, with_handle(&poor, message_call));
    EXPECT(IPC_SEND, NO_MEMORY, with_handle(&poor, message_send));
    OK(message_send(poor.endpoint, &message)); // it still receives
    OK(child_wait(&poor.child));
    poor_end(&poor);
}

// --- the caller is poor ---

static void calling_main(struct child_block *block)
{
    struct tes_message message = { 0 };
    child_own_page(block)->accept = TES_MESSAGE_HANDLES_MAX;
    block->words[0] =
        (uint64_t)message_call((tes_endpoint_t){ block->handles[GIVEN_ENDPOINT] }, &message);
    block->words[1] = message.words[0];
}

static tes_status_t answer_with_handle(const struct poor *poor)
{
    struct tes_message message = { .label = 1 };
    program_message_page()->handles[0] = poor->signal.value;
    return message_reply((tes_reply_t){ 0 }, &message);
}

static void a_caller_without_room_is_answered_without_handles_only(void)
{
    struct poor poor;
    struct tes_message message = { 0 };
    poor_start(&poor, calling_main);
    OK(message_receive(poor.endpoint, &message));
    handles_away(&poor);
    EXPECT(IPC_REPLY, NO_HANDLES, answer_with_handle(&poor));
    EXPECT(IPC_REPLY_RECV, NO_HANDLES, with_handle(&poor, message_reply_receive));
    table_full(&poor);
    EXPECT(IPC_REPLY, NO_MEMORY, answer_with_handle(&poor));
    EXPECT(IPC_REPLY_RECV, NO_MEMORY, with_handle(&poor, message_reply_receive));
    message = (struct tes_message){ .words = { 77 } };
    OK(message_reply((tes_reply_t){ 0 }, &message));
    OK(child_wait(&poor.child));
    CHECK_EQUAL(poor.child.block->words[0], TES_OK);
    CHECK_EQUAL(poor.child.block->words[1], 77);
    poor_end(&poor);
}

// --- the child itself runs out ---

static void answer(struct child_block *block, uint32_t call, tes_status_t expected,
                   tes_status_t status)
{
    uint64_t *words = &block->words[1 + ANSWERS * block->words[0]++];
    words[0] = call;
    words[1] = (uint64_t)(int64_t)expected;
    words[2] = (uint64_t)(int64_t)status;
}

static tes_status_t leave_only(const struct child_block *block, uint64_t pages, uint64_t objects)
{
    struct tes_info_quota now = test_quota_info(block->quota);
    return tes_quota_adjust(block->quota, now.pages_used + pages, now.objects_used + objects,
                            HANDLES);
}

static void devices_main(struct child_block *block)
{
    const tes_resource_t machine = { block->handles[GIVEN_MACHINE] };
    const tes_notification_t signal = { block->handles[GIVEN_SIGNAL] };
    uint64_t value = 0;
    uint64_t derived = 0;
    uint64_t address = 0;
    tes_memory_t memory = { 0 };
    tes_irq_t irq = { 0 };
    MUST(tes_resource_control(machine, TES_RESOURCE_CONTROL_IOSPACE, 0, 0, 0, &value));
    const tes_io_space_t space = { value };
    MUST(tes_memory_create(block->quota, PAGE, TES_MEMORY_CREATE_COMMIT, (tes_endpoint_t){ 0 }, 0,
                           &memory));
    MUST(leave_only(block, 10, 0));
    answer(block, TES_CALL_RESOURCE_CONTROL, TES_ERROR_NO_OBJECTS,
           tes_resource_control(machine, TES_RESOURCE_CONTROL_DERIVE, 0, 0, 0, &derived));
    answer(block, TES_CALL_IRQ_CREATE, TES_ERROR_NO_OBJECTS,
           tes_irq_create((tes_resource_t){ block->handles[GIVEN_IRQS] }, IRQ_FREE, signal, 1, 0,
                          &irq));
    answer(block, TES_CALL_IOSPACE_MAP, TES_ERROR_NO_OBJECTS,
           tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 0, PAGE, (uint64_t)&address));
    MUST(leave_only(block, 0, 10));
    answer(block, TES_CALL_IOSPACE_MAP, TES_ERROR_NO_MEMORY,
           tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 0, PAGE, (uint64_t)&address));
    MUST(leave_only(block, 10, 10));
    answer(block, TES_CALL_IOSPACE_MAP, TES_OK,
           tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 0, PAGE, (uint64_t)&address));
}

static void check_answers(const struct child_block *block, uint64_t count)
{
    CHECK_EQUAL(block->words[0], count);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *words = &block->words[1 + ANSWERS * i];
        tes_status_t expected = (tes_status_t)words[1];
        test_expect((int32_t)words[0], expected, (tes_status_t)words[2], test_call_names[words[0]],
                    __FILE__, __LINE__);
    }
}

static void devices_are_charged_to_the_caller(void)
{
    struct poor poor;
    poor_start(&poor, devices_main);
    OK(child_wait(&poor.child));
    check_answers(poor.child.block, 5);
    poor_end(&poor);
}

static void keeping_main(struct child_block *block)
{
    struct tes_message message = { 0 };
    const tes_notification_t signal = { block->handles[GIVEN_SIGNAL] };
    tes_reply_t reply = { 0 };
    MUST(message_receive((tes_endpoint_t){ block->handles[GIVEN_ENDPOINT] }, &message));
    MUST(leave_only(block, 10, 0));
    answer(block, TES_CALL_REPLY_KEEP, TES_ERROR_NO_OBJECTS, tes_reply_keep(&reply));
    MUST(leave_only(block, 10, 10));
    struct tes_info_quota now = test_quota_info(block->quota);
    MUST(tes_quota_adjust(block->quota, now.pages_limit, now.objects_limit, now.handles_used));
    answer(block, TES_CALL_REPLY_KEEP, TES_ERROR_NO_HANDLES, tes_reply_keep(&reply));
    MUST(tes_quota_adjust(block->quota, now.pages_limit, now.objects_limit, now.handles_used + 1));
    answer(block, TES_CALL_REPLY_KEEP, TES_OK, tes_reply_keep(&reply));
    MUST(tes_notification_signal(signal, 1));
    MUST(message_reply(reply, &message));
}

static void a_reply_is_kept_only_with_room(void)
{
    struct poor poor;
    struct tes_message message = { 0 };
    poor_start(&poor, keeping_main);
    OK(message_call(poor.endpoint, &message));
    OK(child_wait(&poor.child));
    check_answers(poor.child.block, 3);
    poor_end(&poor);
}

// The caller pays for the Session of a handle that it lends.
static void lending_main(struct child_block *block)
{
    struct tes_message message = { .label = 1 | TES_LABEL_LEND };
    child_own_page(block)->handles[0] = block->handles[GIVEN_SIGNAL];
    MUST(leave_only(block, 10, 0));
    answer(block, TES_CALL_IPC_CALL, TES_ERROR_NO_OBJECTS,
           message_call((tes_endpoint_t){ block->handles[GIVEN_ENDPOINT] }, &message));
}

static void accepting_main(struct worker *self)
{
    const tes_endpoint_t *endpoint = self->argument;
    struct tes_message message = { 0 };
    self->page->accept = 1;
    self->result = (uint64_t)(int64_t)message_receive(*endpoint, &message);
}

static void lending_needs_an_object(void)
{
    struct poor poor;
    struct worker worker;
    struct tes_message message = { 0 };
    poor_start(&poor, lending_main);
    test_worker(&worker, accepting_main, &poor.endpoint);
    OK(child_wait(&poor.child));
    check_answers(poor.child.block, 1);
    OK(message_send(poor.endpoint, &message));
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    poor_end(&poor);
}

static void waiting_main(struct child_block *block)
{
    uint64_t bits = 0;
    MUST(tes_notification_wait((tes_notification_t){ block->handles[GIVEN_SIGNAL] }, 1, 0, &bits));
}

static void vector_state_needs_a_page(void)
{
    struct poor poor;
    tes_thread_t thread = { 0 };
    poor_start(&poor, waiting_main);
    test_await(poor.child.thread, TES_THREAD_WAIT_NOTIFICATION);
    OK(tes_thread_create(poor.child.process, (tes_sched_context_t){ 0 }, &thread));
    struct tes_info_quota now = test_quota_info(poor.quota);
    OK(tes_quota_adjust(poor.quota, now.pages_used, OBJECTS, HANDLES));
    EXPECT(THREAD_CONTROL, NO_MEMORY, tes_thread_control(thread, TES_THREAD_VECTOR_STATE, 1, 0));
    OK(tes_quota_adjust(poor.quota, now.pages_used + 1, OBJECTS, HANDLES));
    OK(tes_thread_control(thread, TES_THREAD_VECTOR_STATE, 1, 0));
    test_destroy(tes_thread_any(thread));
    OK(tes_notification_signal(poor.signal, 1));
    OK(child_wait(&poor.child));
    poor_end(&poor);
}

// --- no message page; the endpoint goes ---

static void without_a_page_no_handles_are_sent(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    const tes_thread_t self = { 0 };
    struct tes_message message = { .label = 1 };
    OK(tes_thread_control(self, TES_THREAD_MESSAGE_PAGE, 0, 0));
    tes_status_t sent = message_send(endpoint, &message);
    message.label = 1;
    tes_status_t answered = message_reply((tes_reply_t){ 0 }, &message);
    message.label = 1;
    tes_status_t received = message_reply_receive(endpoint, &message);
    OK(tes_thread_control(self, TES_THREAD_MESSAGE_PAGE, (uint64_t)program_message_page(), 0));
    EXPECT(IPC_SEND, BAD_ADDRESS, sent);
    EXPECT(IPC_REPLY, BAD_ADDRESS, answered);
    EXPECT(IPC_REPLY_RECV, BAD_ADDRESS, received);
    test_destroy(tes_endpoint_any(endpoint));
}

struct receiver {
    tes_endpoint_t endpoint;
    tes_status_t (*run)(tes_endpoint_t endpoint, struct tes_message *message);
};

static void dying_main(struct worker *self)
{
    const struct receiver *receiver = self->argument;
    struct tes_message message = { 0 };
    self->result = (uint64_t)(int64_t)receiver->run(receiver->endpoint, &message);
}

static void receivers_learn_that_their_endpoint_ended(void)
{
    const uint32_t calls[] = { TES_CALL_IPC_RECV, TES_CALL_IPC_REPLY_RECV };
    for (uint32_t i = 0; i < 2; i++) {
        struct receiver receiver = { test_endpoint(),
                                     i == 0 ? message_receive : message_reply_receive };
        struct worker worker;
        test_worker(&worker, dying_main, &receiver);
        test_await(worker.thread, TES_THREAD_WAIT_RECEIVE);
        test_destroy(tes_endpoint_any(receiver.endpoint));
        test_join(&worker);
        CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_DEAD);
        test_covered(calls[i], TES_ERROR_DEAD);
    }
}

// --- a process that is being destroyed: its end takes many steps, others run in between ---

// Its only thread has nothing mapped and ends it at once; what is left stays until it is destroyed.
static void a_process_that_ended_takes_nothing(void)
{
    const tes_notification_t n = test_notification();
    tes_process_t process = { 0 };
    tes_space_t space = { 0 };
    tes_sched_context_t context = { 0 };
    tes_thread_t thread = { 0 };
    struct tes_info_process info = { 0 };
    uint64_t written = 0;
    uint64_t copied = 0;
    OK(tes_process_create(test.quota, 0, 0, &process, &space));
    OK(tes_context_create(test.quota, WORKER_QUANTUM_NS, 0, WORKER_PRIORITY_DEFAULT, 1, &context));
    OK(tes_thread_create(process, context, &thread));
    OK(tes_thread_start(thread, TES_PERSONALITY_BASE, TES_PERSONALITY_BASE, 0, 0));
    for (uint32_t i = 0; i < ENDED_POLLS && info.state != PROCESS_ENDED; i++) {
        program_sleep(NS_PER_MS);
        OK(tes_object_info(tes_process_any(process), TES_INFO_PROCESS, 0, (uint64_t)&info,
                           sizeof(info), &written));
    }
    CHECK_EQUAL(info.state, PROCESS_ENDED);
    EXPECT(HANDLE_COPY, DEAD,
           tes_handle_copy(process, tes_notification_any(n), ALL_RIGHTS, 0, &copied));
    EXPECT(THREAD_CREATE, DEAD, tes_thread_create(process, (tes_sched_context_t){ 0 }, &thread));
    test_destroy(tes_process_any(process));
    test_destroy(tes_sched_context_any(context));
    test_destroy(tes_notification_any(n));
    (void)!tes_handle_close(space.value); // it went with the process
    (void)!tes_handle_close(thread.value);
}

static const struct test_case lacking_tests[] = {
    { "a receiver without room gets no handles", a_receiver_without_room_gets_no_handles, 0 },
    { "a caller without room is answered without handles only",
      a_caller_without_room_is_answered_without_handles_only, 0 },
    { "devices are charged to the caller", devices_are_charged_to_the_caller, 0 },
    { "a Reply is kept only with room", a_reply_is_kept_only_with_room, 0 },
    { "lending needs an object", lending_needs_an_object, 0 },
    { "vector state needs a page", vector_state_needs_a_page, 0 },
    { "without a page no handles are sent", without_a_page_no_handles_are_sent, TEST_PATHS },
    { "receivers learn that their endpoint ended", receivers_learn_that_their_endpoint_ended,
      TEST_PATHS },
    { "a process that ended takes nothing", a_process_that_ended_takes_nothing, 0 },
};
const struct test_group lacking_group = TEST_GROUP(lacking);
