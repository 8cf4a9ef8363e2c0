// SPDX-License-Identifier: MIT OR Apache-2.0
// Tests in the booted system. A test is a function; what it makes it makes in test.quota and undoes
// itself: counts of kernel objects are compared before and after. A check that fails ends the test
// (on the first thread only: workers and children say what went wrong in words that the test
// checks).
#pragma once

#include <abi/message.h>
#include <abi/settings.h>
#include <rt/string.h>
#include <support/child.h>
#include <support/program.h>

enum test_flags {
    TEST_PATHS = 1,     // runs with the fast path on, off, and with the peer on another core
    TEST_TWO_CORES = 2, // skipped on one core
    TEST_LONG = 4,      // more time
    TEST_ONCE_MORE =
        8, // run twice: the second run starts from what the first left (caches, tables)
};

struct test_case {
    const char *name;
    void (*run)(void);
    uint32_t flags; // enum test_flags
};

struct test_group {
    const char *name;
    const struct test_case *cases;
    uint32_t count;
};
#define TEST_GROUP(group)                                                                          \
    {                                                                                              \
#group, group##_tests, sizeof(group##_tests) / sizeof(group##_tests[0])                    \
    }

struct test_state {
    tes_quota_t quota;       // the running test's
    bool uses_fast_path;     // what test_endpoint makes
    uint64_t peer_core_mask; // where its peers run
};
extern struct test_state test;

#define TEST_QUOTA_PAGES   6000u
#define TEST_QUOTA_OBJECTS 6000u
#define TEST_QUOTA_HANDLES 6000u

#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(a, b)                                                                          \
    test_check_equal((uint64_t)(a), (uint64_t)(b), #a " == " #b, __FILE__, __LINE__)
#define OK(expression) test_expect(-1, TES_OK, (expression), #expression, __FILE__, __LINE__)
// The call fails with that error; the pair is then covered.
#define EXPECT(call, error, expression)                                                            \
    test_expect(TES_CALL_##call, TES_ERROR_##error, (expression), #expression, __FILE__, __LINE__)

void test_check(bool is_good, const char *text, const char *file, int line);
void test_check_equal(uint64_t a, uint64_t b, const char *text, const char *file, int line);
void test_expect(int32_t call, tes_status_t expected, tes_status_t status, const char *text,
                 const char *file, int line);
void test_covered(uint32_t call, tes_status_t error);
bool test_is_covered(uint32_t call, tes_status_t error);
uint32_t test_failures(void);

// Runs the group's tests whose name contains `only`.
void test_group_run(const struct test_group *group, const char *only);
void test_plan(void);
void test_report(bool is_ok, const char *name, const char *variant);
void test_watch_start(void); // the thread that ends tests that hang

// --- makers; each ends the test if it fails ---
tes_endpoint_t test_endpoint(void);
tes_notification_t test_notification(void);
tes_memory_t test_memory(uint64_t size);
uint64_t test_map(tes_memory_t memory, uint64_t size, uint64_t flags); // into the own Space
void test_unmap(uint64_t address, uint64_t size);
void test_destroy(tes_handle_t handle);
tes_handle_t test_derive(tes_handle_t handle, uint64_t rights);
uint64_t test_wait(tes_notification_t notification, uint64_t mask);
void test_worker(struct worker *worker, worker_entry_t *entry,
                 void *argument); // on the peer's core
void test_worker_at(struct worker *worker, uint64_t priority, worker_entry_t *entry,
                    void *argument);
void test_join(struct worker *worker);
void test_await(tes_thread_t thread, uint32_t state);
void test_await_above(const uint64_t *counter, uint64_t value); // another thread counts
struct tes_info_quota test_quota_info(tes_quota_t quota);

#define READ_WRITE (TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE)
#define ALL_RIGHTS 0xffffull
#define PAGE       TES_PAGE_SIZE

static inline tes_status_t message_call(tes_endpoint_t endpoint, struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_CALL, message);
}

static inline tes_status_t message_send(tes_endpoint_t endpoint, struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_SEND, message);
}

static inline tes_status_t message_receive(tes_endpoint_t endpoint, struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_RECV, message);
}

static inline tes_status_t message_reply_receive(tes_endpoint_t endpoint,
                                                 struct tes_message *message)
{
    message->handle = endpoint.value;
    return tes_arch_message(TES_CALL_IPC_REPLY_RECV, message);
}

static inline tes_status_t message_reply(tes_reply_t reply, struct tes_message *message)
{
    message->handle = reply.value;
    return tes_arch_message(TES_CALL_IPC_REPLY, message);
}

static inline uint64_t label_of(uint64_t method)
{
    return method << TES_LABEL_METHOD_SHIFT;
}

static inline uint64_t method_of(uint64_t label)
{
    return label >> TES_LABEL_METHOD_SHIFT;
}

static inline uint64_t kind_of(uint64_t label)
{
    return label >> TES_LABEL_KIND_SHIFT & TES_LABEL_KIND_MASK;
}

static inline tes_handle_t any(uint64_t value)
{
    return (tes_handle_t){ value };
}

// The groups.
extern const struct test_group handle_group, notification_group, ipc_group, transfer_group,
    wait_group, session_group, memory_group, space_group, fault_group, guest_group, device_group,
    quota_group, thread_group, smp_group, mass_group, error_group, exhaust_group, coverage_group,
    sched_group, pager_group, lacking_group;
