// SPDX-License-Identifier: MIT OR Apache-2.0
// Who gets how much time: periods, quanta, debts, the reserve of servers.
#include "fake.h"

static bool is_near(uint64_t value, uint64_t expected, uint64_t tolerance)
{
    return value + tolerance >= expected && value <= expected + tolerance;
}

void test_budget(void)
{
    struct thread *part =
        fake_thread(fake_context(2 * MS, 10 * MS, 20)); // a fifth, before all others
    struct thread *one = fake_simple_thread(10);
    struct thread *two = fake_simple_thread(10);
    struct thread *low = fake_simple_thread(5);
    fake_run(1000 * MS);
    CHECK(is_near(part->runtime_ns, 200 * MS, 3 * MS));
    CHECK(is_near(one->runtime_ns, 400 * MS, 5 * MS));
    CHECK(is_near(two->runtime_ns, 400 * MS, 5 * MS));
    CHECK(low->runtime_ns == 0);
    // Alone, a thread with a quantum needs no timer.
    thread_post(part, THREAD_OP_KILL);
    thread_post(one, THREAD_OP_KILL);
    thread_post(low, THREAD_OP_KILL);
    fake_run(10 * MS);
    uint64_t writes = fake.timer_writes;
    fake_run(100 * MS);
    CHECK(fake.timer_writes == writes);
    CHECK(fake_current() == two);
    // What was used beyond the budget is taken from the next.
    struct sched_context *late = fake_context(2 * MS, 10 * MS, 30);
    struct thread *thread = fake_thread(late);
    CHECK(fake_leave() == thread);
    fake.now_ns += 5 * MS; // the timer interrupt came 3 ms late
    fake.armed_ns[0] = 0;
    sched_timer_interrupt();
    CHECK(fake_leave() == two);
    CHECK(thread->state == TES_THREAD_WAIT_BUDGET && late->debt_ns == 3 * MS);
    uint64_t before = thread->runtime_ns;
    fake_run(25 * MS); // a period pays 2 ms of the debt, the next 1 ms
    CHECK(is_near(thread->runtime_ns - before, MS, MS / 10));
}

void test_reserve(void)
{
    struct endpoint *endpoint = fake_endpoint();
    struct sched_context *lent = fake_context(2 * MS, 100 * MS, 20);
    struct thread *client = fake_thread(lent);
    CHECK(fake_leave() == client);
    struct thread *server = fake_simple_thread(10);
    fake_run(MS); // the client uses half
    fake_serve(endpoint, server, client);
    sched_block_current();
    CHECK(fake_leave() == server && server->context == lent);
    fake_run(5 * MS);
    CHECK(fake_current() == server && server->context == server->own_context);
    CHECK((server->slow_flags & THREAD_SLOW_RESERVE) != 0 && lent->overruns == 1);
    sched_charge_reserve(server);
    CHECK(is_near(lent->debt_ns, 4 * MS, MS / 10));
    // The reply: as the message path does it.
    server->caller = NULL;
    client->server = NULL;
    sched_update_priority(server);
    CHECK((server->slow_flags & THREAD_SLOW_RESERVE) == 0 && server->priority == 10);
    client->state = TES_THREAD_WAIT_REPLY;
    sched_wake(client);
    CHECK(fake_leave() == server && client->state == TES_THREAD_WAIT_BUDGET);
    uint64_t before = client->runtime_ns;
    fake_run(330 * MS); // two periods pay the debt
    CHECK(is_near(client->runtime_ns - before, 2 * MS, MS));
    // Without a reserve the server waits for the refill; if its caller dies it finishes all the
    // same.
    struct thread *passive = fake_simple_thread(12);
    fake_run(MS);
    thread_post(client, THREAD_OP_STOP);
    struct sched_context *own = passive->own_context;
    passive->own_context = NULL;
    own->owner = NULL;
    lent->left_ns = 0;
    lent->refill_ns = fake.now_ns + 50 * MS;
    fake_serve(endpoint, passive, client);
    (void)fake_leave();
    fake_run(2 * MS);
    CHECK(passive->state == TES_THREAD_WAIT_BUDGET);
    passive->caller = NULL;
    client->server = NULL;
    thread_post(passive, THREAD_OP_UPDATE);
    thread_post(server, THREAD_OP_STOP);
    server->stop_count = 1;
    CHECK(fake_leave() == passive && passive->priority == 0);
}
