// SPDX-License-Identifier: MIT OR Apache-2.0
// Ends: processes by themselves, destruction in steps, quiescence over several cores, sweeping,
// object_info.
#include "fake.h"

#include <abi/info.h>
#include <string.h>

static struct thread *add_thread(struct process *process)
{
    struct thread *thread =
        container_of(fake_object(process->quota, TES_TYPE_THREAD), struct thread, object);
    thread->process = process;
    list_append(&process->threads, &thread->process_link);
    process->thread_count++;
    return thread;
}

static void process_ends_by_itself(void)
{
    struct process *process = fake_process(quota_root());
    add_thread(process);
    add_thread(process);
    struct space *guest = NULL;
    CHECK(space_create_root(process, quota_root(), true, &guest) == TES_OK);
    list_append(&process->guest_spaces, &guest->guest_link);
    struct object *endpoint = fake_object(quota_root(), TES_TYPE_ENDPOINT);
    struct session *session = NULL;
    CHECK(session_create(endpoint->root, quota_root(), 9, 0, true, &session) == TES_OK);
    for (uint32_t index = 0; index < 200; index++) {
        const struct handle_grant grant = { .object = endpoint,
                                            .session = session,
                                            .epoch = session->epoch };
        uint64_t value = 0;
        CHECK(handle_install(process, &grant, &value) == TES_OK);
    }
    CHECK(session->handles == 200);
    fake.thread_steps = 5;
    fake.preempts = true;
    process_thread_ended(process);
    const struct handle_grant grant = { .object = endpoint,
                                        .session = session,
                                        .epoch = session->epoch };
    uint64_t value = 0;
    CHECK(handle_install(process, &grant, &value) == TES_ERROR_DEAD);
    fake_settle();
    fake.preempts = false;
    CHECK(object_count(TES_TYPE_PROCESS) == 2); // its status can be asked until it is destroyed
    CHECK(fake_destroy(&process->object) == TES_OK);
    fake_settle();
    CHECK(object_count(TES_TYPE_PROCESS) == 1 && object_count(TES_TYPE_THREAD) == 0);
    CHECK(object_count(TES_TYPE_SPACE) == 1);
    CHECK(fake_notice_take((struct endpoint *)endpoint) == session); // its handles were closed
    CHECK(fake_destroy(endpoint) == TES_OK);
}

static void quiescence(void)
{
    cpu_count = 3;
    struct object *object = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    CHECK(object_destroy(object) == TES_OK);
    quiesce_poll();
    CHECK(object_count(TES_TYPE_NOTIFICATION) == 1 && quiesce_has_work());
    fake.core = 1;
    quiesce_poll();
    fake.core = 0;
    quiesce_poll();
    CHECK(object_count(TES_TYPE_NOTIFICATION) == 1); // core 2 may still read it
    uint64_t ipis = fake.ipis;
    fake.now_ns += 1000000;
    quiesce_poll();
    CHECK(fake.ipis == ipis + 1); // it is asked
    fake.core = 2;
    quiesce_poll();
    fake.core = 0;
    quiesce_poll();
    CHECK(object_count(TES_TYPE_NOTIFICATION) == 0);
    object = fake_object(quota_root(), TES_TYPE_NOTIFICATION);
    for (fake.core = 1; fake.core < 3; fake.core++) {
        quiesce_idle_enter();
    }
    fake.core = 0;
    CHECK(object_destroy(object) == TES_OK);
    quiesce_poll();
    CHECK(object_count(TES_TYPE_NOTIFICATION) == 0); // idle cores keep nobody waiting
    for (fake.core = 1; fake.core < 3; fake.core++) {
        quiesce_idle_leave();
        quiesce_idle_leave();
    }
    fake.core = 0;
}

static void sweep(void)
{
    struct object *object = fake_object(quota_root(), TES_TYPE_MEMORY);
    struct session *session = NULL;
    CHECK(session_create(object->root, quota_root(), 0, 0, false, &session) == TES_OK);
    struct process *processes[16];
    for (uint32_t index = 0; index < 16; index++) {
        processes[index] = fake_process(quota_root());
        for (uint32_t count = 0; count < 16; count++) {
            const struct handle_grant grant = { .object = object,
                                                .session = session,
                                                .epoch = session->epoch };
            uint64_t value = 0;
            CHECK(handle_install(processes[index], &grant, &value) == TES_OK);
        }
    }
    CHECK(quota_root()->handles_used == 256);
    CHECK(session_revoke(session, false) == TES_OK);
    uint32_t steps = 0;
    while (object_work_step()) {
        steps++;
    }
    CHECK(quota_root()->handles_used == 0);
    CHECK(steps <= 20);
    for (uint32_t index = 0; index < 16; index++) {
        CHECK(fake_destroy(&processes[index]->object) == TES_OK);
    }
    CHECK(fake_destroy(object) == TES_OK);
}

static void destroyed_while_queued(void)
{
    struct process *process = fake_process(quota_root());
    object_destroy_later(&process->object);
    object_destroy_later(&process->object);
    CHECK(fake_destroy(&process->object) == TES_OK);
    fake_settle();
    CHECK(object_count(TES_TYPE_PROCESS) == 1);
}

static tes_status_t ask(struct object *object, uint64_t topic, uint64_t index, void *to,
                        uint64_t size)
{
    const struct handle_view view = { .object = object, .type = object->type };
    uint64_t written = 0;
    return sys_object_info(&view, topic, index, (uint64_t)(uintptr_t)to, size, &written);
}

static void info(void)
{
    struct process *self = current_process();
    struct tes_info_process process;
    CHECK(ask(&self->object, TES_INFO_PROCESS, 0, &process, sizeof(process)) == TES_OK);
    CHECK(process.id == self->object.id && strcmp(process.name, "test") == 0);
    CHECK(ask(&self->object, TES_INFO_QUOTA, 0, &process, sizeof(process)) == TES_ERROR_INVALID);
    CHECK(ask(&self->object, 99, 0, &process, sizeof(process)) == TES_ERROR_INVALID);
    struct tes_info_handle handle;
    CHECK(ask(&self->object, TES_INFO_HANDLE, 0, &handle, sizeof(handle)) == TES_ERROR_NOT_FOUND);
    struct tes_info_object object;
    uint64_t found = 0;
    while (ask(&quota_root()->object, TES_INFO_QUOTA_OBJECT, found, &object, sizeof(object)) ==
           TES_OK) {
        found++;
    }
    CHECK(found == quota_root()->objects_used);
    struct tes_info_quota quota;
    CHECK(ask(&quota_root()->object, TES_INFO_QUOTA, 0, &quota, 16) == TES_OK);
    struct tes_info_thread thread;
    CHECK(ask(&self->object, TES_INFO_THREAD, 0, &thread, sizeof(thread)) == TES_ERROR_NOT_FOUND);
}

void test_ends(void)
{
    test_run("a process ends by itself", process_ends_by_itself);
    test_run("objects wait for every core", quiescence);
    test_run("256 dead handles of 16 processes are swept", sweep);
    test_run("an object is destroyed while it is queued for that", destroyed_while_queued);
    test_run("object_info", info);
}
