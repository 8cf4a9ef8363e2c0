// SPDX-License-Identifier: MIT OR Apache-2.0
// What travels beside the words: handles copied, moved and lent; leases.
#include "test.h"

#define HANDLES_SENT 4u
#define LEASE_SIZE   (5 * PAGE)

struct sender {
    tes_endpoint_t endpoint;
    uint64_t label;
    uint64_t handles[HANDLES_SENT];
    struct tes_lease lease;
    uint32_t accept;
    struct tes_message message;   // the answer
    struct tes_message_page page; // as it was after the answer
};

static void calling_main(struct worker *self)
{
    struct sender *sender = self->argument;
    self->page->accept = sender->accept;
    memcpy(self->page->handles, sender->handles, sizeof(sender->handles));
    self->page->leases[0] = sender->lease;
    sender->message.label = sender->label;
    self->result = (uint64_t)(int64_t)message_call(sender->endpoint, &sender->message);
    sender->page = *self->page;
}

static struct tes_message receive_with(struct worker *worker, struct sender *sender,
                                       uint32_t accept)
{
    struct tes_message message = { 0 };
    program_message_page()->accept = accept;
    test_worker(worker, calling_main, sender);
    OK(message_receive(sender->endpoint, &message));
    return message;
}

static void finish(struct worker *worker, const struct sender *sender)
{
    struct tes_message message = { 0 };
    OK(message_reply((tes_reply_t){ 0 }, &message));
    test_join(worker);
    CHECK_EQUAL(worker->result, TES_OK);
    program_message_page()->accept = 0;
    test_destroy(tes_endpoint_any(sender->endpoint));
}

static tes_status_t signal(uint64_t handle)
{
    return tes_notification_signal((tes_notification_t){ handle }, 1);
}

static void copied_handles_work_on_both_sides(void)
{
    const tes_notification_t n = test_notification();
    struct worker worker;
    struct sender sender = { .endpoint = test_endpoint(), .label = HANDLES_SENT };
    for (uint32_t i = 0; i < HANDLES_SENT; i++) {
        sender.handles[i] = n.value;
    }
    (void)receive_with(&worker, &sender, HANDLES_SENT);
    CHECK_EQUAL(program_message_page()->received_count, HANDLES_SENT);
    for (uint32_t i = 0; i < HANDLES_SENT; i++) {
        uint64_t received = program_message_page()->received_handles[i];
        CHECK(received != n.value);
        OK(signal(received));
        OK(tes_handle_close(received));
    }
    OK(signal(n.value));
    finish(&worker, &sender);
    test_destroy(tes_notification_any(n));
}

static void moved_handles_leave_their_owner(void)
{
    const tes_notification_t n = test_notification();
    tes_handle_t moved = test_derive(tes_notification_any(n), ALL_RIGHTS);
    struct worker worker;
    struct sender sender = {
        .endpoint = test_endpoint(),
        .label = 1 | TES_LABEL_MOVE,
        .handles = { moved.value },
    };
    (void)receive_with(&worker, &sender, 1);
    CHECK_EQUAL(signal(moved.value), TES_ERROR_BAD_HANDLE);
    uint64_t received = program_message_page()->received_handles[0];
    OK(signal(received));
    OK(tes_handle_close(received));
    finish(&worker, &sender);
    test_destroy(tes_notification_any(n));
}

static void lent_handles_die_with_the_reply(void)
{
    const tes_notification_t n = test_notification();
    struct worker worker;
    struct sender sender = {
        .endpoint = test_endpoint(),
        .label = 1 | TES_LABEL_LEND,
        .handles = { n.value },
    };
    (void)receive_with(&worker, &sender, 1);
    uint64_t received = program_message_page()->received_handles[0];
    tes_handle_t more = { 0 };
    OK(signal(received));
    EXPECT(HANDLE_DERIVE, NO_RIGHT,
           tes_handle_derive(any(received), ALL_RIGHTS, (tes_session_t){ 0 }, &more));
    finish(&worker, &sender);
    CHECK_EQUAL(signal(received), TES_ERROR_REVOKED);
    OK(signal(n.value));
    OK(tes_handle_close(received));
    test_destroy(tes_notification_any(n));
}

