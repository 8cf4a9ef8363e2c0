// SPDX-License-Identifier: MIT OR Apache-2.0
// Building text in a fixed buffer: for /proc, traces and log lines. What does not fit is cut; used
// counts what was wanted, so a caller can see it and try again with more.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct linux_text {
    char *buffer;
    size_t size;
    size_t used;
};

void linux_text_char(struct linux_text *text, char character);
void linux_text_string(struct linux_text *text, const char *string);
void linux_text_bytes(struct linux_text *text, const char *bytes, size_t size);
void linux_text_unsigned(struct linux_text *text, uint64_t value);
void linux_text_signed(struct linux_text *text, int64_t value);
// At least width digits, filled with zeros.
void linux_text_hex(struct linux_text *text, uint64_t value, uint32_t width);
void linux_text_octal(struct linux_text *text, uint64_t value);
void linux_text_decimal(struct linux_text *text, uint64_t value, uint32_t width);
// Blanks up to a column counted from the given start.
void linux_text_column(struct linux_text *text, size_t start, size_t column);
// Terminates the text and returns its length in the buffer.
size_t linux_text_end(struct linux_text *text);
