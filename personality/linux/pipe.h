// SPDX-License-Identifier: MIT OR Apache-2.0
// Pipes and FIFOs inside a container.
#pragma once

#include <personality/task.h>

#define LINUX_PIPE_SIZE   65536U
#define LINUX_PIPE_ATOMIC 4096U // PIPE_BUF

// The two ends of a new pipe; each a file with one reference.
int linux_pipe_create(struct linux_task *task, uint32_t flags, struct linux_file *out_ends[2]);
// Prepares an opened FIFO inode; does nothing when it already holds a buffer.
int linux_pipe_attach(struct linux_task *task, struct linux_inode *inode);
// Kept in step by file create and put; do nothing for other files.
void linux_pipe_opened(struct linux_file *file);
void linux_pipe_closed(struct linux_task *task, struct linux_file *file);
// POLL* bits of a file that is a pipe's end.
bool linux_pipe_is(const struct linux_inode *inode);
int16_t linux_pipe_poll(const struct linux_file *file);
uint64_t linux_pipe_buffered(const struct linux_inode *inode);