static void more_handles_than_accepted_are_the_callers_error(void)
{
    const tes_notification_t n = test_notification();
    struct worker worker;
    struct worker sending;
    struct sender sender = { .endpoint = test_endpoint(),
                             .label = 2,
                             .handles = { n.value, n.value } };
    struct sender good = { .endpoint = sender.endpoint, .label = 1, .handles = { n.value } };
    program_message_page()->accept = 1;
    test_worker(&worker, calling_main, &sender);
    test_await(worker.thread, TES_THREAD_WAIT_SEND);
    struct tes_message message = receive_with(&sending, &good, 1); // the first one is refused
    test_join(&worker);
    CHECK_EQUAL((tes_status_t)worker.result, TES_ERROR_TOO_MANY_HANDLES);
    test_covered(TES_CALL_IPC_CALL, TES_ERROR_TOO_MANY_HANDLES);
    message.label = 1; // an answer with a handle for a caller that takes none
    program_message_page()->handles[0] = n.value;
    EXPECT(IPC_REPLY, TOO_MANY_HANDLES, message_reply((tes_reply_t){ 0 }, &message));
    message.label = 1;
    EXPECT(IPC_REPLY_RECV, TOO_MANY_HANDLES, message_reply_receive(sender.endpoint, &message));
    OK(tes_handle_close(program_message_page()->received_handles[0]));
    finish(&sending, &good);
    test_destroy(tes_notification_any(n));
}

static void sending_main(struct worker *self)
{
    struct sender *sender = self->argument;
    struct tes_message message = { .label = 1 };
    self->page->handles[0] = sender->handles[0];
    self->result = (uint64_t)(int64_t)message_send(sender->endpoint, &message);
}

static void sent_handles_are_counted_too(void)
{
    const tes_notification_t n = test_notification();
    struct worker workers[2];
    struct sender sender = { .endpoint = test_endpoint(), .handles = { n.value } };
    struct tes_message message = { 0 };
    test_worker(&workers[0], sending_main, &sender);
    test_await(workers[0].thread, TES_THREAD_WAIT_SEND);
    program_message_page()->accept = 0;
    OK(tes_thread_deadline(time_now() + NS_PER_MS));
    EXPECT(IPC_RECV, TIMED_OUT, message_receive(sender.endpoint, &message));
    OK(tes_thread_deadline(0));
    test_join(&workers[0]);
    CHECK_EQUAL((tes_status_t)workers[0].result, TES_ERROR_TOO_MANY_HANDLES);
    test_covered(TES_CALL_IPC_SEND, TES_ERROR_TOO_MANY_HANDLES);
    program_message_page()->accept = 1;
    test_worker(&workers[1], sending_main, &sender);
    OK(message_receive(sender.endpoint, &message));
    CHECK_EQUAL(program_message_page()->received_count, 1);
    OK(tes_handle_close(program_message_page()->received_handles[0]));
    program_message_page()->accept = 0;
    test_join(&workers[1]);
    test_destroy(tes_endpoint_any(sender.endpoint));
    test_destroy(tes_notification_any(n));
}

static void handles_travel_with_the_answer(void)
{
    const tes_notification_t n = test_notification();
    struct worker worker;
    struct sender sender = { .endpoint = test_endpoint(), .accept = 2 };
    struct tes_message message = receive_with(&worker, &sender, 0);
    program_message_page()->handles[0] = n.value;
    program_message_page()->handles[1] = n.value;
    message.label = 2;
    OK(message_reply((tes_reply_t){ 0 }, &message));
    test_join(&worker);
    CHECK_EQUAL(worker.result, TES_OK);
    CHECK_EQUAL(sender.page.received_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        OK(signal(sender.page.received_handles[i]));
        OK(tes_handle_close(sender.page.received_handles[i]));
    }
    test_destroy(tes_endpoint_any(sender.endpoint));
    test_destroy(tes_notification_any(n));
}

