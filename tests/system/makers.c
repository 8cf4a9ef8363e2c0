// SPDX-License-Identifier: MIT OR Apache-2.0
// What most tests begin with. Each ends the test if it fails.
#include "test.h"

tes_endpoint_t test_endpoint(void)
{
    tes_endpoint_t endpoint = { 0 };
    OK(tes_endpoint_create(test.quota, &endpoint));
    if (!test.uses_fast_path) {
        OK(tes_endpoint_control(endpoint, TES_ENDPOINT_CONTROL_FAST, 0, 0));
    }
    return endpoint;
}

tes_notification_t test_notification(void)
{
    tes_notification_t notification = { 0 };
    OK(tes_notification_create(test.quota, &notification));
    return notification;
}

tes_memory_t test_memory(uint64_t size)
{
    tes_memory_t memory = { 0 };
    OK(tes_memory_create(test.quota, size, 0, (tes_endpoint_t){ 0 }, 0, &memory));
    return memory;
}

uint64_t test_map(tes_memory_t memory, uint64_t size, uint64_t flags)
{
    uint64_t mapped = 0;
    OK(tes_space_map(own_space(), memory, 0, 0, size, flags, &mapped));
    return mapped;
}

void test_unmap(uint64_t address, uint64_t size)
{
    OK(tes_space_unmap(own_space(), address, size));
}

void test_destroy(tes_handle_t handle)
{
    OK(tes_object_destroy(handle));
}

tes_handle_t test_derive(tes_handle_t handle, uint64_t rights)
{
    tes_handle_t derived = { 0 };
    OK(tes_handle_derive(handle, rights, (tes_session_t){ 0 }, &derived));
    return derived;
}

uint64_t test_wait(tes_notification_t notification, uint64_t mask)
{
    uint64_t bits = 0;
    OK(tes_notification_wait(notification, mask, 0, &bits));
    return bits;
}

void test_worker_at(struct worker *worker, uint64_t priority, worker_entry_t *entry, void *argument)
{
    const struct worker_options options = {
        .name = "peer",
        .priority = priority,
        .core_mask = test.peer_core_mask,
        .quota = test.quota,
    };
    OK(worker_start(worker, &options, entry, argument));
}

void test_worker(struct worker *worker, worker_entry_t *entry, void *argument)
{
    test_worker_at(worker, WORKER_PRIORITY_DEFAULT, entry, argument);
}

void test_join(struct worker *worker)
{
    OK(worker_join(worker));
}

void test_await(tes_thread_t thread, uint32_t state)
{
    OK(thread_await_state(thread, state));
}

struct tes_info_quota test_quota_info(tes_quota_t quota)
{
    struct tes_info_quota info = { 0 };
    uint64_t written = 0;
    OK(tes_object_info(tes_quota_any(quota), TES_INFO_QUOTA, 0, (uint64_t)&info, sizeof(info),
                       &written));
    CHECK_EQUAL(written, sizeof(info));
    return info;
}
