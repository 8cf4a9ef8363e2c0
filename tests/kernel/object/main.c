// SPDX-License-Identifier: MIT OR Apache-2.0
// Unit tests of kernel/object on the host, with the sanitizers. Prints TAP. After each test
// everything is destroyed and what is allocated is compared with what was before: nothing may leak.
#include "fake.h"

#include <arch/cpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    uint32_t number;
    uint32_t failed;
    bool is_ok;
} state;

void test_check(bool is_ok, const char *what, const char *file, int line)
{
    if (!is_ok) {
        printf("# %s:%d: %s\n", file, line, what);
        state.is_ok = false;
    }
}

static bool core_settle(uint32_t core)
{
    fake.core = core;
    bool has_work = object_work_step();
    quiesce_poll();
    return has_work || quiesce_has_work();
}

void fake_settle(void)
{
    uint32_t was = fake.core;
    uint32_t idle_rounds = 0;
    for (uint32_t round = 0; round < 10000 && idle_rounds < 3; round++) {
        bool has_work = false;
        for (uint32_t core = 0; core < cpu_count; core++) {
            has_work = core_settle(core) || has_work;
        }
        idle_rounds = has_work ? 0 : idle_rounds + 1;
    }
    CHECK(idle_rounds == 3);
    fake.core = was;
}

tes_status_t fake_destroy(struct object *object)
{
    tes_status_t status = TES_ERROR_RESTART;
    for (uint32_t round = 0; round < 10000 && status == TES_ERROR_RESTART; round++) {
        status = object_destroy(object);
        if (status == TES_ERROR_RESTART) {
            fake_settle();
        }
    }
    return status;
}

struct quota *fake_quota(struct quota *parent, uint64_t pages, uint64_t objects, uint64_t handles)
{
    const struct handle_view view = { .object = &parent->object };
    uint64_t value = 0;
    if (sys_quota_create(&view, pages, objects, handles, 0, &value) != TES_OK) {
        abort();
    }
    struct handle_view child;
    if (handle_resolve(current_process(), value, TES_TYPE_QUOTA, 0, &child) != TES_OK) {
        abort();
    }
    return (struct quota *)child.object;
}

struct process *fake_process(struct quota *quota)
{
    struct process *process = NULL;
    if (process_create(quota, "test", &process) != TES_OK) {
        abort();
    }
    return process;
}

struct object *fake_object(struct quota *quota, enum tes_object_type type)
{
    struct object *object = NULL;
    if (object_create(quota, type, &object) != TES_OK) {
        abort();
    }
    return object;
}

void test_run(const char *name, void (*run)(void))
{
    struct quota *root = quota_root();
    state.is_ok = true;
    cpu_count = 1;
    fake.thread.process = fake_process(root);
    uint64_t sessions = session_count();
    uint64_t objects = root->objects_used;
    uint64_t pages = root->pages_used;
    run();
    fake_settle();
    quota_inject_failure(0);
    CHECK(fake_destroy(&fake.thread.process->object) == TES_OK);
    fake_settle();
    CHECK(root->objects_used + 2 == objects);
    CHECK(root->pages_used == pages);
    CHECK(root->handles_used == 0);
    CHECK(session_count() + 2 == sessions);
    CHECK(fake.slabs == 0);
    CHECK(object_count(TES_TYPE_PROCESS) == 0);
    printf("%s %u - %s\n", state.is_ok ? "ok" : "not ok", ++state.number, name);
    state.failed += !state.is_ok;
}

int main(void)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    fake_init();
    session_table_init();
    quota_root_init(2000);
    test_handles();
    test_sessions();
    test_quotas();
    test_ends();
    printf("1..%u\n", state.number);
    return state.failed != 0;
}