static void a_message_without_a_page_carries_nothing_beside_words(void)
{
    const tes_endpoint_t endpoint = test_endpoint();
    const tes_thread_t self = { 0 };
    struct tes_message message = { .label = 1 };
    OK(tes_thread_control(self, TES_THREAD_MESSAGE_PAGE, 0, 0));
    tes_status_t status = message_call(endpoint, &message);
    OK(tes_thread_control(self, TES_THREAD_MESSAGE_PAGE, (uint64_t)program_message_page(), 0));
    CHECK_EQUAL(status, TES_ERROR_BAD_ADDRESS);
    program_message_page()->leases[0] = (struct tes_lease){ .address = TES_USER_TOP, .size = 1 };
    message.label = 1 << TES_LABEL_LEASES_SHIFT;
    EXPECT(IPC_CALL, BAD_ADDRESS, message_call(endpoint, &message));
    test_destroy(tes_endpoint_any(endpoint));
}

// --- leases ---

static tes_status_t copy(uint64_t lease, uint64_t offset, void *buffer, uint64_t size,
                         uint64_t flags, uint64_t *copied)
{
    return tes_lease_copy((tes_reply_t){ 0 }, lease, offset, (uint64_t)buffer, size, flags, copied);
}

static void fill(uint8_t *bytes, uint64_t size, uint8_t seed)
{
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 7 + seed);
    }
}

static bool is_filled(const uint8_t *bytes, uint64_t size, uint8_t seed)
{
    for (uint64_t i = 0; i < size; i++) {
        if (bytes[i] != (uint8_t)(i * 7 + seed)) {
            return false;
        }
    }
    return true;
}

struct lent {
    tes_memory_t memories[2];
    uint8_t *theirs, *mine;
};

static void lent_make(struct lent *lent, struct sender *sender, uint32_t flags)
{
    for (uint32_t i = 0; i < 2; i++) {
        lent->memories[i] = test_memory(LEASE_SIZE);
    }
    lent->theirs = (uint8_t *)test_map(lent->memories[0], LEASE_SIZE, READ_WRITE);
    lent->mine = (uint8_t *)test_map(lent->memories[1], LEASE_SIZE, READ_WRITE);
    sender->endpoint = test_endpoint();
    sender->label = 1 << TES_LABEL_LEASES_SHIFT;
    sender->lease = (struct tes_lease){
        .address = (uint64_t)lent->theirs,
        .size = LEASE_SIZE,
        .flags = flags,
    };
}

static void lent_end(const struct lent *lent)
{
    test_unmap((uint64_t)lent->theirs, LEASE_SIZE);
    test_unmap((uint64_t)lent->mine, LEASE_SIZE);
    for (uint32_t i = 0; i < 2; i++) {
        test_destroy(tes_memory_any(lent->memories[i]));
    }
}

static void copy_all(uint8_t *buffer, uint64_t flags)
{
    uint64_t done = 0;
    while (done < LEASE_SIZE) {
        uint64_t copied = 0;
        OK(copy(0, done, buffer + done, LEASE_SIZE - done, flags, &copied));
        CHECK(copied != 0 && copied <= LEASE_SIZE - done);
        done += copied;
    }
}

static void a_server_reads_and_writes_what_was_lent(void)
{
    struct lent lent;
    struct sender sender = { 0 };
    struct worker worker;
    lent_make(&lent, &sender, TES_LEASE_READ | TES_LEASE_WRITE);
    fill(lent.theirs, LEASE_SIZE, 3);
    (void)receive_with(&worker, &sender, 0);
    CHECK_EQUAL(program_message_page()->received_leases[0].size, LEASE_SIZE);
    CHECK_EQUAL(program_message_page()->received_leases[0].address, 0);
    copy_all(lent.mine, 0);
    CHECK(is_filled(lent.mine, LEASE_SIZE, 3));
    fill(lent.mine, LEASE_SIZE, 90);
    copy_all(lent.mine, TES_LEASE_COPY_WRITE);
    finish(&worker, &sender);
    CHECK(is_filled(lent.theirs, LEASE_SIZE, 90));
    uint64_t copied = 0;
    EXPECT(LEASE_COPY, NOT_CALLED, copy(0, 0, lent.mine, 1, 0, &copied));
    lent_end(&lent);
}

