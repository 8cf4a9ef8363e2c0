// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs a static Linux program under the personality on a Linux host: the host's twin of the shell's
// `linux` command. Used by run_oracle.py.

#define _GNU_SOURCE // NOLINT(readability-identifier-naming): the C library's name
#include <personality/container.h>

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 32
#define EXPORTS_MAX     32
#define BLOBS_MAX       64
#define PAGE_LIMIT      65536U // 256 MiB
#define ADDRESS_LIMIT   (UINT64_C(1) << 46)
#define CHUNK_SIZE      65536
#define HIGH_FD         200

struct settings {
    struct linux_container *container;
    const char *environment[ENVIRONMENT_MAX];
    const char *exports[EXPORTS_MAX];
    struct platform_blob blobs[BLOBS_MAX];
    const char *directory;
    const char *program;
    int environment_count;
    int export_count;
    int blob_count;
    bool wants_calls;
};

static void usage(void)
{
    (void)fputs("usage: linux-host [OPTION]... PROGRAM [ARGUMENT]...\n"
                "  --strace FILE        print calls into FILE\n"
                "  --log FILE           print the personality's log into FILE\n"
                "  --fixed              addresses are not randomised\n"
                "  --time SECONDS       times of the files handed in\n"
                "  --pages COUNT        limit of the personality's own memory\n"
                "  --file PATH=HOST     hand a file in (mode of the host's file)\n"
                "  --directory PATH     make a directory\n"
                "  --link PATH=TARGET   make a symbolic link\n"
                "  --export PATH=HOST   write a file out afterwards\n"
                "  --env NAME=VALUE     --cwd PATH     --calls\n",
                stderr);
    exit(HOST_FAILURE);
}

static void fail(const char *what, int error)
{
    (void)fprintf(stderr, "linux-host: %s: %s\n", what, strerror(error));
    exit(HOST_FAILURE);
}

static int open_output(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        fail(path, errno);
    }
    return fd;
}

// Splits PATH=HOST; the path is terminated in place.
static char *split(char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        usage();
    }
    *equals = '\0';
    return equals + 1;
}

static void add_file(struct settings *settings, char *argument)
{
    const char *host_path = split(argument);
    struct stat stat;
    int low = open(host_path, O_RDONLY | O_CLOEXEC);
    if (low < 0 || fstat(low, &stat) != 0 || settings->blob_count == BLOBS_MAX) {
        fail(host_path, errno);
    }
    int fd = fcntl(low, F_DUPFD_CLOEXEC, HIGH_FD);
    (void)close(low);
    size_t size = (size_t)stat.st_size;
    void *data = size == 0 ? NULL : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd < 0 || data == MAP_FAILED) {
        fail(host_path, errno);
    }
    struct platform_blob *blob = &settings->blobs[settings->blob_count++];
    *blob = (struct platform_blob){ .data = data, .size = size, .id = (uint64_t)fd };
    int error = linux_container_add_blob(settings->container, argument, stat.st_mode & 07777, blob);
    if (error != 0) {
        fail(argument, -error);
    }
}

static void export_file(struct settings *settings, const char *argument)
{
    char path[LINUX_PATH_MAX];
    static char chunk[CHUNK_SIZE];
    (void)snprintf(path, sizeof(path), "%s", argument);
    const char *host_path = split(path);
    uint64_t offset = 0;
    int64_t count = linux_container_read_file(settings->container, path, chunk, CHUNK_SIZE, 0);
    if (count < 0) {
        (void)unlink(host_path); // the guest did not make it: nothing there is what is compared
        return;
    }
    int fd = open_output(host_path);
    while (count > 0) {
        if (write(fd, chunk, (size_t)count) != count) {
            fail(host_path, errno);
        }
        offset += (uint64_t)count;
        count = linux_container_read_file(settings->container, path, chunk, CHUNK_SIZE, offset);
    }
    (void)close(fd);
}

static void print_calls(const struct linux_container *container)
{
    for (uint32_t number = 0; number < LINUX_CALL_COUNT; number++) {
        struct linux_call_usage call = linux_container_call_usage(container, number);
        if (call.name != NULL && call.count != 0) {
            (void)printf("%s %u %s %llu\n", call.name, number,
                         call.is_implemented ? "implemented" : "ENOSYS",
                         (unsigned long long)call.count);
        }
    }
}

