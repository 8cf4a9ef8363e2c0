// SPDX-License-Identifier: MIT OR Apache-2.0
// Strings and zeroing in guest memory; single copies are inline in guest.h.

#include "guest.h"

#include <rt/string.h>

#define STRING_CHUNK 256U

static const uint8_t zeros[LINUX_PAGE_SIZE];

int64_t linux_guest_read_string(const struct linux_task *task, char *destination, uint64_t address,
                                size_t size)
{
    size_t length = 0;
    while (length < size) {
        // A chunk never crosses a page, so that a string ending just before a hole is read.
        uint64_t place = address + length;
        size_t chunk = (size_t)(LINUX_PAGE_SIZE - (place & (LINUX_PAGE_SIZE - 1)));
        chunk = chunk > STRING_CHUNK ? STRING_CHUNK : chunk;
        chunk = chunk > size - length ? size - length : chunk;
        if (linux_guest_read(task, destination + length, place, chunk) != 0) {
            return -LINUX_EFAULT;
        }
        for (size_t index = 0; index < chunk; index++) {
            if (destination[length + index] == '\0') {
                return (int64_t)(length + index);
            }
        }
        length += chunk;
    }
    return -LINUX_ENAMETOOLONG;
}

int linux_guest_zero(const struct linux_task *task, uint64_t address, uint64_t size)
{
    while (size > 0) {
        size_t chunk = size < sizeof(zeros) ? (size_t)size : sizeof(zeros);
        int error = linux_guest_write(task, address, zeros, chunk);
        if (error != 0) {
            return error;
        }
        address += chunk;
        size -= chunk;
    }
    return 0;
}
