// SPDX-License-Identifier: MIT OR Apache-2.0
// Lending of priority and context along chains of calls.
#include "fake.h"

static struct thread *waiting_thread(uint32_t priority)
{
    struct thread *thread = fake_simple_thread(priority);
    thread_post(thread, THREAD_OP_UPDATE);
    return thread;
}

// From the core's queue into a wait: as if it had run and made its call.
static void take_off(struct thread *thread)
{
    while (fake_leave() != thread) {
        CHECK(fake_current()->state == TES_THREAD_RUNNING);
        fake_current()->state = TES_THREAD_WAIT_NOTIFICATION;
        sched_block_current();
    }
}

void test_priority(void)
{
    struct endpoint *outer = fake_endpoint();
    struct endpoint *inner = fake_endpoint();
    struct thread *client = waiting_thread(10);
    take_off(client);
    struct thread *middle = waiting_thread(5);
    fake_serve(outer, middle, client);
    sched_block_current();
    take_off(middle);
    CHECK(middle->priority == 10 && middle->context == client->own_context);
    struct thread *server = waiting_thread(3);
    fake_serve(inner, server, middle);
    sched_block_current();
    take_off(server);
    CHECK(server->priority == 10 && server->lend_depth == 2 &&
          server->context == client->own_context);
    // An urgent caller queues at the outer endpoint: both servers are boosted, the one in the
    // middle while it waits.
    struct thread *urgent = waiting_thread(30);
    take_off(urgent);
    fake_queue(outer, urgent);
    sched_block_current();
    CHECK(fake_leave() == server);
    CHECK(middle->priority == 30 && (middle->slow_flags & THREAD_SLOW_BOOSTED) != 0);
    CHECK(server->priority == 30 && server->context == client->own_context);
    // A still more urgent one at the inner endpoint boosts only the server.
    struct thread *most = waiting_thread(40);
    take_off(most);
    fake_queue(inner, most);
    sched_block_current();
    CHECK(fake_leave() == server && server->priority == 40 && middle->priority == 30);
    // It goes: as if cancelled.
    tree_remove(&inner->callers, &most->wait_node);
    most->state = TES_THREAD_WAIT_NOTIFICATION;
    thread_post(server, THREAD_OP_UPDATE);
    CHECK(fake_leave() == server && server->priority == 30 &&
          (server->slow_flags & THREAD_SLOW_BOOSTED) == 0);
    // A queued caller whose own priority changes finds its place again and takes its servers along.
    urgent->own_context->priority = 35;
    thread_post(urgent, THREAD_OP_UPDATE);
    CHECK(fake_leave() == server && urgent->priority == 35 && middle->priority == 35 &&
          server->priority == 35);
    // The call of the middle ends: back to its own.
    server->caller = NULL;
    middle->server = NULL;
    server->context = server->own_context;
    sched_update_priority(server);
    CHECK(server->priority == 3 && server->lend_depth == 0);
    sched_wake(middle);
    CHECK(fake_leave() == middle && middle->priority == 35);
}

void test_contexts(void)
{
    struct endpoint *endpoint = fake_endpoint();
    const struct sched_parameters bad[] = { { 0, 0, 1, 1 },
                                            { MS, MS - 1, 1, 1 },
                                            { MS, 0, 1, TES_PRIORITY_COUNT },
                                            { MS, 0, 1ull << FAKE_CORES, 1 } };
    struct sched_context *context = NULL;
    struct thread *thread = NULL;
    for (uint32_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        CHECK(context_create(&fake_quota, &bad[index], &context) == TES_ERROR_INVALID);
    }
    struct thread *client = waiting_thread(10);
    take_off(client);
    CHECK(thread_create(&fake_process, client->own_context, &thread) == TES_ERROR_BUSY);
    struct thread *server = waiting_thread(5);
    fake_serve(endpoint, server, client);
    sched_block_current();
    take_off(server);
    struct sched_context *lent = client->own_context;
    CHECK(server->context == lent);
    // Destroyed while lent: nobody runs on it any more; the owner has none, the server finishes on
    // what is left.
    CHECK(fake_destroy(&lent->object) == TES_OK);
    CHECK(lent->owner == NULL && client->own_context == NULL && client->context != lent &&
          server->context != lent);
    CHECK(fake_leave() == server);
    // The owner dies: the server is on its own.
    thread_post(client, THREAD_OP_KILL);
    CHECK(fake_leave() == server && client->state == TES_THREAD_DEAD);
    server->caller = NULL;
    thread_post(server, THREAD_OP_UPDATE);
    CHECK(fake_leave() == server && server->context == server->own_context &&
          server->priority == 5);
    // Across cores: the server's core hears of it before the context is done with.
    struct thread *far_client = waiting_thread(20);
    take_off(far_client);
    struct thread *far = waiting_thread(6);
    fake.core = 1;
    CHECK(fake_leave() == far);
    fake.core = 0;
    fake_serve(endpoint, far, far_client);
    far->state = TES_THREAD_RUNNING;
    lent = far_client->own_context;
    sched_block_current();
    CHECK(fake_destroy(&lent->object) == TES_OK && far->context != lent);
}
