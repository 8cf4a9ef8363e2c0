// SPDX-License-Identifier: MIT OR Apache-2.0
// String helpers that no C library has, for kernel, components and hosts.
#include <rt/string.h>

size_t rt_string_copy(char *destination, size_t size, const char *source)
{
    size_t length = strnlen(source, size - 1);
    memcpy(destination, source, length);
    destination[length] = 0;
    return length;
}
