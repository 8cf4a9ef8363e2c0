// SPDX-License-Identifier: MIT OR Apache-2.0
// The command line of `linux`. The n-th --file finds its bytes in the stream "file/n", the n-th
// --output is written to "output/n": the shell opened them by the names that it was given.
#include <personality/errors.h>
#include <rt/format.h>
#include <rt/string.h>
#include <tes/text.h>

#include "blobs.h"
#include "options.h"

#define MODE_FILE      0644u
#define MODE_DIRECTORY 0755u
#define MODE_MAX       07777u
#define OCTAL_SHIFT    3u
#define STREAM_NAME    24u
#define USAGE                                                                                      \
    "[--file NAME[=PATH[:MODE]]] [--output PATH=NAME] [--directory PATH[:MODE]] "                  \
    "[--link PATH=TARGET] [--env NAME=VALUE] [--cwd PATH] [--time SECONDS] [--fixed] "             \
    "[--calls] [-strace] PROGRAM [ARGUMENTS], or: calls"

bool path_make(const struct settings *settings, const char *path, char *out, size_t size)
{
    bool is_whole = path[0] == '/';
    return rt_format(out, size, "%s%s%s", is_whole ? "" : settings->directory, is_whole ? "" : "/",
                     path) < (int)size;
}

// Cuts ":MODE" off, in octal.
static bool take_mode(char *text, uint32_t *mode)
{
    char *colon = strrchr(text, ':');
    uint32_t value = 0;
    if (colon == NULL) {
        return true;
    }
    for (const char *digit = colon + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '7' || value > MODE_MAX) {
            return false;
        }
        value = value << OCTAL_SHIFT | (uint32_t)(*digit - '0');
    }
    *colon = '\0';
    *mode = value & MODE_MAX;
    return true;
}

static char *split(char *text)
{
    char *equals = strchr(text, '=');
    if (equals != NULL) {
        *equals++ = '\0';
    }
    return equals;
}

static bool check(int error, const char *path)
{
    return error == 0                ? true
           : error == -LINUX_EEXIST  ? complain(path, "exists already")
           : error == -LINUX_ENOTDIR ? complain(path, "a part of it is no directory")
           : error == -LINUX_ENOMEM  ? complain(path, "not enough memory")
                                     : complain(path, "cannot be made");
}

static bool apply_file(struct settings *settings, char *value)
{
    char path[LINUX_PATH_MAX];
    char stream[STREAM_NAME];
    uint32_t mode = MODE_FILE;
    char *place = split(value);
    if (!take_mode(place != NULL ? place : value, &mode)) {
        return complain(value, "its mode is not octal");
    }
    rt_format(stream, sizeof(stream), "file/%u", settings->input_count++);
    const struct platform_blob *blob = blob_of_stream(stream);
    if (blob == NULL) {
        return complain(value, "was not handed in, or there is no memory for it");
    }
    if (!path_make(settings, place != NULL ? place : value, path, sizeof(path))) {
        return complain(value, "the path is too long");
    }
    return check(linux_container_add_blob(settings->container, path, mode, blob), path);
}

static bool apply_directory(struct settings *settings, char *value)
{
    char path[LINUX_PATH_MAX];
    uint32_t mode = MODE_DIRECTORY;
    if (!take_mode(value, &mode) || !path_make(settings, value, path, sizeof(path))) {
        return complain(value, "is no path with a mode");
    }
    int error = linux_container_add_directory(settings->container, path, mode);
    return error == -LINUX_EEXIST || check(error, path);
}

static bool apply_link(struct settings *settings, char *value)
{
    char path[LINUX_PATH_MAX];
    const char *target = split(value);
    if (target == NULL || !path_make(settings, value, path, sizeof(path))) {
        return complain(value, "write --link PATH=TARGET");
    }
    return check(linux_container_add_link(settings->container, path, target), path);
}

static bool apply_output(struct settings *settings, char *value)
{
    if (split(value) == NULL || settings->output_count == OUTPUTS_MAX) {
        return complain(value, "write --output PATH=NAME, at most 8 times");
    }
    settings->outputs[settings->output_count++] = value;
    return true;
}

// Replaces a variable of the same name.
static bool apply_environment(struct settings *settings, char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL) {
        return complain(value, "write --env NAME=VALUE");
    }
    size_t name_size = (size_t)(equals - value) + 1;
    for (uint32_t i = 0; i < settings->environment_count; i++) {
        if (strncmp(settings->environment[i], value, name_size) == 0) {
            settings->environment[i] = value;
            return true;
        }
    }
    if (settings->environment_count == ENVIRONMENT_MAX) {
        return complain(value, "there are too many variables");
    }
    settings->environment[settings->environment_count++] = value;
    return true;
}

static bool apply_cwd(struct settings *settings, char *value)
{
    return value[0] == '/' && rt_string_copy(settings->directory, sizeof(settings->directory),
                                             value) < sizeof(settings->directory)
               ? true
               : complain(value, "is no absolute path");
}

static bool apply_calls(struct settings *settings,
                        char *value) // NOLINT(readability-non-const-parameter): one type for all
{
    (void)value;
    settings->wants_calls = true;
    return true;
}

static bool apply_trace(struct settings *settings,
                        char *value) // NOLINT(readability-non-const-parameter): one type for all
{
    (void)value;
    settings->options.is_traced = true;
    return true;
}

static bool apply_fixed(struct settings *settings,
                        char *value) // NOLINT(readability-non-const-parameter): one type for all
{
    (void)value;
    settings->options.is_fixed_layout = true;
    return true;
}

static bool apply_time(struct settings *settings, char *value)
{
    uint64_t seconds = 0;
    if (!tes_text_to_u64(value, &seconds) || seconds > INT32_MAX * UINT64_C(1024)) {
        return complain(value, "is no number of seconds");
    }
    settings->options.file_time_s = (int64_t)seconds;
    return true;
}

static const struct option {
    const char *name;
    bool (*apply)(struct settings *settings, char *value);
    bool has_value;
    bool is_first; // shapes the container
} options[] = {
    { "--file", apply_file, true, false },      { "--output", apply_output, true, false },
    { "--link", apply_link, true, false },      { "--directory", apply_directory, true, false },
    { "--env", apply_environment, true, true }, { "--cwd", apply_cwd, true, true },
    { "--calls", apply_calls, false, true },    { "--time", apply_time, true, true },
    { "--fixed", apply_fixed, false, true },    { "-strace", apply_trace, false, true },
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static int usage(const char *what)
{
    (void)complain(what, "usage: linux " USAGE);
    return -1;
}

static int walk(struct settings *settings, int argc, char *const *argv, bool is_first)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-') {
        const struct option *option = option_find(argv[at]);
        if (option == NULL || (option->has_value && at + 1 >= argc)) {
            return usage(argv[at]);
        }
        char *value = option->has_value ? argv[at + 1] : NULL;
        if (option->is_first == is_first && !option->apply(settings, value)) {
            return -1;
        }
        at += option->has_value ? 2 : 1;
    }
    return at < argc ? at : usage("no program");
}

int options_first(struct settings *settings, int argc, char *const *argv)
{
    return walk(settings, argc, argv, true);
}

int options_fill(struct settings *settings, int argc, char *const *argv)
{
    return walk(settings, argc, argv, false);
}
