// SPDX-License-Identifier: MIT OR Apache-2.0
// The errors that follow from a call's table: for each handle parameter of each call a handle that
// was never given out, one that was closed, one of another type, one without the right, one that
// was revoked; for each flags parameter a bit that is not in the table. The calls come from the
// generated grammar.
#include "test.h"

#include <fuzz_grammar.h>

#define NEVER_GIVEN 0x0000dead00000fc0ull
#define FLAG_WRONG  0x80000000ull
#define IRQ_NUMBER  5u

static struct {
    uint64_t handles[TES_TYPE_COUNT]; // one of each type, with all rights
    struct worker caller;
    tes_endpoint_t endpoint;
    tes_process_t process;
    uint32_t wrong;
} set;

static const uint32_t type_rights[TES_TYPE_COUNT] = {
    [TES_TYPE_PROCESS] = TES_RIGHTS_OF_PROCESS,
    [TES_TYPE_THREAD] = TES_RIGHTS_OF_THREAD,
    [TES_TYPE_SPACE] = TES_RIGHTS_OF_SPACE,
    [TES_TYPE_MEMORY] = TES_RIGHTS_OF_MEMORY,
    [TES_TYPE_ENDPOINT] = TES_RIGHTS_OF_ENDPOINT,
    [TES_TYPE_SESSION] = TES_RIGHTS_OF_SESSION,
    [TES_TYPE_REPLY] = TES_RIGHTS_OF_REPLY,
    [TES_TYPE_NOTIFICATION] = TES_RIGHTS_OF_NOTIFICATION,
    [TES_TYPE_SCHED_CONTEXT] = TES_RIGHTS_OF_SCHED_CONTEXT,
    [TES_TYPE_QUOTA] = TES_RIGHTS_OF_QUOTA,
    [TES_TYPE_IRQ] = TES_RIGHTS_OF_IRQ,
    [TES_TYPE_IO_SPACE] = TES_RIGHTS_OF_IO_SPACE,
    [TES_TYPE_RESOURCE] = TES_RIGHTS_OF_RESOURCE,
};

static void calling_worker(struct worker *self)
{
    struct tes_message message = { 0 };
    self->result = (uint64_t)(int64_t)message_call(set.endpoint, &message);
}

static void make_reply(void)
{
    struct tes_message message = { 0 };
    tes_reply_t reply = { 0 };
    set.endpoint = test_endpoint();
    test_worker(&set.caller, calling_worker, NULL);
    OK(message_receive(set.endpoint, &message));
    OK(tes_reply_keep(&reply));
    set.handles[TES_TYPE_REPLY] = reply.value;
}

static void make_device_objects(void)
{
    const tes_resource_t irqs = { TES_STARTUP_IRQS };
    const tes_notification_t notification = { set.handles[TES_TYPE_NOTIFICATION] };
    tes_irq_t irq = { 0 };
    OK(tes_irq_create(irqs, IRQ_NUMBER, notification, 1, 0, &irq));
    set.handles[TES_TYPE_IRQ] = irq.value;
    OK(tes_resource_control(own_machine(), TES_RESOURCE_CONTROL_IOSPACE, 0, 0, 0,
                            &set.handles[TES_TYPE_IO_SPACE]));
    OK(tes_resource_control((tes_resource_t){ TES_STARTUP_PORTS }, TES_RESOURCE_CONTROL_DERIVE, 0,
                            0, 0, &set.handles[TES_TYPE_RESOURCE]));
}

