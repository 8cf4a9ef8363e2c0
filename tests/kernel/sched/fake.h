// SPDX-License-Identifier: MIT OR Apache-2.0
// The machine and the other kernel modules as these tests see them, and what the tests share.
#pragma once

#include <abi/calls.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/call.h>
#include <kernel/endpoint.h>
#include <kernel/handle.h>
#include <kernel/memory.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/sched.h>
#include <kernel/session.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>

#define FAKE_CORES 4u
#define MS         1000000ull

struct fake {
    uint32_t core; // which core the test acts as
    uint64_t now_ns;
    uint64_t armed_ns[FAKE_CORES];
    uint32_t ipis[FAKE_CORES]; // not taken yet
    uint64_t timer_writes;
    bool preempts; // cpu_interrupt_pending
    uint64_t endpoint_bits, processes_ended, cancelled, servers_ended;
    uint64_t pins;
    uint64_t irq_masked, irq_enabled; // bit sets
    uint64_t fail_pins_after;
    uint64_t pages_charged, objects_charged;
    uint64_t copied[512];
};
extern struct fake fake;
extern struct quota fake_quota;
extern struct process fake_process;
extern struct space fake_space;
extern struct session fake_session;
extern uint32_t fake_failures;

void fake_init(void);
struct thread *fake_current(void);
// The acting core leaves the kernel: who runs then; null: it idles, with nothing to come.
struct thread *fake_leave(void);
void fake_take_ipis(void);           // all cores, until none is left
void fake_run(uint64_t duration_ns); // the acting core runs what it runs, with its timer interrupts
struct sched_context *fake_context(uint64_t budget_ns, uint64_t period_ns, uint32_t priority);
struct thread *
fake_thread(struct sched_context *context); // started; it runs at the core's next way out
struct thread *fake_simple_thread(uint32_t priority);
struct notification *fake_notification(void);
struct endpoint *fake_endpoint(void);
tes_status_t fake_wait(struct notification *notification, uint64_t mask); // as the current thread
uint64_t fake_random(uint64_t limit);
tes_status_t
fake_destroy(struct object *object) TES_MUST_CHECK; // repeats, all cores leaving in between
// Links that the message paths make: caller's call is handled by server, which came in at endpoint.
void fake_serve(struct endpoint *endpoint, struct thread *server, struct thread *caller);
void fake_queue(struct endpoint *endpoint, struct thread *caller);
void fake_join(struct endpoint *endpoint, struct thread *server);

void check(bool is_good, const char *what, int line);
#define CHECK(condition) check((condition), #condition, __LINE__)

void test_queue(void);
void test_timers(void);
void test_budget(void);
void test_reserve(void);
void test_threads(void);
void test_inbox(void);
void test_pull(void);
void test_priority(void);
void test_contexts(void);
void test_notification(void);
void test_notification_timers(void);
void test_deadline(void);
void test_irq(void);
void test_iospace(void);
