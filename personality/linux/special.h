// SPDX-License-Identifier: MIT OR Apache-2.0
// Files that are not on the tree's pages: devices under /dev, the three streams, /proc.
#pragma once

#include <personality/task.h>

int linux_special_mount_devices(struct linux_task *task);
int linux_special_mount_proc(struct linux_task *task);
// Adds /proc/PID of the task.
int linux_proc_add_task(struct linux_task *task);
// Opens streams 0 to 2 in the descriptor table, as far as the platform has them.
int linux_special_open_streams(struct linux_task *task);
// 0 to 2 when the inode is a stream (a terminal through /dev/tty counts), else -1.
int32_t linux_special_stream(const struct linux_inode *inode);
// Whether a device can be opened at all; 0 or -ENXIO.
int linux_special_open_check(const struct linux_inode *inode);

static inline uint64_t linux_device_number(uint32_t major, uint32_t minor)
{
    return (uint64_t)(major & 0xfffU) << 8 | (minor & 0xffU) | (uint64_t)(minor & ~0xffU) << 12;
}
