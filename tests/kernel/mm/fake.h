// SPDX-License-Identifier: MIT OR Apache-2.0
// The machine, objects and Quotas as the tests of kernel/mm see them, and what the tests share.
#pragma once

#include <abi/calls.h>
#include <abi_arch/registers.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/call.h>
#include <kernel/frame.h>
#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/session.h>
#include <kernel/thread.h>

struct fake {
    uint32_t core;
    uint32_t preempt_one_in; // sched_should_preempt says yes once in so many calls; 0: never
    uint64_t fail_charge;    // the n-th charge from now fails; 0: none
    uint64_t objects;        // allocated now
    uint64_t page_requests;
    uint64_t flushes[CORES_MAX]; // by core
    struct thread thread;
    struct process process;
    struct quota quota;       // of everything
    struct quota other_quota; // of Memories that another Quota pays for
};
extern struct fake fake;

void fake_machine_init(void);
void fake_objects_init(void);
void fake_tlb_drop(void);
uint64_t fake_random(uint64_t below);
void fake_destroy(struct object *object); // to the end
void fake_settle(void);                   // what is to be destroyed later
// One byte as the thread of this Space would access it; false: a fault that is delivered (its cause
// in *out_cause).
bool user_read(struct space *space, uint64_t address, uint8_t *out_byte);
bool user_write(struct space *space, uint64_t address, uint8_t byte);
bool user_execute(struct space *space, uint64_t address);
extern uint64_t fake_fault_cause;

struct space *fake_space(bool is_guest);
struct memory *fake_memory(struct quota *quota, uint64_t pages);
// Calls, repeated while they are preempted, with handles that have all rights.
tes_status_t fake_map(struct space *space, struct memory *memory, uint64_t offset, uint64_t address,
                      uint64_t size, uint64_t flags);
tes_status_t fake_unmap(struct space *space, uint64_t address, uint64_t size);
tes_status_t fake_protect(struct space *space, uint64_t address, uint64_t size, uint64_t access);
tes_status_t fake_clone_space(struct space *space, struct space **out_clone);
tes_status_t fake_clone_memory(struct memory *memory, uint64_t offset, uint64_t size,
                               struct memory **out_clone);
tes_status_t fake_control(struct memory *memory, uint64_t operation, uint64_t offset,
                          uint64_t size);
tes_status_t fake_create(uint64_t size, uint64_t flags, struct memory **out_memory);
tes_status_t fake_supply(struct memory *memory, uint64_t page, struct memory *source,
                         uint64_t pages);

void test_check(bool is_ok, const char *what, const char *file, int line);
#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
void test_frames(void);
void test_slabs(void);
void test_rt_tree(void);
void test_page_tree(void);
void test_spaces_random(void);
void test_memory_clones(void);
void test_revocation(void);
void test_sealing(void);
void test_pager(void);
void test_pins(void);
void test_large(void);
void test_failures(void);
void test_shootdown(void);
void test_leaks_begin(void);
void test_leaks_end(void); // everything is back
