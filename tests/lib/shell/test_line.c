// SPDX-License-Identifier: MIT OR Apache-2.0
// Feeds keys to the editor and interprets what it writes as a terminal would.
#include <line.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_line.h"

static char screen[8192];
static size_t column;
static struct history history;
static struct line_editor editor;
static bool is_plain_mode;
static enum line_result last_result;

static size_t screen_escape(const char *bytes)
{
    unsigned number = 0;
    size_t at = 2;
    while (bytes[at] >= '0' && bytes[at] <= '9') {
        number = number * 10 + (unsigned)(bytes[at++] - '0');
    }
    if (bytes[at] == 'D') {
        column -= number;
    } else if (bytes[at] == 'K') {
        memset(screen + column, 0, sizeof(screen) - column);
    }
    return at + 1;
}

static void screen_write(void *context, const char *bytes, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size;) {
        if (bytes[i] == 27) {
            i += screen_escape(bytes + i);
        } else if (bytes[i] == '\r' || bytes[i] == '\n') {
            column = bytes[i] == '\r' ? 0 : column;
            i++;
        } else {
            screen[column++] = bytes[i++];
        }
    }
}

static unsigned complete(void *context, const struct line_word *word, char *out_common,
                         size_t common_size)
{
    static const char *const words[] = { "echo", "echelon", "history" };
    unsigned count = 0;
    (void)context;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(words[i], word->line + word->start, word->end - word->start) == 0) {
            snprintf(out_common, common_size, "%s", count++ == 0 ? words[i] : "ech");
        }
    }
    return count;
}

void line_plain(bool is_plain)
{
    is_plain_mode = is_plain;
}

static void feed(const char *keys)
{
    memset(screen, 0, sizeof(screen));
    column = 0;
    memset(&editor, 0, sizeof(editor));
    editor.prompt = "> ";
    editor.history = &history;
    editor.write = screen_write;
    editor.complete = complete;
    editor.is_plain = is_plain_mode;
    line_begin(&editor);
    last_result = LINE_MORE;
    for (; *keys != 0 && last_result == LINE_MORE; keys++) {
        last_result = line_feed(&editor, *keys);
    }
    editor.text[editor.length] = 0;
    if (last_result == LINE_DONE) {
        history_add(&history, editor.text);
    }
}

const char *line_after(const char *keys)
{
    feed(keys);
    return editor.text;
}

const char *screen_after(const char *keys)
{
    feed(keys);
    return screen;
}

enum line_result line_last_result(void)
{
    return last_result;
}
