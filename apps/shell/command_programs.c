// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs and components, through init; and switching the machine off. A program is given the
// command's streams as "stdin", "stdout" and "stderr", and files to read and to write as "file/n"
// and "output/n".
#include <rt/format.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/memory.h>
#include <tes/text.h>

#include "commands.h"

#define POWER_OFF_CODE   0x10u // what the runner takes for a clean end
#define EVENTS_BUFFER    512u
#define TEST_PREFIX      "test"
#define LAUNCH_FILES_MAX 12u

struct launch_file {
    const char *name;
    bool is_output;
};

struct launch {
    const char *const *arguments;
    struct launch_file files[LAUNCH_FILES_MAX];
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

static tes_status_t give_file(struct context *context, tes_endpoint_t program,
                              const struct launch_file *what, unsigned number)
{
    char local[TES_PROGRAM_NAME_SIZE];
    tes_endpoint_t file;
    tes_status_t status =
        streams_open_file(&context->shell->streams, what->name,
                          what->is_output ? STREAM_OPEN_WRITE : STREAM_OPEN_READ, &file);
    if (status != TES_OK) {
        return status;
    }
    rt_format(local, sizeof(local), what->is_output ? "output/%u" : "file/%u", number);
    status = tes_program_give(program, local, tes_endpoint_any(file));
    tes_close(file.value); // the program has its own
    return status;
}

static tes_status_t give_files(struct context *context, tes_endpoint_t program,
                               const struct launch *launch)
{
    unsigned numbers[2] = { 0, 0 }; // inputs and outputs are counted apart
    tes_status_t status = TES_OK;
    for (unsigned i = 0; i < launch->file_count && status == TES_OK; i++) {
        const struct launch_file *file = &launch->files[i];
        status = give_file(context, program, file, numbers[file->is_output]++);
        if (status != TES_OK) {
            io_error(&context->io, "%s: %s: %s\n", launch->arguments[0], file->name,
                     io_status_text(status));
        }
    }
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
    if (status == TES_OK) {
        status = give_files(context, program, launch);
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

// The name of the shell's file in `--file NAME[=PATH]` or `--output PATH=NAME`, cut out.
static bool linux_file(struct launch *what, char *buffer, const char *option, const char *value)
{
    bool is_output = strcmp(option, "--output") == 0;
    const char *equals = strchr(value, '=');
    const char *name = is_output && equals != NULL ? equals + 1 : value;
    size_t length = !is_output && equals != NULL ? (size_t)(equals - value) : strlen(name);
    if (what->file_count == LAUNCH_FILES_MAX || length >= FILE_NAME_SIZE) {
        return false;
    }
    memcpy(buffer, name, length);
    buffer[length] = 0;
    what->files[what->file_count++] =
        (struct launch_file){ .name = buffer, .is_output = is_output };
    return true;
}

static bool linux_has_value(const char *option)
{
    static const char *const names[] = { "--link", "--directory", "--env", "--cwd", "--time" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(option, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

// The options are the program's (personality/linux/tessera); only the files are the shell's to
// open.
int command_linux(struct context *context, int argc, char **argv)
{
    const char *arguments[WORDS_MAX + 1];
    char names[LAUNCH_FILES_MAX][FILE_NAME_SIZE];
    struct launch what = { .arguments = arguments };
    if (argc < 2) {
        return command_usage(context, "linux");
    }
    for (int at = 1; at < argc && argv[at][0] == '-'; at++) {
        bool is_file = strcmp(argv[at], "--file") == 0 || strcmp(argv[at], "--output") == 0;
        bool has_value = at + 1 < argc && (is_file || linux_has_value(argv[at]));
        if (is_file && has_value &&
            !linux_file(&what, names[what.file_count % LAUNCH_FILES_MAX], argv[at], argv[at + 1])) {
            io_error(&context->io, "linux: %s: a name is too long, or more than %u files\n",
                     argv[at + 1], LAUNCH_FILES_MAX);
            return STATUS_USAGE;
        }
        at += has_value ? 1 : 0;
    }
    for (int i = 0; i < argc; i++) {
        arguments[i] = argv[i];
    }
    arguments[argc] = NULL;
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
