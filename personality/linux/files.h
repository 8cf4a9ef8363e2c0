// SPDX-License-Identifier: MIT OR Apache-2.0
// Open file descriptions and the descriptor table.
#pragma once

#include <personality/task.h>

struct linux_files *linux_files_create(struct linux_task *task);
void linux_files_put(struct linux_task *task, struct linux_files *files);
// Borrowed, or NULL: not an open descriptor. O_PATH descriptors are found too.
struct linux_file *linux_files_find(const struct linux_task *task, int32_t descriptor);
// The same, but NULL for O_PATH descriptors: what I/O calls use.
struct linux_file *linux_files_find_io(const struct linux_task *task, int32_t descriptor);
// Lowest free descriptor at or above minimum; takes the file over when it succeeds.
int linux_files_install(struct linux_task *task, struct linux_file *file, uint32_t minimum,
                        bool close_on_exec);
int linux_files_install_at(struct linux_task *task, struct linux_file *file, uint32_t descriptor,
                           bool close_on_exec);
int linux_files_close(struct linux_task *task, int32_t descriptor);
void linux_files_close_on_exec(struct linux_task *task);

// Takes over the entry's reference. NULL without memory (the entry is put).
struct linux_file *linux_file_create(struct linux_task *task, struct linux_entry *owned_entry,
                                     uint32_t flags);
struct linux_file *linux_file_get(struct linux_file *file);
void linux_file_put(struct linux_task *task, struct linux_file *file);
bool linux_file_may_read(const struct linux_file *file);
bool linux_file_may_write(const struct linux_file *file);
// Reads or writes between guest memory and a regular file at an offset; a count or an error.
int64_t linux_file_read_at(struct linux_task *task, struct linux_file *file, uint64_t address,
                           uint64_t size, uint64_t offset);
int64_t linux_file_write_at(struct linux_task *task, struct linux_file *file, uint64_t address,
                            uint64_t size, uint64_t offset);
// Whole transfers at the file's own position, any kind of file.
int64_t linux_file_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                        uint64_t size);
int64_t linux_file_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                         uint64_t size);
// Between personality memory and a regular file (sendfile, loader, boot).
int64_t linux_inode_read(const struct linux_inode *inode, void *buffer, uint64_t size,
                         uint64_t offset);
int64_t linux_inode_write(struct linux_tree *tree, struct linux_inode *inode, const void *buffer,
                          uint64_t size, uint64_t offset);
int linux_inode_truncate(struct linux_tree *tree, struct linux_inode *inode, uint64_t size);
