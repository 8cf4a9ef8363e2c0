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

// Kernel calls under test (generated prototypes are for kernel modules only).
tes_status_t sys_quota_create(struct call *call, const struct handle_view *quota, uint64_t pages,
                              uint64_t objects, uint64_t handles, uint64_t flags,
                              uint64_t *out_child);
tes_status_t sys_quota_adjust(struct call *call, const struct handle_view *quota, uint64_t pages,
                              uint64_t objects, uint64_t handles);
tes_status_t sys_session_create(struct call *call, const struct handle_view *parent,
                                const struct handle_view *quota, uint64_t badge, uint64_t expiry_ns,
                                uint64_t *out_session);
tes_status_t sys_session_bind(struct call *call, const struct handle_view *session,
                              const struct handle_view *notification, uint64_t bits);
tes_status_t sys_handle_derive(struct call *call, const struct handle_view *handle, uint64_t rights,
                               const struct handle_view *session, uint64_t *out_derived);
tes_status_t sys_handle_copy(struct call *call, const struct handle_view *process,
                             const struct handle_view *handle, uint64_t rights, uint64_t flags,
                             uint64_t *out_copied);
tes_status_t sys_handle_revoke(struct call *call, const struct handle_view *handle, uint64_t flags);
tes_status_t sys_object_destroy(struct call *call, const struct handle_view *handle);
tes_status_t sys_object_info(struct call *call, const struct handle_view *handle, uint64_t topic,
                             uint64_t index, uint64_t address, uint64_t size,
                             uint64_t *out_written);
tes_status_t sys_process_create(struct call *call, const struct handle_view *quota, uint64_t name0,
                                uint64_t name1, uint64_t *out_process, uint64_t *out_space);

// TAP.
void test_check(bool is_ok, const char *what, const char *file, int line);
#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
void test_run(const char *name, void (*run)(void));
void test_handles(void);
void test_sessions(void);
void test_quotas(void);
void test_ends(void);
