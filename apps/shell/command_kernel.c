// SPDX-License-Identifier: MIT OR Apache-2.0
// Kernel objects: handles of a process, objects by type, quotas, interrupts.
#include <abi/info.h>
#include <rt/bits.h>
#include <rt/format.h>
#include <rt/string.h>
#include <tes/text.h>

#include "commands.h"

#define PROCESS_SHIFT 32u

static const char *const type_names[TES_TYPE_COUNT] = {
    [TES_TYPE_NONE] = "none",
    [TES_TYPE_PROCESS] = "process",
    [TES_TYPE_THREAD] = "thread",
    [TES_TYPE_SPACE] = "space",
    [TES_TYPE_MEMORY] = "memory",
    [TES_TYPE_ENDPOINT] = "endpoint",
    [TES_TYPE_SESSION] = "session",
    [TES_TYPE_REPLY] = "reply",
    [TES_TYPE_NOTIFICATION] = "notification",
    [TES_TYPE_SCHED_CONTEXT] = "context",
    [TES_TYPE_QUOTA] = "quota",
    [TES_TYPE_IRQ] = "irq",
    [TES_TYPE_IO_SPACE] = "iospace",
    [TES_TYPE_RESOURCE] = "resource",
};

const char *type_name(uint32_t type)
{
    return type < TES_TYPE_COUNT ? type_names[type] : "?";
}

static const struct {
    uint32_t right;
    uint32_t type; // TES_TYPE_NONE: every type
    const char *name;
} right_names[] = {
    { TES_RIGHT_DERIVE, TES_TYPE_NONE, "derive" },
    { TES_RIGHT_TRANSFER, TES_TYPE_NONE, "transfer" },
    { TES_RIGHT_REVOKE, TES_TYPE_NONE, "revoke" },
    { TES_RIGHT_DESTROY, TES_TYPE_NONE, "destroy" },
    { TES_RIGHT_INSPECT, TES_TYPE_NONE, "inspect" },
    { TES_RIGHT_CONTROL, TES_TYPE_NONE, "control" },
    { TES_RIGHT_PROCESS_INSTALL, TES_TYPE_PROCESS, "install" },
    { TES_RIGHT_THREAD_CANCEL, TES_TYPE_THREAD, "cancel" },
    { TES_RIGHT_THREAD_REGISTERS, TES_TYPE_THREAD, "registers" },
    { TES_RIGHT_SPACE_MAP, TES_TYPE_SPACE, "map" },
    { TES_RIGHT_SPACE_CLONE, TES_TYPE_SPACE, "clone" },
    { TES_RIGHT_SPACE_BIND, TES_TYPE_SPACE, "bind" },
    { TES_RIGHT_SPACE_LIFT_WX, TES_TYPE_SPACE, "lift-wx" },
    { TES_RIGHT_MEMORY_READ, TES_TYPE_MEMORY, "read" },
    { TES_RIGHT_MEMORY_WRITE, TES_TYPE_MEMORY, "write" },
    { TES_RIGHT_MEMORY_EXECUTE, TES_TYPE_MEMORY, "execute" },
    { TES_RIGHT_MEMORY_CLONE, TES_TYPE_MEMORY, "clone" },
    { TES_RIGHT_MEMORY_SUPPLY, TES_TYPE_MEMORY, "supply" },
    { TES_RIGHT_ENDPOINT_CALL, TES_TYPE_ENDPOINT, "call" },
    { TES_RIGHT_ENDPOINT_RECEIVE, TES_TYPE_ENDPOINT, "receive" },
    { TES_RIGHT_ENDPOINT_MINT, TES_TYPE_ENDPOINT, "mint" },
    { TES_RIGHT_REPLY_ANSWER, TES_TYPE_REPLY, "answer" },
    { TES_RIGHT_NOTIFICATION_SIGNAL, TES_TYPE_NOTIFICATION, "signal" },
    { TES_RIGHT_NOTIFICATION_WAIT, TES_TYPE_NOTIFICATION, "wait" },
    { TES_RIGHT_SCHED_CONTEXT_BIND, TES_TYPE_SCHED_CONTEXT, "bind" },
    { TES_RIGHT_QUOTA_CREATE, TES_TYPE_QUOTA, "create" },
    { TES_RIGHT_IRQ_ACKNOWLEDGE, TES_TYPE_IRQ, "acknowledge" },
    { TES_RIGHT_IO_SPACE_MAP, TES_TYPE_IO_SPACE, "map" },
    { TES_RIGHT_RESOURCE_USE, TES_TYPE_RESOURCE, "use" },
    { TES_RIGHT_RESOURCE_TRUSTED_DMA, TES_TYPE_RESOURCE, "trusted-dma" },
};

