// SPDX-License-Identifier: MIT OR Apache-2.0
// Access to the guest's memory. Every address is hostile: the range is checked against the guest's
// half first, then copied by the platform, which survives unmapped pages.
#pragma once

#include <personality/errors.h>
#include <personality/task.h>

static inline bool linux_guest_range_valid(uint64_t address, uint64_t size)
{
    return size <= LINUX_ADDRESS_TOP && address <= LINUX_ADDRESS_TOP - size;
}

static inline int linux_guest_read(const struct linux_task *task, void *destination,
                                   uint64_t address, size_t size)
{
    if (!linux_guest_range_valid(address, size)) {
        return -LINUX_EFAULT;
    }
    return platform_copy_from_guest(linux_task_guest(task), destination, address, size);
}

static inline int linux_guest_write(const struct linux_task *task, uint64_t address,
                                    const void *source, size_t size)
{
    if (!linux_guest_range_valid(address, size)) {
        return -LINUX_EFAULT;
    }
    return platform_copy_to_guest(linux_task_guest(task), address, source, size);
}

// A NUL-terminated string of less than size bytes; its length, -EFAULT, or -ENAMETOOLONG.
int64_t linux_guest_read_string(const struct linux_task *task, char *destination, uint64_t address,
                                size_t size);
int linux_guest_zero(const struct linux_task *task, uint64_t address, uint64_t size);
