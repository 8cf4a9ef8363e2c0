// SPDX-License-Identifier: MIT OR Apache-2.0
// printf-like text into a buffer, without floating point: %d %i %u %x %X %o %c %s %p %%, lengths hh
// h l ll z j t, flags - 0 + space #, width and precision (also *).
#pragma once

#include <stdarg.h>
#include <stddef.h>

// At most size - 1 characters and a 0 are written (nothing if size is 0). Returns the length of the
// whole text, as if there had been room.
int rt_vformat(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int rt_format(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