static void make_all(void)
{
    tes_space_t space = { 0 };
    tes_thread_t thread = { 0 };
    tes_session_t session = { 0 };
    tes_sched_context_t context = { 0 };
    tes_quota_t quota = { 0 };
    memset(&set, 0, sizeof(set));
    OK(tes_process_create(test.quota, 0, 0, &set.process, &space));
    set.handles[TES_TYPE_PROCESS] = set.process.value;
    set.handles[TES_TYPE_SPACE] = space.value;
    OK(tes_thread_create(set.process, (tes_sched_context_t){ 0 }, &thread));
    set.handles[TES_TYPE_THREAD] = thread.value;
    set.handles[TES_TYPE_MEMORY] = test_memory(PAGE).value;
    set.handles[TES_TYPE_ENDPOINT] = test_endpoint().value;
    set.handles[TES_TYPE_NOTIFICATION] = test_notification().value;
    OK(tes_session_create(any(set.handles[TES_TYPE_NOTIFICATION]), test.quota, 0, 0, &session));
    set.handles[TES_TYPE_SESSION] = session.value;
    OK(tes_context_create(test.quota, NS_PER_MS, 0, 1, 1, &context));
    set.handles[TES_TYPE_SCHED_CONTEXT] = context.value;
    OK(tes_quota_create(test.quota, 1, 1, 1, 0, &quota));
    set.handles[TES_TYPE_QUOTA] = quota.value;
    make_reply();
    make_device_objects();
}

static void undo_all(void)
{
    struct tes_message message = { 0 };
    OK(message_reply((tes_reply_t){ set.handles[TES_TYPE_REPLY] }, &message));
    test_join(&set.caller);
    test_destroy(tes_endpoint_any(set.endpoint));
    for (uint32_t type = TES_TYPE_COUNT - 1; type != 0; type--) {
        if (type != TES_TYPE_REPLY && type != TES_TYPE_SPACE && type != TES_TYPE_THREAD) {
            OK(tes_object_destroy(any(set.handles[type])));
        }
    }
}

static uint64_t valid_handle(const struct fuzz_param *param)
{
    return set.handles[param->type != TES_TYPE_NONE ? param->type : TES_TYPE_NOTIFICATION];
}

static bool is_handle(const struct fuzz_param *param)
{
    return param->kind == FUZZ_HANDLE || param->kind == FUZZ_HANDLE_OPTIONAL;
}

static tes_status_t make_call(const struct fuzz_call *call, const uint64_t *arguments)
{
    if (call->call_class == TES_CALL_CLASS_MESSAGE) {
        struct tes_message message = { .handle = arguments[0] };
        return tes_arch_message(call->number, &message);
    }
    struct tes_call_data data = { 0 };
    memcpy(data.arguments, arguments, sizeof(data.arguments));
    return tes_arch_call_6(call->number, &data);
}

static void try(const struct fuzz_call *call, const uint64_t *arguments, tes_status_t expected)
{
    tes_status_t status = make_call(call, arguments);
    if (status == expected) {
        test_covered(call->number, expected);
        return;
    }
    print("# %s: %s, expected %s\n", call->name, status_name(status), status_name(expected));
    set.wrong++;
}

// A Session below a Session controls the same node's object, so a Session's own handle dies with it
// only.
static void dead_session(const struct fuzz_call *call, uint64_t *arguments, uint32_t at)
{
    const tes_notification_t n = { set.handles[TES_TYPE_NOTIFICATION] };
    tes_session_t session = { 0 };
    OK(tes_session_create(tes_notification_any(n), test.quota, 0, 0, &session));
    tes_handle_t derived = test_derive(tes_session_any(session), ALL_RIGHTS);
    test_destroy(tes_session_any(session));
    arguments[at] = derived.value;
    try(call, arguments, TES_ERROR_REVOKED);
    OK(tes_handle_close(derived.value));
}

static void try_dead(const struct fuzz_call *call, uint64_t *arguments, uint32_t at)
{
    const struct fuzz_param *param = &call->inputs[at];
    tes_session_t session = { 0 };
    tes_handle_t derived = { 0 };
    const tes_handle_t whole = any(valid_handle(param));
    if (param->type == TES_TYPE_SESSION) {
        dead_session(call, arguments, at);
        return;
    }
    OK(tes_session_create(whole, test.quota, 0, 0, &session));
    OK(tes_handle_derive(whole, ALL_RIGHTS, session, &derived));
    OK(tes_handle_revoke(tes_session_any(session), 0));
    arguments[at] = derived.value;
    try(call, arguments, TES_ERROR_REVOKED);
    OK(tes_handle_close(derived.value));
    test_destroy(tes_session_any(session));
}