struct option {
    const char *name;
    void (*apply)(struct settings *settings, char *argument);
};

static void option_directory(struct settings *settings, char *argument)
{
    int error = linux_container_add_directory(settings->container, argument, 0755);
    if (error != 0 && error != -EEXIST) {
        fail(argument, -error);
    }
}

static void option_link(struct settings *settings, char *argument)
{
    const char *target = split(argument);
    int error = linux_container_add_link(settings->container, argument, target);
    if (error != 0) {
        fail(argument, -error);
    }
}

// NOLINTNEXTLINE(readability-non-const-parameter): one type for all options
static void option_export(struct settings *settings, char *argument)
{
    settings->exports[settings->export_count++ % EXPORTS_MAX] = argument;
}

// NOLINTNEXTLINE(readability-non-const-parameter): one type for all options
static void option_environment(struct settings *settings, char *argument)
{
    settings->environment[settings->environment_count++ % (ENVIRONMENT_MAX - 1)] = argument;
}

// NOLINTNEXTLINE(readability-non-const-parameter): one type for all options
static void option_cwd(struct settings *settings, char *argument)
{
    settings->directory = argument;
}

static const struct option options[] = {
    { "--file", add_file },        { "--directory", option_directory },
    { "--export", option_export }, { "--env", option_environment },
    { "--cwd", option_cwd },       { "--link", option_link },
};

static struct linux_options first_options(int count, char **arguments)
{
    struct linux_options result = { .page_limit = PAGE_LIMIT, .address_limit = ADDRESS_LIMIT };
    int trace = -1;
    int log = -1;
    for (int index = 1; index < count && arguments[index][0] == '-'; index++) {
        const char *value = index + 1 < count ? arguments[index + 1] : "";
        if (strcmp(arguments[index], "--strace") == 0) {
            trace = open_output(value);
            result.is_traced = true;
        } else if (strcmp(arguments[index], "--log") == 0) {
            log = open_output(value);
        } else if (strcmp(arguments[index], "--fixed") == 0) {
            result.is_fixed_layout = true;
            continue;
        } else if (strcmp(arguments[index], "--time") == 0) {
            result.file_time_s = strtoll(value, NULL, 10);
        } else if (strcmp(arguments[index], "--pages") == 0) {
            result.page_limit = strtoull(value, NULL, 10);
        } else if (strcmp(arguments[index], "--calls") == 0) {
            continue;
        }
        index++;
    }
    host_set_outputs(trace, log);
    return result;
}

// The second pass: what needs the container. Returns the index of the program.
static int second_options(struct settings *settings, int count, char **arguments)
{
    int index = 1;
    while (index < count && arguments[index][0] == '-') {
        if (strcmp(arguments[index], "--fixed") == 0) {
            index++;
            continue;
        }
        if (strcmp(arguments[index], "--calls") == 0) {
            settings->wants_calls = true;
            index++;
            continue;
        }
        for (size_t option = 0; option < sizeof(options) / sizeof(options[0]); option++) {
            if (strcmp(arguments[index], options[option].name) == 0 && index + 1 < count) {
                options[option].apply(settings, arguments[index + 1]);
            }
        }
        index += 2;
    }
    return index;
}

int main(int count, char **arguments)
{
    static struct settings settings = { .directory = "/" };
    struct linux_options container_options = first_options(count, arguments);
    (void)signal(SIGPIPE, SIG_IGN);
    settings.container = linux_container_create(&container_options);
    if (settings.container == NULL) {
        fail("container", ENOMEM);
    }
    int first = second_options(&settings, count, arguments);
    if (first >= count) {
        usage();
    }
    const struct linux_program program = { .path = arguments[first],
                                           .arguments = (const char *const *)&arguments[first],
                                           .environment = settings.environment,
                                           .directory = settings.directory };
    int32_t status = 0;
    int error = linux_container_run(settings.container, &program, &status);
    if (error != 0) {
        (void)fprintf(stderr, "linux-host: %s: %s\n", program.path, strerror(-error));
    }
    for (int index = 0; index < settings.export_count; index++) {
        export_file(&settings, settings.exports[index]);
    }
    if (settings.wants_calls) {
        print_calls(settings.container);
    }
    linux_container_destroy(settings.container);
    return error != 0 ? HOST_FAILURE + 1 : linux_exit_code(status);
}
