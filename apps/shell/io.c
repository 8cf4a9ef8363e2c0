// SPDX-License-Identifier: MIT OR Apache-2.0
// Printing: output is collected and written in larger pieces; errors are written at once.
#include <rt/format.h>
#include <rt/string.h>
#include <tes/log.h>

#include "shell.h"

void io_flush(struct io *io)
{
    if (io->used != 0 && !io->has_failed) {
        io->has_failed = tes_stream_write_all(io->out, io->buffer, io->used) != TES_OK;
    }
    io->used = 0;
}

void io_write(struct io *io, const char *bytes, size_t size)
{
    while (size != 0 && !io->has_failed) {
        size_t room = sizeof(io->buffer) - io->used;
        size_t part = size < room ? size : room;
        memcpy(io->buffer + io->used, bytes, part);
        io->used += part;
        bytes += part;
        size -= part;
        if (io->used == sizeof(io->buffer)) {
            io_flush(io);
        }
    }
}

static size_t format_text(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static size_t format_text(char *text, size_t size, const char *format, va_list arguments)
{
    size_t length = (size_t)rt_vformat(text, size, format, arguments);
    return length < size ? length : size - 1;
}

void io_print(struct io *io, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_text(text, sizeof(text), format, arguments);
    va_end(arguments);
    io_write(io, text, length);
}

void io_error(struct io *io, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_text(text, sizeof(text), format, arguments);
    va_end(arguments);
    io_flush(io);
    (void)!tes_stream_write_all(io->err, text, length); // there is nowhere else to complain
}

const char *io_status_text(tes_status_t status)
{
    if (status == TES_STREAM_CLOSED) {
        return "nobody reads";
    }
    return status == TES_STREAM_NO_SPACE ? "no space left" : tes_status_text(status);
}

int io_fail(struct context *context, const char *name, const char *what, tes_status_t status)
{
    if (status == TES_ERROR_CANCELLED || status == TES_ERROR_CANCELLED_UNKNOWN) {
        return STATUS_INTERRUPTED;
    }
    io_error(&context->io, "%s: %s: %s\n", name, what, io_status_text(status));
    return STATUS_FAILED;
}
