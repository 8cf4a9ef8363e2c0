// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotas: limits, splitting off, adjusting, the end of all that was paid for, injected failures.
#include "fake.h"

static void limits(void)
{
    struct quota *quota = fake_quota(quota_root(), 10, 5, 3);
    CHECK(quota_charge_pages(quota, 10) == TES_OK);
    CHECK(quota_charge_pages(quota, 1) == TES_ERROR_NO_MEMORY);
    CHECK(quota_charge_pages(quota, UINT64_MAX) == TES_ERROR_NO_MEMORY);
    quota_return_pages(quota, 10);
    CHECK(quota_charge_objects(quota, 6) == TES_ERROR_NO_OBJECTS);
    CHECK(quota_charge_handles(quota, 4) == TES_ERROR_NO_HANDLES);
    CHECK(quota->pages_used == 0 && quota->objects_used == 0 && quota->handles_used == 0);
    const struct handle_view view = { .object = &quota->object };
    uint64_t child = 0;
    CHECK(sys_quota_create(&view, 11, 0, 0, 0, &child) == TES_ERROR_NO_MEMORY);
    CHECK(sys_quota_create(&view, 1, 9, 0, 0, &child) == TES_ERROR_NO_OBJECTS);
    CHECK(sys_quota_create(&view, 1, 1, 9, 0, &child) == TES_ERROR_NO_HANDLES);
    CHECK(quota->pages_used == 0 && quota->objects_used == 0 && quota->handles_used == 0);
    uint64_t root_pages = quota_root()->pages_used;
    CHECK(sys_quota_adjust(&view, 20, 5, 3) == TES_OK);
    CHECK(quota_root()->pages_used == root_pages + 10 && quota->pages_limit == 20);
    CHECK(quota_charge_pages(quota, 15) == TES_OK);
    CHECK(sys_quota_adjust(&view, 14, 50, 3) == TES_ERROR_BUSY);
    CHECK(quota_root()->pages_used == root_pages + 10 && quota->objects_limit == 5);
    CHECK(sys_quota_adjust(&view, 1ull << 40, 5, 3) == TES_ERROR_NO_MEMORY);
    quota_return_pages(quota, 15);
    CHECK(sys_quota_adjust(&view, 1, 5, 3) == TES_OK);
    CHECK(quota_root()->pages_used == root_pages - 9);
    const struct handle_view root = { .object = &quota_root()->object };
    CHECK(sys_quota_adjust(&root, 1, 1, 1) == TES_ERROR_INVALID);
    CHECK(sys_object_destroy(&root) == TES_ERROR_BUSY);
    CHECK(fake_destroy(&quota->object) == TES_OK);
    CHECK(quota_root()->pages_used == root_pages - 10);
}

// Deep and broad: no recursion, everything comes back.
static void ends_all(void)
{
    struct quota *top = fake_quota(quota_root(), 1000, 2000, 1000);
    struct quota *quota = top;
    for (uint32_t depth = 0; depth < 300; depth++) {
        quota = fake_quota(quota, 990 - depth * 3, 1900 - depth * 6, 900 - depth * 2);
        struct object *object = fake_object(quota, TES_TYPE_MEMORY);
        struct session *session = NULL;
        CHECK(session_create(object->root, quota, 0, 0, false, &session) == TES_OK);
    }
    for (uint32_t count = 0; count < 50; count++) {
        fake_object(quota, TES_TYPE_NOTIFICATION);
    }
    fake.preempts = true;
    CHECK(fake_destroy(&top->object) == TES_OK);
    fake.preempts = false;
    fake_settle();
    CHECK(object_count(TES_TYPE_NOTIFICATION) == 0 && object_count(TES_TYPE_QUOTA) == 0);
}

// A client's Quota pays for Sessions of a server's endpoint: the server hears of the end, and its
// node is not lost.
static void client_ends(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_ENDPOINT);
    struct endpoint *endpoint = (struct endpoint *)object;
    struct quota *client = fake_quota(quota_root(), 10, 10, 10);
    struct session *session = NULL;
    CHECK(session_create(object->root, client, 77, 0, true, &session) == TES_OK);
    uint64_t used = quota_root()->objects_used;
    CHECK(fake_destroy(&client->object) == TES_OK);
    fake_settle();
    CHECK(quota_root()->objects_used == used - 10); // 10 and the Quota itself, but the node's one
    CHECK(session->quota == quota_root());
    CHECK(fake_notice_take(endpoint) == session);
    fake_settle();
    CHECK(quota_root()->objects_used == used - 11);
    CHECK(fake_destroy(object) == TES_OK);
}

static void injected(void)
{
    const struct handle_view view = { .object = &quota_root()->object };
    const struct quota before = *quota_root();
    bool has_succeeded = false;
    for (uint64_t nth = 1; nth < 30 && !has_succeeded; nth++) {
        uint64_t process = 0;
        uint64_t space = 0;
        quota_inject_failure(nth);
        has_succeeded = sys_process_create(&view, 0x41, 0, &process, &space) == TES_OK;
        quota_inject_failure(0);
        if (has_succeeded) {
            struct handle_view made;
            CHECK(handle_resolve(current_process(), process, TES_TYPE_PROCESS, 0, &made) == TES_OK);
            CHECK(fake_destroy(made.object) == TES_OK);
        }
        fake_settle();
        CHECK(quota_root()->objects_used == before.objects_used);
        CHECK(quota_root()->handles_used == before.handles_used);
    }
    CHECK(has_succeeded);
    for (uint64_t nth = 1; nth < 6; nth++) {
        uint64_t process = 0;
        uint64_t space = 0;
        fake.fail_slabs = nth;
        tes_status_t status = sys_process_create(&view, 0x41, 0, &process, &space);
        CHECK(nth > 2 ? status == TES_OK : status == TES_ERROR_NO_MEMORY);
        fake.fail_slabs = 0;
        struct handle_view made;
        if (status == TES_OK &&
            handle_resolve(current_process(), process, TES_TYPE_PROCESS, 0, &made) == TES_OK) {
            CHECK(fake_destroy(made.object) == TES_OK);
        }
    }
}

void test_quotas(void)
{
    test_run("Quota limits and adjusting", limits);
    test_run("a Quota's end ends all it paid for", ends_all);
    test_run("a client's Quota ends, its server hears of it", client_ends);
    test_run("every injected failure leaves nothing behind", injected);
}
