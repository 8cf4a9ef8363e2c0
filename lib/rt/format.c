// SPDX-License-Identifier: MIT OR Apache-2.0
// rt_format: a small printf into a buffer. One directive is parsed into a struct directive, turned
// into a piece of text and padded; nothing else knows about the buffer's end than output_put.
#include <rt/format.h>
#include <rt/string.h>
#include <stdbool.h>
#include <stdint.h>

#define DIGITS_MAX  24u // 22 octal digits of 64 bits, and room
#define BASE_OCTAL  8u
#define BASE_TEN    10u
#define BASE_HEX    16u
#define WIDTH_LIMIT 4096

struct output {
    char *buffer;
    size_t size;
    size_t length;
};

struct directive {
    bool is_left, is_zero_padded, has_plus, has_space, is_alternate, is_upper;
    int width;
    int precision; // -1: none
    int length;    // size in bytes of an integer argument
};

static void output_put(struct output *out, char character)
{
    if (out->length + 1 < out->size) {
        out->buffer[out->length] = character;
    }
    out->length++;
}

static void output_fill(struct output *out, char character, int count)
{
    for (; count > 0; count--) {
        output_put(out, character);
    }
}

// sign and prefix, then zeros up to `zeros`, then the text.
static void output_piece(struct output *out, const struct directive *d, const char *prefix,
                         int zeros, const char *text, size_t size)
{
    int padding = d->width - (int)strlen(prefix) - zeros - (int)size;
    if (!d->is_left) {
        output_fill(out, ' ', padding);
    }
    for (; *prefix != 0; prefix++) {
        output_put(out, *prefix);
    }
    output_fill(out, '0', zeros);
    for (size_t i = 0; i < size; i++) {
        output_put(out, text[i]);
    }
    if (d->is_left) {
        output_fill(out, ' ', padding);
    }
}

static void output_number(struct output *out, const struct directive *d, const char *prefix,
                          uint64_t value, unsigned base)
{
    const char *digits = d->is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[DIGITS_MAX];
    int at = DIGITS_MAX;
    for (uint64_t rest = value; rest != 0; rest /= base) {
        text[--at] = digits[rest % base];
    }
    int count = (int)DIGITS_MAX - at;
    int zeros = d->precision < 0 ? (count == 0) : d->precision - count;
    if (d->precision < 0 && d->is_zero_padded && !d->is_left) {
        int room = d->width - (int)strlen(prefix) - count;
        zeros = room > zeros ? room : zeros;
    }
    output_piece(out, d, prefix, zeros > 0 ? zeros : 0, text + at, (size_t)count);
}

static void output_signed(struct output *out, const struct directive *d, int64_t value)
{
    const char *prefix = value < 0 ? "-" : d->has_plus ? "+" : d->has_space ? " " : "";
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    output_number(out, d, prefix, magnitude, BASE_TEN);
}

static void output_string(struct output *out, const struct directive *d, const char *text)
{
    if (text == NULL) {
        text = "(null)";
    }
    size_t size = strnlen(text, d->precision < 0 ? SIZE_MAX : (size_t)d->precision);
    output_piece(out, d, "", 0, text, size);
}

static const char *parse_flags(const char *at, struct directive *d)
{
    for (;; at++) {
        switch (*at) {
        case '-':
            d->is_left = true;
            break;
        case '0':
            d->is_zero_padded = true;
            break;
        case '+':
            d->has_plus = true;
            break;
        case ' ':
            d->has_space = true;
            break;
        case '#':
            d->is_alternate = true;
            break;
        default:
            return at;
        }
    }
}

static const char *parse_number(const char *at, int *out_number)
{
    int number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number < WIDTH_LIMIT ? number * (int)BASE_TEN + (*at - '0') : number;
    }
    *out_number = number;
    return at;
}

static const char *parse_length(const char *at, struct directive *d)
{
    d->length = sizeof(int);
    for (;; at++) {
        switch (*at) {
        case 'h':
            d->length /= 2;
            break;
        case 'l':
        case 'z':
        case 'j':
        case 't':
            d->length = sizeof(uint64_t);
            break;
        default:
            return at;
        }
    }
}

