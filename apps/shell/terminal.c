// SPDX-License-Identifier: MIT OR Apache-2.0
// The terminal: while the line editor reads, bytes pass as they are; while a command runs, lines
// are echoed, may be corrected with backspace and end with return or ^D, and ^C interrupts the
// command. In plain mode nothing is echoed and no carriage return added.
#include <rt/string.h>

#include "streams.h"

#define KEY_INTERRUPT 3
#define KEY_END       4
#define KEY_BACKSPACE 8
#define KEY_DELETE    127

tes_status_t terminal_output(struct terminal *terminal, const uint8_t *bytes, uint32_t count)
{
    if (terminal->is_plain) {
        return tes_stream_write_all(terminal->console, bytes, count);
    }
    uint8_t translated[2 * BOUNCE_SIZE];
    uint32_t size = 0;
    for (uint32_t i = 0; i < count && size + 2 <= sizeof(translated); i++) {
        if (bytes[i] == '\n') {
            translated[size++] = '\r';
        }
        translated[size++] = bytes[i];
    }
    return tes_stream_write_all(terminal->console, translated, size);
}

static void echo(struct terminal *terminal, const char *text)
{
    if (!terminal->is_plain) {
        // Typing goes on even if it cannot be shown.
        (void)!terminal_output(terminal, (const uint8_t *)text, (uint32_t)strlen(text));
    }
}

static void line_release(struct terminal *terminal)
{
    bytes_put(&terminal->input, (const uint8_t *)terminal->line, terminal->line_length);
    terminal->line_length = 0;
}

static void cooked_byte(struct terminal *terminal, uint8_t byte)
{
    char text[2] = { (char)byte, 0 };
    if (byte == '\r' || byte == '\n') {
        terminal->line[terminal->line_length++] = '\n';
        echo(terminal, "\n");
        line_release(terminal);
    } else if (byte == KEY_END) {
        terminal->has_end = terminal->line_length == 0;
        line_release(terminal);
    } else if (byte == KEY_BACKSPACE || byte == KEY_DELETE) {
        if (terminal->line_length != 0) {
            terminal->line_length--;
            echo(terminal, "\b \b");
        }
    } else if (terminal->line_length < sizeof(terminal->line) - 1) {
        terminal->line[terminal->line_length++] = (char)byte;
        echo(terminal, text);
    }
}

void terminal_input(struct terminal *terminal, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (terminal->mode == TERMINAL_RAW) {
            bytes_put(&terminal->input, &bytes[i], 1); // dropped if nobody reads 4 KiB
        } else if (bytes[i] == KEY_INTERRUPT) {
            terminal->line_length = 0;
            echo(terminal, "^C\n");
            terminal->on_interrupt(terminal->context);
        } else {
            cooked_byte(terminal, bytes[i]);
        }
    }
}

void terminal_mode_set(struct terminal *terminal, enum terminal_mode mode)
{
    terminal->mode = mode;
    terminal->has_end = false;
    line_release(terminal); // typed ahead
}