static void print_rights(struct io *io, const struct tes_info_handle *handle)
{
    const char *separator = "";
    for (size_t i = 0; i < sizeof(right_names) / sizeof(right_names[0]); i++) {
        bool is_of_type =
            right_names[i].type == TES_TYPE_NONE || right_names[i].type == handle->type;
        if (is_of_type && (handle->rights & right_names[i].right) != 0) {
            io_print(io, "%s%s", separator, right_names[i].name);
            separator = ",";
        }
    }
    io_print(io, "\n");
}

// Of one process, or of all.
static void print_process(struct context *context, const struct tes_info_process *process)
{
    struct tes_info_handle h;
    io_print(&context->io, "process %llu %.16s\n", (unsigned long long)process->id, process->name);
    for (uint64_t i = 0; !job_is_interrupted(context->job); i++) {
        uint64_t index = process->id << PROCESS_SHIFT | i;
        if (info_read(context->shell, TES_INFO_PROCESS_HANDLE_AT, index, &h, sizeof(h)) != TES_OK) {
            break;
        }
        io_print(&context->io, "  %-12s object %-6llu session %-6llu badge %-4llu %s ",
                 type_name(h.type), (unsigned long long)h.object_id,
                 (unsigned long long)h.session_id, (unsigned long long)h.badge,
                 h.is_live != 0 ? "live" : "dead");
        print_rights(&context->io, &h);
    }
}

int command_caps(struct context *context, int argc, char **argv)
{
    uint64_t wanted = 0;
    if (argc > 2 || (argc == 2 && !tes_text_to_u64(argv[1], &wanted))) {
        return command_usage(context, "caps");
    }
    struct tes_info_process process;
    bool is_found = false;
    for (uint64_t i = 0;
         info_read(context->shell, TES_INFO_PROCESS_AT, i, &process, sizeof(process)) == TES_OK;
         i++) {
        if (argc == 1 || process.id == wanted) {
            print_process(context, &process);
            is_found = true;
        }
    }
    if (!is_found) {
        io_error(&context->io, "caps: there is no process %s\n", argc == 2 ? argv[1] : "");
        return STATUS_FAILED;
    }
    return 0;
}

int command_objects(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_info_object_counts counts;
    tes_status_t status =
        info_read(context->shell, TES_INFO_OBJECT_COUNTS, 0, &counts, sizeof(counts));
    if (status != TES_OK) {
        return io_fail(context, "objects", "machine", status);
    }
    for (uint32_t type = TES_TYPE_PROCESS; type < TES_TYPE_COUNT; type++) {
        io_print(&context->io, "%-12s %8llu\n", type_name(type),
                 (unsigned long long)counts.by_type[type]);
    }
    io_print(&context->io, "%-12s %8llu\n%-12s %8llu\n", "nodes",
             (unsigned long long)counts.sessions, "frames", (unsigned long long)counts.frames_used);
    return 0;
}

static void print_use(struct io *io, uint64_t used, uint64_t limit)
{
    char text[48];
    rt_format(text, sizeof(text), "%llu/%llu", (unsigned long long)used, (unsigned long long)limit);
    io_print(io, " %18s", text);
}

int command_quota(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_info_quota q;
    io_print(&context->io, "%6s %6s %18s %18s %18s\n", "ID", "PARENT", "PAGES", "OBJECTS",
             "HANDLES");
    for (uint64_t i = 0; info_read(context->shell, TES_INFO_QUOTA_AT, i, &q, sizeof(q)) == TES_OK;
         i++) {
        io_print(&context->io, "%6llu %6llu", (unsigned long long)q.id,
                 (unsigned long long)q.parent_id);
        print_use(&context->io, q.pages_used, q.pages_limit);
        print_use(&context->io, q.objects_used, q.objects_limit);
        print_use(&context->io, q.handles_used, q.handles_limit);
        io_print(&context->io, "\n");
    }
    return 0;
}

int command_irq(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_info_irq irq;
    io_print(&context->io, "%6s %10s %8s\n", "SOURCE", "COUNT", "PROCESS");
    for (uint64_t i = 0; info_read(context->shell, TES_INFO_IRQ, i, &irq, sizeof(irq)) == TES_OK;
         i++) {
        io_print(&context->io, "%6llu %10llu %8llu\n", (unsigned long long)irq.number,
                 (unsigned long long)irq.count, (unsigned long long)irq.process_id);
    }
    return 0;
}
