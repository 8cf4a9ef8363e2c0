// SPDX-License-Identifier: MIT OR Apache-2.0
// Commands on files in memory.
#include <rt/string.h>
#include <tes/memory.h>

#include "commands.h"

static int copy_stream(struct context *context, tes_endpoint_t stream, const char *name)
{
    char bytes[IO_BUFFER_SIZE];
    while (!context->io.has_failed && !job_is_interrupted(context->job)) {
        uint64_t count = 0;
        tes_status_t status = tes_stream_read(stream, bytes, sizeof(bytes), 0, &count);
        if (status != TES_OK) {
            return io_fail(context, "cat", name, status);
        }
        if (count == 0) {
            return 0;
        }
        io_write(&context->io, bytes, count);
        io_flush(&context->io);
    }
    return STATUS_FAILED;
}

int command_cat(struct context *context, int argc, char **argv)
{
    int result = argc == 1 ? copy_stream(context, context->io.in, "input") : 0;
    for (int i = 1; i < argc; i++) {
        tes_endpoint_t file;
        tes_status_t status =
            streams_open_file(&context->shell->streams, argv[i], STREAM_OPEN_READ, &file);
        if (status != TES_OK) {
            result = io_fail(context, "cat", argv[i], status);
            continue;
        }
        int one = copy_stream(context, file, argv[i]);
        result = one != 0 ? one : result;
        tes_close(file.value);
    }
    return result;
}

int command_ls(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char name[FILE_NAME_SIZE];
    uint64_t size = 0;
    for (uint64_t i = 0; streams_file_at(&context->shell->streams, i, name, &size) == TES_OK; i++) {
        io_print(&context->io, "%8llu %s\n", (unsigned long long)size, name);
    }
    return 0;
}

int command_rm(struct context *context, int argc, char **argv)
{
    int result = argc == 1 ? command_usage(context, "rm") : 0;
    for (int i = 1; i < argc; i++) {
        tes_status_t status = streams_file_remove(&context->shell->streams, argv[i]);
        if (status != TES_OK) {
            result = io_fail(context, "rm", argv[i], status);
        }
    }
    return result;
}

int command_revoke(struct context *context, int argc, char **argv)
{
    int result = argc == 1 ? command_usage(context, "revoke") : 0;
    for (int i = 1; i < argc; i++) {
        tes_status_t status = streams_file_revoke(&context->shell->streams, argv[i]);
        if (status != TES_OK) {
            result = io_fail(context, "revoke", argv[i], status);
        }
    }
    return result;
}
