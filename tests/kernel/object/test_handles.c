// SPDX-License-Identifier: MIT OR Apache-2.0
// Handle tables: stale generations, rights, growth to the directory page, exhaustion, reservations,
// sweeping.
#include "fake.h"

#include <abi/startup.h>

static uint64_t install(struct object *object, uint16_t rights)
{
    const struct handle_grant grant = {
        .object = object, .session = object->root, .epoch = object->root->epoch, .rights = rights
    };
    uint64_t value = 0;
    CHECK(handle_install(current_process(), &grant, &value) == TES_OK);
    return value;
}

static tes_status_t resolve(uint64_t value, enum tes_object_type type, uint32_t rights)
{
    struct handle_view view;
    return handle_resolve(current_process(), value, type, rights, &view);
}

static void values_and_errors(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    uint64_t first = install(object, TES_RIGHT_INSPECT);
    CHECK(first == TES_HANDLE_MAKE(1));
    uint64_t second = install(object, TES_RIGHT_INSPECT);
    CHECK(second == TES_HANDLE_MAKE(2));
    CHECK(resolve(first, TES_TYPE_NOTIFICATION, TES_RIGHT_INSPECT) == TES_OK);
    CHECK(resolve(first, TES_TYPE_ENDPOINT, 0) == TES_ERROR_BAD_TYPE);
    CHECK(resolve(first, TES_TYPE_NONE, TES_RIGHT_CONTROL) == TES_ERROR_NO_RIGHT);
    CHECK(resolve(0, TES_TYPE_NONE, 0) == TES_ERROR_BAD_HANDLE);
    CHECK(resolve(TES_HANDLE_MAKE(3), TES_TYPE_NONE, 0) == TES_ERROR_BAD_HANDLE);
    CHECK(resolve(TES_HANDLE_MAKE(100), TES_TYPE_NONE, 0) == TES_ERROR_BAD_HANDLE);
    CHECK(resolve(UINT64_MAX, TES_TYPE_NONE, 0) == TES_ERROR_BAD_HANDLE);
    CHECK(handle_close(current_process(), first) == TES_OK);
    CHECK(handle_close(current_process(), first) == TES_ERROR_BAD_HANDLE);
    CHECK(resolve(first, TES_TYPE_NONE, 0) == TES_ERROR_BAD_HANDLE);
    uint64_t again = install(object, TES_RIGHT_INSPECT);
    CHECK((uint32_t)again == (uint32_t)first && again != first);
    CHECK(resolve(first, TES_TYPE_NONE, 0) == TES_ERROR_BAD_HANDLE);
    CHECK(resolve(again + (1ull << 32), TES_TYPE_NONE, 0) ==
          TES_ERROR_BAD_HANDLE); // the empty slot's to be
    CHECK(fake_destroy(object) == TES_OK);
    CHECK(resolve(again, TES_TYPE_NONE, 0) == TES_ERROR_REVOKED);
    fake_settle(); // swept
    CHECK(current_process()->handles.used == 0);
    CHECK(resolve(again, TES_TYPE_NONE, 0) == TES_ERROR_REVOKED);
    CHECK(handle_close(current_process(), again) == TES_OK);
    CHECK(handle_close(current_process(), again) == TES_ERROR_BAD_HANDLE);
}

static void growth(void)
{
    enum { COUNT = 64 * 12 };
    static uint64_t values[COUNT];
    struct object *object = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    uint64_t pages = quota_root()->pages_used;
    for (uint32_t index = 0; index < COUNT; index++) {
        values[index] = install(object, 0);
    }
    CHECK(current_process()->handles.page_count == 13);
    CHECK(quota_root()->pages_used == pages + 14); // and the directory
    for (uint32_t index = 0; index < COUNT; index++) {
        CHECK(resolve(values[index], TES_TYPE_NOTIFICATION, 0) == TES_OK);
    }
    for (uint32_t index = 0; index < COUNT; index += 2) {
        CHECK(handle_close(current_process(), values[index]) == TES_OK);
    }
    CHECK(quota_root()->handles_used == COUNT / 2);
    CHECK(fake_destroy(object) == TES_OK);
    fake_settle();
    CHECK(quota_root()->handles_used == 0);
}

static void exhaustion(void)
{
    struct process *init = current_process();
    struct quota *quota = fake_quota(quota_root(), 2, 20, 100);
    struct process *process = fake_process(quota);
    struct object *object = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    const struct handle_grant grant = { .object = object,
                                        .session = object->root,
                                        .epoch = object->root->epoch };
    uint64_t value = 0;
    uint32_t made = 0;
    while (handle_install(process, &grant, &value) == TES_OK) {
        made++;
    }
    CHECK(made == 100);
    CHECK(handle_install(process, &grant, &value) == TES_ERROR_NO_HANDLES);
    CHECK(handle_reserve(process, 1) == TES_ERROR_NO_HANDLES);
    CHECK(handle_close(process, TES_HANDLE_MAKE(7)) == TES_OK);
    CHECK(handle_reserve(process, 1) == TES_OK);
    CHECK(handle_install(process, &grant, &value) == TES_ERROR_NO_HANDLES);
    value = handle_install_reserved(process, &grant);
    CHECK((uint32_t)value == (uint32_t)TES_HANDLE_MAKE(7));
    CHECK(quota->handles_used == 100);
    CHECK(fake_destroy(&quota->object) == TES_OK);
    CHECK(fake_destroy(object) == TES_OK);
    CHECK(current_process() == init);
}

static void failures(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    const struct handle_grant grant = { .object = object,
                                        .session = object->root,
                                        .epoch = object->root->epoch };
    uint64_t value = 0;
    fake.fail_frames = 1;
    CHECK(handle_install(current_process(), &grant, &value) == TES_ERROR_NO_MEMORY);
    CHECK(quota_root()->handles_used == 0);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        quota_inject_failure(nth);
        CHECK(handle_install(current_process(), &grant, &value) != TES_OK);
        CHECK(quota_root()->handles_used == 0);
    }
    quota_inject_failure(0);
    CHECK(handle_install(current_process(), &grant, &value) == TES_OK);
    CHECK(handle_close(current_process(), value) == TES_OK);
    CHECK(fake_destroy(object) == TES_OK);
}

void test_handles(void)
{
    test_run("handle values, errors, stale generations", values_and_errors);
    test_run("handle table grows to its directory page", growth);
    test_run("handles run out", exhaustion);
    test_run("handle installation fails without a trace", failures);
}
