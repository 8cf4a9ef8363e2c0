// SPDX-License-Identifier: MIT OR Apache-2.0
// What stands before the program on the command line. Options are applied in their order.
#pragma once

#include <personality/container.h>

#define ENVIRONMENT_MAX 64u
#define OUTPUTS_MAX     8u

struct settings {
    struct linux_options options;
    struct linux_container *container;
    char directory[LINUX_PATH_MAX];
    const char *environment[ENVIRONMENT_MAX + 1];
    uint32_t environment_count;
    const char *outputs[OUTPUTS_MAX]; // PATH of the n-th --output
    uint32_t output_count;
    uint32_t input_count;
    bool wants_calls;
};

// Options that shape the container, then (once it is there) those that fill it. Both return the
// index of the program's name, or a negative number when something was wrong and was said.
int options_first(struct settings *settings, int argc, char *const *argv);
int options_fill(struct settings *settings, int argc, char *const *argv);

// setup.c: what every container begins with.
bool setup_container(struct settings *settings);

// One line on the error stream, after "linux: "; returns false.
bool complain(const char *what, const char *why);
// An absolute path: one that is not is below the settings' directory. False: too long.
bool path_make(const struct settings *settings, const char *path, char *out, size_t size);