static void copies_outside_a_lease_are_refused(void)
{
    struct lent lent;
    struct sender sender = { 0 };
    struct worker worker;
    uint64_t copied = 0;
    lent_make(&lent, &sender, TES_LEASE_READ);
    fill(lent.theirs, LEASE_SIZE, 1);
    lent.mine[0] = 0;
    (void)receive_with(&worker, &sender, 0);
    EXPECT(LEASE_COPY, BAD_LEASE, copy(1, 0, lent.mine, 1, 0, &copied));
    EXPECT(LEASE_COPY, BAD_LEASE, copy(UINT64_MAX, 0, lent.mine, 1, 0, &copied));
    EXPECT(LEASE_COPY, BAD_LEASE, copy(0, 0, lent.mine, 1, TES_LEASE_COPY_WRITE, &copied));
    EXPECT(LEASE_COPY, OUT_OF_RANGE, copy(0, LEASE_SIZE, lent.mine, 1, 0, &copied));
    EXPECT(LEASE_COPY, OUT_OF_RANGE, copy(0, UINT64_MAX, lent.mine, 2, 0, &copied));
    EXPECT(LEASE_COPY, BAD_ADDRESS, copy(0, 0, (void *)0x1000, 1, 0, &copied));
    EXPECT(LEASE_COPY, BAD_ADDRESS, copy(0, 0, (void *)TES_USER_TOP, 1, 0, &copied));
    finish(&worker, &sender);
    lent_end(&lent);
}

// What the caller unmapped meanwhile: short, and the message page names the address.
static void a_copy_from_absent_memory_is_short(void)
{
    struct lent lent;
    struct sender sender = { 0 };
    struct worker worker;
    uint64_t copied = UINT64_MAX;
    lent_make(&lent, &sender, TES_LEASE_READ);
    fill(lent.theirs, LEASE_SIZE, 1);
    lent.mine[0] = 0;
    (void)receive_with(&worker, &sender, 0);
    test_unmap((uint64_t)lent.theirs + PAGE, PAGE);
    uint64_t done = 0;
    do {
        OK(copy(0, done, lent.mine + done, LEASE_SIZE - done, 0, &copied));
        done += copied;
    } while (copied != 0);
    CHECK_EQUAL(done, PAGE);
    CHECK_EQUAL(program_message_page()->fault_address, (uint64_t)lent.theirs + PAGE);
    finish(&worker, &sender);
    lent_end(&lent);
}

static void leases_work_through_a_kept_reply(void)
{
    struct lent lent;
    struct sender sender = { 0 };
    struct worker worker;
    tes_reply_t reply = { 0 };
    uint64_t copied = 0;
    struct tes_message message = { 0 };
    lent_make(&lent, &sender, TES_LEASE_READ);
    fill(lent.theirs, LEASE_SIZE, 9);
    (void)receive_with(&worker, &sender, 0);
    OK(tes_reply_keep(&reply));
    EXPECT(LEASE_COPY, NOT_CALLED, copy(0, 0, lent.mine, 16, 0, &copied));
    OK(tes_lease_copy(reply, 0, 0, (uint64_t)lent.mine, 16, 0, &copied));
    CHECK_EQUAL(copied, 16);
    CHECK(is_filled(lent.mine, 16, 9));
    OK(message_reply(reply, &message));
    test_join(&worker);
    test_destroy(tes_endpoint_any(sender.endpoint));
    lent_end(&lent);
}

static const struct test_case transfer_tests[] = {
    { "copied handles work on both sides", copied_handles_work_on_both_sides, TEST_PATHS },
    { "moved handles leave their owner", moved_handles_leave_their_owner, TEST_PATHS },
    { "lent handles die with the reply", lent_handles_die_with_the_reply, TEST_PATHS },
    { "more handles than accepted are the caller's error",
      more_handles_than_accepted_are_the_callers_error, TEST_PATHS },
    { "sent handles are counted too", sent_handles_are_counted_too, TEST_PATHS },
    { "handles travel with the answer", handles_travel_with_the_answer, TEST_PATHS },
    { "a message without a page carries nothing beside words",
      a_message_without_a_page_carries_nothing_beside_words, 0 },
    { "a server reads and writes what was lent", a_server_reads_and_writes_what_was_lent,
      TEST_PATHS },
    { "copies outside a lease are refused", copies_outside_a_lease_are_refused, TEST_PATHS },
    { "a copy from absent memory is short", a_copy_from_absent_memory_is_short, TEST_PATHS },
    { "leases work through a kept reply", leases_work_through_a_kept_reply, TEST_PATHS },
};
const struct test_group transfer_group = TEST_GROUP(transfer);
