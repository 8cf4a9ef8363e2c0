// SPDX-License-Identifier: MIT OR Apache-2.0
// object_info topics about the machine as a whole, asked with the machine's Resource: memory,
// counters, log, trace, every process and Quota.
#include "info.h"
#include "internal.h"

#include <abi/image.h>
#include <abi/time_page.h>
#include <arch/cpu.h>
#include <kernel/boot.h>
#include <kernel/frame.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/type_operations.h>
#include <rt/string.h>

#define TRACE_CORE_SHIFT    56u
#define TRACE_POSITION_MASK ((1ull << TRACE_CORE_SHIFT) - 1)
#define PROCESS_ID_SHIFT    32u
#define NS_PER_SECOND       1000000000ull

static uint64_t first_start_ticks; // when the first component was started

void info_boot_done(void)
{
    first_start_ticks = cpu_ticks();
}

static uint64_t boot_pages(uint32_t kind)
{
    uint64_t pages = 0;
    for (uint32_t index = 0; index < boot_info.range_count; index++) {
        pages +=
            boot_info.ranges[index].kind == kind ? boot_info.ranges[index].size / PAGE_SIZE : 0;
    }
    return pages;
}

static tes_status_t fill_machine(struct info_request *request)
{
    struct tes_info_machine *info = &request->answer.machine;
    struct tes_time_page page = { 0 };
    cpu_time_page_fill(&page);
    const struct tes_image_header *image =
        frame_address(boot_info.image_base); // checked at boot: made for this machine
    *info =
        (struct tes_info_machine){ .core_count = cpu_count,
                                   .architecture = image->architecture,
                                   .pages_total = frame_total(),
                                   .pages_free = frame_free_count(),
                                   .pages_kernel = boot_pages(BOOT_MEMORY_KERNEL) +
                                                   boot_pages(BOOT_MEMORY_TABLES) + slab_pages(),
                                   .pages_boot_image = boot_info.image_size / PAGE_SIZE,
                                   .boot_ticks = first_start_ticks - boot_info.start_ticks,
                                   .ticks_per_second = page.ticks_per_second };
    uint64_t rate = page.ticks_per_second;
    if (rate != 0) {
        info->boot_ns = info->boot_ticks / rate * NS_PER_SECOND +
                        info->boot_ticks % rate * NS_PER_SECOND / rate;
    }
    static_assert(sizeof(info->command_line) == BOOT_COMMAND_LINE_MAX, "the whole command line");
    memcpy(info->command_line, boot_info.command_line, sizeof(info->command_line));
    return TES_OK;
}

static tes_status_t fill_log(struct info_request *request)
{
    uint64_t size =
        request->size < sizeof(request->answer.log) ? request->size : sizeof(request->answer.log);
    request->written = log_read(request->index, request->answer.log, size);
    return TES_OK;
}

static tes_status_t fill_trace(struct info_request *request)
{
    uint64_t core = request->index >> TRACE_CORE_SHIFT;
    if (core >= cpu_count) {
        return TES_ERROR_NOT_FOUND;
    }
    uint64_t count = request->size / sizeof(struct tes_trace_record);
    const uint64_t most = sizeof(request->answer.records) / sizeof(request->answer.records[0]);
    count = trace_read((uint32_t)core, request->index & TRACE_POSITION_MASK,
                       request->answer.records, count < most ? count : most);
    request->written = count * sizeof(struct tes_trace_record);
    return count != 0 ? TES_OK : TES_ERROR_NOT_FOUND;
}

static tes_status_t fill_counters(struct info_request *request)
{
    if (request->index >= cpu_count) {
        return TES_ERROR_NOT_FOUND;
    }
    memcpy(request->answer.counters.values, cpus[request->index]->counters,
           sizeof(request->answer.counters.values));
    return TES_OK;
}

static tes_status_t fill_irq(struct info_request *request)
{
    return irq_info_at(request->index, &request->answer.irq) ? TES_OK : TES_ERROR_NOT_FOUND;
}

static tes_status_t fill_process_at(struct info_request *request)
{
    struct process *process = process_at(request->index);
    if (process == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    info_process(process, &request->answer.process);
    return TES_OK;
}

static tes_status_t fill_process_handle_at(struct info_request *request)
{
    struct process *process = process_find(request->index >> PROCESS_ID_SHIFT);
    if (process == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    return info_handle_at(process, (uint32_t)request->index, &request->answer.handle);
}

static tes_status_t fill_object_counts(struct info_request *request)
{
    struct tes_info_object_counts *info = &request->answer.object_counts;
    *info = (struct tes_info_object_counts){ .sessions = session_count(),
                                             .frames_used = frame_total() - frame_free_count() };
    for (uint32_t type = 1; type < TES_TYPE_COUNT; type++) {
        info->by_type[type] = object_count((enum tes_object_type)type);
    }
    return TES_OK;
}

static tes_status_t fill_resource(struct info_request *request)
{
    const struct resource *resource = (const struct resource *)request->object;
    request->answer.resource = (struct tes_info_resource){ .base = resource->base,
                                                           .size = resource->size,
                                                           .kind = resource->kind };
    return TES_OK;
}

static tes_status_t fill_quota_at(struct info_request *request)
{
    struct quota *quota = quota_at(request->index);
    if (quota == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    info_quota(quota, &request->answer.quota);
    return TES_OK;
}

#define MACHINE_TOPIC(topic, size_, fill_)                                                         \
    [topic] = { TES_TYPE_RESOURCE, TES_TYPE_NONE, (size_), (fill_) }

const struct info_topic info_system_topics[TES_INFO_QUOTA_AT + 1] = {
    MACHINE_TOPIC(TES_INFO_MACHINE, sizeof(struct tes_info_machine), fill_machine),
    MACHINE_TOPIC(TES_INFO_LOG, 0, fill_log),
    MACHINE_TOPIC(TES_INFO_TRACE, 0, fill_trace),
    MACHINE_TOPIC(TES_INFO_COUNTERS, sizeof(struct tes_info_counters), fill_counters),
    MACHINE_TOPIC(TES_INFO_IRQ, sizeof(struct tes_info_irq), fill_irq),
    MACHINE_TOPIC(TES_INFO_PROCESS_AT, sizeof(struct tes_info_process), fill_process_at),
    MACHINE_TOPIC(TES_INFO_PROCESS_HANDLE_AT, sizeof(struct tes_info_handle),
                  fill_process_handle_at),
    MACHINE_TOPIC(TES_INFO_OBJECT_COUNTS, sizeof(struct tes_info_object_counts),
                  fill_object_counts),
    MACHINE_TOPIC(TES_INFO_RESOURCE, sizeof(struct tes_info_resource), fill_resource),
    MACHINE_TOPIC(TES_INFO_QUOTA_AT, sizeof(struct tes_info_quota), fill_quota_at),
};
