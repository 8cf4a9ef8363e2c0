// SPDX-License-Identifier: MIT OR Apache-2.0
// What a platform's program calls: make a container, put files in, run a program, take files out.
#pragma once

#include <personality/platform.h>
#include <personality/task.h>

struct linux_container *linux_container_create(const struct linux_options *options);
void linux_container_destroy(struct linux_container *container);
// Directories on the way are made. Contents of the blob are not copied; it must outlive the
// container.
int linux_container_add_blob(struct linux_container *container, const char *path, uint32_t mode,
                             const struct platform_blob *blob);
int linux_container_add_file(struct linux_container *container, const char *path, uint32_t mode,
                             const void *contents, size_t size);
int linux_container_add_directory(struct linux_container *container, const char *path,
                                  uint32_t mode);
int linux_container_add_link(struct linux_container *container, const char *path,
                             const char *target);
// Reads a regular file back: up to size bytes from offset; a count or an error.
int64_t linux_container_read_file(struct linux_container *container, const char *path, void *buffer,
                                  size_t size, uint64_t offset);
struct linux_program {
    const char *path;
    const char *const *arguments; // both end with NULL
    const char *const *environment;
    const char *directory; // where it starts
};
// Runs a program to its end. 0 and the status as wait reports it (code << 8, or the signal), or an
// error when it could not be started.
int linux_container_run(struct linux_container *container, const struct linux_program *program,
                        int32_t *out_status);
// The exit status a shell shows: the code, or 128 and the signal.
int32_t linux_exit_code(int32_t status);
// Calls used so far: name, number, whether it has a handler, count. Ends when name is NULL.
struct linux_call_usage {
    const char *name;
    uint32_t number;
    bool is_implemented;
    uint64_t count;
};
struct linux_call_usage linux_container_call_usage(const struct linux_container *container,
                                                   uint32_t number);