struct arguments {
    va_list list;
};

static uint64_t next_unsigned(struct arguments *arguments, const struct directive *d)
{
    if (d->length == (int)sizeof(uint64_t)) {
        return va_arg(arguments->list, uint64_t);
    }
    unsigned value = va_arg(arguments->list, unsigned);
    return d->length == 1 ? (uint8_t)value : d->length == 2 ? (uint16_t)value : value;
}

static int64_t next_signed(struct arguments *arguments, const struct directive *d)
{
    if (d->length == (int)sizeof(int64_t)) {
        return va_arg(arguments->list, int64_t);
    }
    int value = va_arg(arguments->list, int);
    return d->length == 1 ? (int8_t)value : d->length == 2 ? (int16_t)value : value;
}

static const char *parse_width(const char *at, struct directive *d, struct arguments *arguments)
{
    if (*at != '*') {
        return parse_number(at, &d->width);
    }
    d->width = va_arg(arguments->list, int);
    if (d->width < 0) {
        d->is_left = true;
        d->width = d->width < -WIDTH_LIMIT ? WIDTH_LIMIT : -d->width;
    }
    return at + 1;
}

static const char *parse_precision(const char *at, struct directive *d, struct arguments *arguments)
{
    d->precision = -1;
    if (*at != '.') {
        return at;
    }
    if (at[1] != '*') {
        return parse_number(at + 1, &d->precision);
    }
    d->precision = va_arg(arguments->list, int);
    return at + 2;
}

static void output_unsigned(struct output *out, struct directive *d, struct arguments *arguments,
                            char kind)
{
    uint64_t value = next_unsigned(arguments, d);
    switch (kind) {
    case 'x':
        output_number(out, d, d->is_alternate && value != 0 ? "0x" : "", value, BASE_HEX);
        break;
    case 'X':
        d->is_upper = true;
        output_number(out, d, d->is_alternate && value != 0 ? "0X" : "", value, BASE_HEX);
        break;
    case 'o':
        output_number(out, d, d->is_alternate && value != 0 ? "0" : "", value, BASE_OCTAL);
        break;
    default:
        output_number(out, d, "", value, BASE_TEN);
        break;
    }
}

// false: no such directive, nothing was taken.
static bool output_directive(struct output *out, struct directive *d, struct arguments *arguments,
                             char kind)
{
    char character = 0;
    switch (kind) {
    case 'd':
    case 'i':
        output_signed(out, d, next_signed(arguments, d));
        return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        output_unsigned(out, d, arguments, kind);
        return true;
    case 'p':
        output_number(out, d, "0x", (uintptr_t)va_arg(arguments->list, void *), BASE_HEX);
        return true;
    case 'c':
        character = (char)va_arg(arguments->list, int);
        output_piece(out, d, "", 0, &character, 1);
        return true;
    case 's':
        output_string(out, d, va_arg(arguments->list, const char *));
        return true;
    case '%':
        output_put(out, '%');
        return true;
    default:
        return false;
    }
}

static void format_all(struct output *out, const char *format, struct arguments *arguments)
{
    while (*format != 0) {
        if (*format != '%') {
            output_put(out, *format++);
            continue;
        }
        struct directive d = { .precision = -1 };
        const char *at = parse_flags(format + 1, &d);
        at = parse_width(at, &d, arguments);
        at = parse_precision(at, &d, arguments);
        at = parse_length(at, &d);
        if (output_directive(out, &d, arguments, *at)) {
            format = at + 1;
        } else {
            output_put(out, *format++); // an unknown directive appears as it stands
        }
    }
}

int rt_vformat(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = { .buffer = buffer, .size = size };
    struct arguments copy;
    va_copy(copy.list, arguments);
    format_all(&out, format, &copy);
    va_end(copy.list);
    if (size != 0) {
        buffer[out.length < size ? out.length : size - 1] = 0;
    }
    return (int)out.length;
}

int rt_format(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = rt_vformat(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
