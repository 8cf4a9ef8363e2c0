// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs and components, through init; and switching the machine off. A program is given the
// command's streams as "stdin", "stdout" and "stderr", and files as "file/NAME".
#include <rt/format.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/memory.h>
#include <tes/text.h>

#include "commands.h"

#define POWER_OFF_CODE   0x10u // what the runner takes for a clean end
#define EVENTS_BUFFER    512u
#define TEST_PREFIX      "test"
#define LINUX_FILES_MAX  8u
#define FILE_NAME_PREFIX "file/"

struct launch {
    const char *const *arguments;
    const char *files[LINUX_FILES_MAX];
    unsigned file_count;
};

static tes_status_t give_streams(struct context *context, tes_endpoint_t program)
{
    const struct {
        const char *name;
        tes_endpoint_t stream;
    } streams[] = { { "stdin", context->io.in },
                    { "stdout", context->io.out },
                    { "stderr", context->io.err } };
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        tes_status_t status =
            tes_program_give(program, streams[i].name, tes_endpoint_any(streams[i].stream));
        if (status != TES_OK) {
            return status;
        }
    }
    return TES_OK;
}

static tes_status_t give_file(struct context *context, tes_endpoint_t program, const char *name)
{
    char local[TES_PROGRAM_NAME_SIZE];
    tes_endpoint_t file;
    tes_status_t status =
        streams_open_file(&context->shell->streams, name, STREAM_OPEN_READ, &file);
    if (status != TES_OK) {
        return status;
    }
    if (rt_format(local, sizeof(local), FILE_NAME_PREFIX "%s", name) >= (int)sizeof(local)) {
        status = TES_ERROR_INVALID;
    } else {
        status = tes_program_give(program, local, tes_endpoint_any(file));
    }
    tes_close(file.value); // the program has its own
    return status;
}

static int wait_for(struct context *context, tes_endpoint_t program, const char *name)
{
    int exit_status = 0;
    tes_status_t status = TES_OK;
    job_program_set(context->job, context->stage, program);
    do {
        if (job_is_interrupted(context->job)) {
            (void)!tes_program_stop(program); // ended already
        }
        status = tes_program_wait(program, &exit_status);
    } while (status == TES_ERROR_CANCELLED || status == TES_ERROR_CANCELLED_UNKNOWN);
    job_program_set(context->job, context->stage, (tes_endpoint_t){ 0 });
    return status == TES_OK ? exit_status & 0xff : io_fail(context, name, "waiting", status);
}

static int launch(struct context *context, const struct launch *launch)
{
    const char *name = launch->arguments[0];
    const char *environment[VARIABLES_MAX + 1];
    tes_endpoint_t program;
    uint64_t id = 0;
    variables_list(context->shell, environment);
    io_flush(&context->io);
    tes_status_t status = tes_program_create(context->shell->process_service, launch->arguments,
                                             environment, &program, &id);
    if (status == TES_ERROR_NOT_FOUND) {
        io_error(&context->io, "%s: the composition names no such program; see `programs`\n", name);
        return STATUS_UNKNOWN;
    }
    if (status != TES_OK) {
        io_fail(context, name, "creating it", status);
        return STATUS_NOT_RUN;
    }
    status = give_streams(context, program);
    for (unsigned i = 0; i < launch->file_count && status == TES_OK; i++) {
        status = give_file(context, program, launch->files[i]);
    }
    uint64_t process_id = 0;
    if (status == TES_OK) {
        status = tes_program_start(program, &process_id);
    }
    int result = STATUS_NOT_RUN;
    if (status == TES_OK) {
        result = wait_for(context, program, name);
    } else {
        io_fail(context, name, "starting it", status);
    }
    tes_close(program.value);
    return result;
}

int command_run_program(struct context *context, int argc, char **argv)
{
    const char *arguments[WORDS_MAX + 1];
    struct launch what = { .arguments = arguments };
    if (argc < 2) {
        return command_usage(context, "run");
    }
    for (int i = 1; i <= argc; i++) {
        arguments[i - 1] = argv[i];
    }
    arguments[argc - 1] = NULL;
    return launch(context, &what);
}

int command_linux(struct context *context, int argc, char **argv)
{
    const char *arguments[WORDS_MAX + 1];
    struct launch what = { .arguments = arguments };
    unsigned count = 0;
    int at = 1;
    arguments[count++] = "linux";
    for (; at + 1 < argc && strcmp(argv[at], "--file") == 0; at += 2) {
        if (what.file_count == LINUX_FILES_MAX) {
            io_error(&context->io, "linux: more than %u files\n", LINUX_FILES_MAX);
            return STATUS_USAGE;
        }
        what.files[what.file_count++] = argv[at + 1];
    }
    if (at >= argc) {
        return command_usage(context, "linux");
    }
    for (; at < argc; at++) {
        arguments[count++] = argv[at];
    }
    arguments[count] = NULL;
    return launch(context, &what);
}

