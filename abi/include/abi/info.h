// SPDX-License-Identifier: MIT OR Apache-2.0
// What object_info writes: topics by object type. Sizes are fixed; new fields go at the end of
// reserved space.
#pragma once

#include <stdint.h>

enum tes_info_topic {
    TES_INFO_OBJECT = 1,  // any type: struct tes_info_object
    TES_INFO_PROCESS = 2, // Process: struct tes_info_process
    TES_INFO_HANDLE = 3,  // Process, index = n-th used slot: struct tes_info_handle
    TES_INFO_THREAD =
        4, // Thread itself, or Process with index = n-th thread: struct tes_info_thread
    TES_INFO_QUOTA = 5,        // Quota: struct tes_info_quota
    TES_INFO_QUOTA_OBJECT = 6, // Quota, index = n-th object charged to it: struct tes_info_object
    TES_INFO_SPACE_REGION =
        7,                // Space (or Process's own), index = n-th region: struct tes_info_region
    TES_INFO_MEMORY = 8,  // Memory: struct tes_info_memory
    TES_INFO_MACHINE = 9, // Resource: struct tes_info_machine
    TES_INFO_LOG =
        10, // Resource (machine): log bytes from position index (monotonic); short at the end
    // Resource (machine), index = core << 56 | position: struct tes_trace_record from that position
    // of the core's ring (monotonic; what the ring has no longer reads as zeros).
    TES_INFO_TRACE = 11,
    TES_INFO_COUNTERS = 12, // Resource (machine), index = core: struct tes_info_counters
    TES_INFO_IRQ = 13,      // Resource (machine), index = n-th bound source: struct tes_info_irq
    TES_INFO_PROCESS_AT =
        14, // Resource (machine), index = n-th process of the system: struct tes_info_process
    TES_INFO_SESSION = 15,  // Session: struct tes_info_session
    TES_INFO_ENDPOINT = 16, // Endpoint: struct tes_info_endpoint
    TES_INFO_PROCESS_HANDLE_AT =
        17, // Resource (machine), index = process id << 32 | n: struct tes_info_handle
    TES_INFO_OBJECT_COUNTS = 18, // Resource (machine): struct tes_info_object_counts
    TES_INFO_RESOURCE = 19,      // Resource: struct tes_info_resource
    TES_INFO_CONTEXT = 20,       // SchedContext: struct tes_info_context
    TES_INFO_QUOTA_AT =
        21, // Resource (machine), index = n-th quota of the system: struct tes_info_quota
};

struct tes_info_object {
    uint64_t id; // unique since boot
    uint32_t type;
    uint32_t reserved;
    uint64_t quota_id;
};

struct tes_info_process {
    uint64_t id;
    char name[16];
    uint64_t quota_id;
    uint32_t thread_count;
    uint32_t handle_count;
    uint64_t pages;       // frames that its Quota pays for (the Quota may be shared)
    uint64_t runtime_ns;  // of all its threads, ended ones included
    uint64_t exit_status; // of its last thread
    uint32_t state;       // 0 new, 1 running, 2 dying or dead
    uint32_t reserved;
};

struct tes_info_handle {
    uint64_t handle;
    uint64_t object_id;
    uint64_t badge;
    uint64_t session_id; // index of the node in the Session table
    uint32_t type;
    uint32_t rights;
    uint32_t is_live;
    uint32_t label;
};

enum tes_thread_state {
    TES_THREAD_NEW = 0,
    TES_THREAD_READY = 1,
    TES_THREAD_RUNNING = 2,
    TES_THREAD_WAIT_SEND = 3,  // queued at an endpoint with a call or send
    TES_THREAD_WAIT_REPLY = 4, // its call was received
    TES_THREAD_WAIT_RECEIVE = 5,
    TES_THREAD_WAIT_NOTIFICATION = 6,
    TES_THREAD_WAIT_FAULT = 7, // its fault is being handled
    TES_THREAD_WAIT_PAGE = 8,  // a pager is asked
    TES_THREAD_STOPPED = 9,
    TES_THREAD_DEAD = 10,
    TES_THREAD_WAIT_BUDGET = 11, // its budget is used up until the next refill
};

