// SPDX-License-Identifier: MIT OR Apache-2.0
// Text building without a general formatter: numbers in the three bases, columns, NUL at the end.

#include "text.h"

#include <rt/string.h>

#define DIGITS_MAX 24U
#define DECIMAL    10U
#define HEX        16U
#define OCTAL      8U

void linux_text_char(struct linux_text *text, char character)
{
    if (text->used < text->size) {
        text->buffer[text->used] = character;
    }
    text->used++;
}

void linux_text_bytes(struct linux_text *text, const char *bytes, size_t size)
{
    for (size_t index = 0; index < size; index++) {
        linux_text_char(text, bytes[index]);
    }
}

void linux_text_string(struct linux_text *text, const char *string)
{
    linux_text_bytes(text, string, strlen(string));
}

static void text_number(struct linux_text *text, uint64_t value, uint32_t base, uint32_t width)
{
    char digits[DIGITS_MAX];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (uint32_t index = count; index < width; index++) {
        linux_text_char(text, '0');
    }
    while (count > 0) {
        linux_text_char(text, digits[--count]);
    }
}

void linux_text_unsigned(struct linux_text *text, uint64_t value)
{
    text_number(text, value, DECIMAL, 1);
}

void linux_text_signed(struct linux_text *text, int64_t value)
{
    if (value < 0) {
        linux_text_char(text, '-');
        text_number(text, (uint64_t)0 - (uint64_t)value, DECIMAL, 1);
    } else {
        text_number(text, (uint64_t)value, DECIMAL, 1);
    }
}

void linux_text_hex(struct linux_text *text, uint64_t value, uint32_t width)
{
    text_number(text, value, HEX, width);
}

void linux_text_octal(struct linux_text *text, uint64_t value)
{
    text_number(text, value, OCTAL, 1);
}

void linux_text_decimal(struct linux_text *text, uint64_t value, uint32_t width)
{
    text_number(text, value, DECIMAL, width);
}

void linux_text_column(struct linux_text *text, size_t start, size_t column)
{
    while (text->used - start < column) {
        linux_text_char(text, ' ');
    }
}

size_t linux_text_end(struct linux_text *text)
{
    size_t length = text->used < text->size ? text->used : text->size - 1;
    text->buffer[length] = '\0';
    return length;
}