// By process id or by name.
static bool find_program(struct shell *shell, const char *what, struct tes_program_info *out_info)
{
    uint64_t id = 0;
    bool is_number = tes_text_to_u64(what, &id);
    for (uint64_t i = 0; tes_program_list(shell->process_service, i, out_info) == TES_OK; i++) {
        bool is_it = is_number ? out_info->process_id == id : strcmp(out_info->name, what) == 0;
        if (is_it && out_info->id != 0 && out_info->state == TES_PROGRAM_RUNNING) {
            return true;
        }
    }
    return false;
}

int command_kill(struct context *context, int argc, char **argv)
{
    struct tes_program_info info;
    if (argc != 2) {
        return command_usage(context, "kill");
    }
    if (!find_program(context->shell, argv[1], &info)) {
        return io_fail(context, "kill", argv[1], TES_ERROR_NOT_FOUND);
    }
    tes_status_t status = tes_program_kill(context->shell->process_service, info.id);
    return status == TES_OK ? 0 : io_fail(context, "kill", argv[1], status);
}

int command_restart(struct context *context, int argc, char **argv)
{
    struct tes_program_info info;
    if (argc != 2) {
        return command_usage(context, "restart");
    }
    if (!find_program(context->shell, argv[1], &info)) {
        return io_fail(context, "restart", argv[1], TES_ERROR_NOT_FOUND);
    }
    tes_status_t status = tes_program_restart(context->shell->process_service, info.id);
    return status == TES_OK ? 0 : io_fail(context, "restart", argv[1], status);
}

int command_programs(struct context *context, int argc, char **argv)
{
    static const char *const states[] = { "idle", "running", "waiting", "ended" };
    (void)argc;
    (void)argv;
    struct tes_program_info info;
    io_print(&context->io, "%-16s %-10s %8s %8s %6s\n", "NAME", "STATE", "PROCESS", "RESTARTS",
             "STATUS");
    for (uint64_t i = 0; tes_program_list(context->shell->process_service, i, &info) == TES_OK;
         i++) {
        io_print(&context->io, "%-16s %-10s %8llu %8u %6d\n", info.name,
                 info.state < sizeof(states) / sizeof(states[0]) ? states[info.state] : "?",
                 (unsigned long long)info.process_id, info.restarts, info.exit_status);
    }
    return 0;
}

int command_events(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char text[EVENTS_BUFFER];
    uint64_t position = 0;
    for (;;) {
        uint64_t size = 0;
        tes_status_t status = tes_program_events(context->shell->process_service, position, text,
                                                 sizeof(text), &size, &position);
        if (status != TES_OK) {
            return io_fail(context, "events", "init", status);
        }
        if (size == 0) {
            return 0;
        }
        io_write(&context->io, text, size);
    }
}

int command_jobs(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    run_reap(context->shell, false);
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        if (context->shell->background[i] != NULL) {
            io_print(&context->io, "[%u] running\n", i + 1);
        }
    }
    return 0;
}

int command_selftest(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct tes_program_info info;
    unsigned run = 0;
    unsigned failed = 0;
    for (uint64_t i = 0; tes_program_list(context->shell->process_service, i, &info) == TES_OK;
         i++) {
        bool is_test = info.id == 0 && strncmp(info.name, TEST_PREFIX, strlen(TEST_PREFIX)) == 0;
        if (!is_test || job_is_interrupted(context->job)) {
            continue;
        }
        const char *arguments[] = { info.name, NULL };
        struct launch what = { .arguments = arguments };
        int status = launch(context, &what);
        io_print(&context->io, "%s: %s\n", info.name, status == 0 ? "ok" : "FAILED");
        run++;
        failed += status != 0;
    }
    io_print(&context->io, "%u run, %u failed\n", run, failed);
    if (run == 0) {
        io_error(&context->io, "selftest: this boot image has no test programs\n");
    }
    return run != 0 && failed == 0 ? 0 : STATUS_FAILED;
}

static int control_machine(struct context *context, uint64_t operation, const char *name)
{
    uint64_t result = 0;
    io_flush(&context->io);
    tes_status_t status =
        tes_resource_control(context->shell->machine, operation, 0, 0, POWER_OFF_CODE, &result);
    return status == TES_OK ? 0 : io_fail(context, name, "machine", status);
}

int command_reboot(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return control_machine(context, TES_RESOURCE_CONTROL_REBOOT, "reboot");
}

int command_poweroff(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return control_machine(context, TES_RESOURCE_CONTROL_POWER_OFF, "poweroff");
}