struct tes_info_thread {
    uint64_t id;
    uint64_t process_id;
    char name[16];
    uint32_t state; // enum tes_thread_state
    uint32_t core;
    uint32_t priority;
    uint32_t in_guest;
    uint64_t runtime_ns;
    uint64_t waits_for_id; // object id of the endpoint or notification, 0 none
    uint64_t fast_calls;
    uint64_t slow_calls;
};

struct tes_info_quota {
    uint64_t id;
    uint64_t parent_id;
    uint64_t pages_limit;
    uint64_t pages_used; // own use and what children were given
    uint64_t objects_limit;
    uint64_t objects_used;
    uint64_t handles_limit;
    uint64_t handles_used;
    uint64_t flags;
};

struct tes_info_region {
    uint64_t address;
    uint64_t size;
    uint64_t memory_id;
    uint64_t offset;
    uint32_t access; // bit 0 read, 1 write, 2 execute
    uint32_t reserved;
};

struct tes_info_memory {
    uint64_t size;
    uint64_t pages_present;
    uint32_t kind; // 0 anonymous, 1 contiguous, 2 device, 3 pager-backed
    uint32_t is_sealed;
};

struct tes_info_machine {
    uint32_t core_count;
    uint32_t architecture; // 1 x86_64, 2 aarch64, 3 riscv64
    uint64_t pages_total;  // memory the firmware reported as usable
    uint64_t pages_free;
    uint64_t pages_kernel; // kernel image, tables, stacks, slabs: everything not in a Memory
    uint64_t pages_boot_image;
    uint64_t boot_ns;    // from the kernel's first instruction to the start of the first component
    uint64_t boot_ticks; // the same in ticks of the cycle counter
    uint64_t ticks_per_second;
    char command_line[256];
};

// Objects that exist now, by type number (abi/objects.h), Sessions last.
struct tes_info_object_counts {
    uint64_t by_type[32];
    uint64_t sessions;
    uint64_t frames_used;
};

struct tes_info_session {
    uint64_t id;
    uint64_t badge;
    uint64_t handles;
    uint64_t expiry_ns;
    uint32_t is_live;
    uint32_t is_minted;
};

struct tes_info_endpoint {
    uint64_t id;
    uint32_t state; // 0 down, 1 up, 2 on hold
    uint32_t receivers_waiting;
    uint32_t callers_waiting;
    uint32_t reserved;
};

struct tes_info_context {
    uint64_t budget_ns;
    uint64_t period_ns;
    uint64_t left_ns;
    uint64_t core_mask;
    uint32_t priority;
    uint32_t overruns;
};

enum tes_resource_kind {
    TES_RESOURCE_MACHINE = 0,
    TES_RESOURCE_PORTS = 1,
    TES_RESOURCE_IO_MEMORY = 2,
    TES_RESOURCE_IRQS = 3
};
struct tes_info_resource {
    uint64_t base;
    uint64_t size;
    uint32_t kind;
    uint32_t reserved;
};

struct tes_info_irq {
    uint64_t number;
    uint64_t count; // interrupts delivered
    uint64_t process_id;
};

// Per-core counters. Names and order are in abi/counters.idl (generated enum tes_counter).
#define TES_COUNTERS_MAX 64u
struct tes_info_counters {
    uint64_t values[TES_COUNTERS_MAX];
};

enum tes_trace_event {           // below: a kernel call of that number, argument: its first one
    TES_TRACE_SWITCH = 0x100,    // argument: id of the thread that runs next
    TES_TRACE_INTERRUPT = 0x101, // argument: the vector
    TES_TRACE_FAULT = 0x102,     // argument: the instruction's address; status: the vector
};

struct tes_trace_record {
    uint64_t time_ns;
    uint64_t thread_id;
    uint16_t event; // kernel call number, or enum tes_trace_event
    uint16_t core;
    int32_t status;
    uint64_t argument;
};
