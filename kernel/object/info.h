// SPDX-License-Identifier: MIT OR Apache-2.0
// object_info: a request on its way to the function of its topic (info.c: objects, info_system.c:
// the machine).
#pragma once

#include <abi/info.h>
#include <kernel/handle.h>

union info_answer {
    struct tes_info_object object;
    struct tes_info_process process;
    struct tes_info_handle handle;
    struct tes_info_thread thread;
    struct tes_info_quota quota;
    struct tes_info_region region;
    struct tes_info_memory memory;
    struct tes_info_machine machine;
    struct tes_info_counters counters;
    struct tes_info_irq irq;
    struct tes_info_session session;
    struct tes_info_endpoint endpoint;
    struct tes_info_object_counts object_counts;
    struct tes_info_resource resource;
    struct tes_info_context context;
    struct tes_trace_record records[16];
    char log[512];
};

struct info_request {
    const struct handle_view *view;
    struct object *object;
    uint64_t index;
    uint64_t size;    // of the caller's buffer
    uint64_t written; // of the answer
    union info_answer answer;
};

struct info_topic {
    uint8_t type;       // of the object asked; TES_TYPE_NONE: any
    uint8_t other_type; // asked as well; TES_TYPE_NONE: no other
    uint16_t size;      // of the answer; 0: the function says
    tes_status_t (*fill)(struct info_request *request);
};
extern const struct info_topic info_system_topics[TES_INFO_QUOTA_AT + 1];
void info_process(struct process *process, struct tes_info_process *out_info);
void info_quota(struct quota *quota, struct tes_info_quota *out_info);
tes_status_t info_handle_at(struct process *process, uint64_t n,
                            struct tes_info_handle *out_info) TES_MUST_CHECK;