static void try_handle(const struct fuzz_call *call, uint64_t *arguments, uint32_t at)
{
    const struct fuzz_param *param = &call->inputs[at];
    const uint64_t valid = valid_handle(param);
    const uint32_t type = param->type != TES_TYPE_NONE ? param->type : TES_TYPE_NOTIFICATION;
    arguments[at] = NEVER_GIVEN;
    try(call, arguments, TES_ERROR_BAD_HANDLE);
    tes_handle_t closed = test_derive(any(valid), ALL_RIGHTS);
    OK(tes_handle_close(closed.value));
    arguments[at] = closed.value;
    try(call, arguments, TES_ERROR_BAD_HANDLE);
    if (param->type != TES_TYPE_NONE) {
        const bool is_endpoint = param->type == TES_TYPE_ENDPOINT;
        arguments[at] = set.handles[is_endpoint ? TES_TYPE_NOTIFICATION : TES_TYPE_ENDPOINT];
        try(call, arguments, TES_ERROR_BAD_TYPE);
    }
    if (param->mask != 0) {
        tes_handle_t weak = test_derive(any(valid), type_rights[type] & ~param->mask);
        arguments[at] = weak.value;
        try(call, arguments, TES_ERROR_NO_RIGHT);
        OK(tes_handle_close(weak.value));
    }
    try_dead(call, arguments, at);
    arguments[at] = valid;
}

static void try_call(const struct fuzz_call *call)
{
    uint64_t arguments[FUZZ_INPUTS_MAX] = { 0 };
    for (uint32_t i = 0; i < call->input_count; i++) {
        if (is_handle(&call->inputs[i])) {
            try_handle(call, arguments, i);
        }
    }
    for (uint32_t i = 0; i < call->input_count; i++) {
        if (call->inputs[i].kind == FUZZ_FLAGS) {
            arguments[i] = FLAG_WRONG;
            try(call, arguments, TES_ERROR_INVALID);
            arguments[i] = FLAG_WRONG << 8;
            try(call, arguments, TES_ERROR_INVALID);
            arguments[i] = 0;
        }
    }
}

static void wrong_handles_and_flags_give_the_documented_error(void)
{
    make_all();
    for (uint32_t i = 0; i < FUZZ_CALL_COUNT; i++) {
        try_call(&fuzz_calls[i]);
    }
    undo_all();
    CHECK_EQUAL(set.wrong, 0);
}

static void unknown_call_numbers_give_bad_call(void)
{
    const uint64_t numbers[] = {
        TES_CALL_COUNT, 63, 64, 65, 255, 0x8000000000000001ull, UINT64_MAX
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct tes_call_data data = { 0 };
        CHECK_EQUAL(tes_arch_call_6(numbers[i], &data), TES_ERROR_BAD_CALL);
    }
}

static void guest_enter_needs_a_guest(void)
{
    struct tes_message message = { 0 };
    EXPECT(GUEST_ENTER, INVALID, tes_arch_message(TES_CALL_GUEST_ENTER, &message));
    tes_space_t clone = { 0 };
    EXPECT(SPACE_CLONE, INVALID, tes_space_clone(own_space(), test.quota, &clone));
}

static const struct test_case error_tests[] = {
    { "wrong handles and flags give the documented error",
      wrong_handles_and_flags_give_the_documented_error, TEST_LONG },
    { "guest calls need a guest", guest_enter_needs_a_guest, 0 },
    { "unknown call numbers give BAD_CALL", unknown_call_numbers_give_bad_call, 0 },
};
const struct test_group error_group = TEST_GROUP(error);
