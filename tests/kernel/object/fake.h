// SPDX-License-Identifier: MIT OR Apache-2.0
// The machine and the other kernel modules as these tests see them, and what the tests share.
#pragma once

#include <arch/cpu.h>
#include <kernel/call.h>
#include <kernel/endpoint.h>
#include <kernel/handle.h>
#include <kernel/memory.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/session.h>
#include <kernel_calls.h>

struct fake {
    uint32_t core; // which core the test acts as
    uint64_t now_ns;
    bool preempts;        // sched_should_preempt
    uint64_t fail_frames; // the n-th frame_allocate from now fails; 0: none
    uint64_t fail_slabs;
    uint64_t frames, slabs; // allocated now
    uint64_t ipis, flushes;
    uint64_t sessions_revoked, memories_revoked, signals;
    uint32_t thread_steps; // RESTARTs that a thread's end takes
    struct thread thread;  // the current one
};
extern struct fake fake;

void fake_init(void);
void fake_timers_run(void); // those due at now_ns
void fake_settle(void);     // all deferred work of all cores, until nothing is left
struct session *fake_notice_take(struct endpoint *endpoint);
tes_status_t fake_destroy(struct object *object) TES_MUST_CHECK; // repeats until it is not RESTART

// A process with Quota of its own below the root, current from now on.
struct process *fake_process(struct quota *quota);
struct quota *fake_quota(struct quota *parent, uint64_t pages, uint64_t objects, uint64_t handles);
struct object *fake_object(struct quota *quota, enum tes_object_type type);

// TAP.
void test_check(bool is_ok, const char *what, const char *file, int line);
#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
void test_run(const char *name, void (*run)(void));
void test_handles(void);
void test_sessions(void);
void test_quotas(void);
void test_ends(void);
