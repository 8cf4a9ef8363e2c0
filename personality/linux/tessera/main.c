// SPDX-License-Identifier: MIT OR Apache-2.0
// The component `linux`: one container with one program, on the streams it was given. What it holds
// is that, the files handed in, a log and the clock. Options: options.c.
#include <abi/info.h>
#include <personality/dispatch.h>
#include <personality/errors.h>
#include <rt/format.h>
#include <rt/string.h>
#include <tes/log.h>
#include <tes/startup.h>
#include <tes/stream.h>

#include "options.h"
#include "platform.h"

#define EXIT_FAILED    125 // as env(1): the program was not run
#define EXIT_NOT_RUN   126
#define EXIT_NOT_FOUND 127
#define DEFAULT_DIR    "/tmp"
#define PROGRAM_DIR    "/bin/"
#define OUTPUT_CHUNK   4096u
#define STREAM_NAME    24u
#define LINE_SIZE      256u
#define OWN_SHARE      4u // the personality keeps a quarter of its pages and handles for itself
#define ADDRESS_LIMIT  (UINT64_C(1) << 46)
#define GUEST_OBJECTS  2u // of three parts: regions of the guest are objects

static struct settings settings;

bool complain(const char *what, const char *why)
{
    char line[LINE_SIZE];
    tes_endpoint_t errors = tes_endpoint_from(tes_startup_handle("stderr"));
    rt_format(line, sizeof(line) - 1, "linux: %s: %s", what, why);
    size_t size = strlen(line);
    line[size++] = '\n';
    (void)!tes_stream_write_all(errors, line, size); // there is nobody else to tell
    return false;
}

// The guest's pages are an account of their own: a guest that takes all leaves the personality able
// to end it.
static tes_status_t platform_init(void)
{
    struct tes_info_quota info;
    uint64_t written = 0;
    tes_quota_t own = tes_self()->quota;
    tes_quota_t guest = { 0 };
    tes_status_t status = tes_object_info(tes_quota_any(own), TES_INFO_QUOTA, 0, (uint64_t)&info,
                                          sizeof(info), &written);
    if (status != TES_OK) {
        return status;
    }
    uint64_t pages = info.pages_limit - info.pages_used;
    uint64_t objects = info.objects_limit - info.objects_used;
    status =
        tes_quota_create(own, pages - pages / OWN_SHARE, objects * GUEST_OBJECTS / 3, 0, 0, &guest);
    if (status == TES_OK) {
        status = pages_init(pages / OWN_SHARE, guest);
    }
    if (status == TES_OK) {
        status = wait_init();
    }
    if (status == TES_OK) {
        status = guest_init(guest);
    }
    settings.options.page_limit = pages / OWN_SHARE;
    settings.options.address_limit = ADDRESS_LIMIT;
    return status;
}

static void write_output(uint32_t index)
{
    char path[LINUX_PATH_MAX];
    char name[STREAM_NAME];
    static uint8_t chunk[OUTPUT_CHUNK];
    uint64_t offset = 0;
    int64_t count = -LINUX_ENAMETOOLONG;
    rt_format(name, sizeof(name), "output/%u", index);
    tes_endpoint_t stream = tes_endpoint_from(tes_startup_handle(name));
    bool is_path = path_make(&settings, settings.outputs[index], path, sizeof(path));
    do {
        if (is_path) {
            count =
                linux_container_read_file(settings.container, path, chunk, sizeof(chunk), offset);
        }
        if (count > 0 && tes_stream_write_all(stream, chunk, (uint64_t)count) != TES_OK) {
            (void)complain(path, "cannot be written out");
            return;
        }
        offset += count > 0 ? (uint64_t)count : 0;
    } while (count > 0);
    if (count < 0) {
        (void)complain(settings.outputs[index], "is no file: nothing is written out");
    }
}

// Of one container, or without one of the table: NAME NUMBER implemented|ENOSYS COUNT.
static void print_calls(const struct linux_container *container, const char *stream_name)
{
    tes_endpoint_t stream = tes_endpoint_from(tes_startup_handle(stream_name));
    for (uint32_t number = 0; number < LINUX_CALL_COUNT; number++) {
        struct linux_call_usage call = linux_container_call_usage(container, number);
        char line[LINE_SIZE];
        if (call.name == NULL || (settings.wants_calls && call.count == 0)) {
            continue;
        }
        rt_format(line, sizeof(line), "%s %u %s %llu\n", call.name, call.number,
                  call.is_implemented ? "implemented" : "ENOSYS", (unsigned long long)call.count);
        if (tes_stream_write_all(stream, line, strlen(line)) != TES_OK) {
            return;
        }
    }
}

static const char *why_not(int error)
{
    switch (error) {
    case -LINUX_ENOENT:
        return "no such program or directory";
    case -LINUX_ENOEXEC:
        return "is no static x86_64 ELF program";
    case -LINUX_EACCES:
        return "is not executable";
    case -LINUX_ENOMEM:
        return "does not fit into the memory of its container";
    default:
        return "cannot be run";
    }
}

static int run_program(char *const *arguments)
{
    char path[LINUX_PATH_MAX];
    int32_t status = 0;
    const char *prefix = strchr(arguments[0], '/') != NULL ? "" : PROGRAM_DIR;
    if (rt_format(path, sizeof(path), "%s%s", prefix, arguments[0]) >= (int)sizeof(path)) {
        complain(arguments[0], "the path is too long");
        return EXIT_NOT_FOUND;
    }
    const struct linux_program program = { .path = path,
                                           .arguments = (const char *const *)arguments,
                                           .environment = settings.environment,
                                           .directory = settings.directory };
    int error = linux_container_run(settings.container, &program, &status);
    if (error != 0) {
        complain(path, why_not(error));
        return error == -LINUX_ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
    }
    for (uint32_t index = 0; index < settings.output_count; index++) {
        write_output(index);
    }
    return linux_exit_code(status);
}

static void environment_init(void)
{
    char *const *from = tes_self()->environment;
    for (; *from != NULL && settings.environment_count < ENVIRONMENT_MAX; from++) {
        settings.environment[settings.environment_count++] = *from;
    }
}

int tes_main(int argc, char **argv)
{
    streams_init();
    environment_init();
    rt_string_copy(settings.directory, sizeof(settings.directory), DEFAULT_DIR);
    tes_status_t status = platform_init();
    if (status != TES_OK) {
        complain("starting", tes_status_text(status));
        return EXIT_FAILED;
    }
    int first = options_first(&settings, argc, argv);
    settings.container = first < 0 ? NULL : linux_container_create(&settings.options);
    if (settings.container == NULL || !setup_container(&settings) ||
        options_fill(&settings, argc, argv) < 0) {
        return EXIT_FAILED;
    }
    int result = 0;
    if (strcmp(argv[first], "calls") == 0) {
        print_calls(settings.container, "stdout");
    } else {
        result = run_program(argv + first);
    }
    if (settings.wants_calls) {
        print_calls(settings.container, "stderr");
    }
    linux_container_destroy(settings.container);
    return result;
}
