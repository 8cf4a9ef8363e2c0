// SPDX-License-Identifier: MIT OR Apache-2.0
// The line editor. After each change the rest of the line is written again; that is all the screen
// control there is (cursor left, erase to the end of the line).
#include <rt/format.h>
#include <rt/string.h>
#include <tes/heap.h>

#include "line.h"

#define CONTROL(letter) ((letter) - 'A' + 1)
#define KEY_ESCAPE      27
#define KEY_DELETE      127
#define KEY_BACKSPACE   8

enum escape_state { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_BRACKET, ESCAPE_O };

void history_add(struct history *history, const char *line)
{
    if (line[0] == 0 ||
        (history->count != 0 && strcmp(history->lines[history->count - 1], line) == 0)) {
        return;
    }
    char *copy = tes_string_dup(line);
    if (copy == NULL) {
        return; // a line that is not remembered is no harm
    }
    if (history->count == HISTORY_MAX) {
        tes_free(history->lines[0]);
        memmove(&history->lines[0], &history->lines[1],
                (HISTORY_MAX - 1) * sizeof(history->lines[0]));
        history->count--;
    }
    history->lines[history->count++] = copy;
}

static void write_text(struct line_editor *e, const char *text, size_t size)
{
    if (!e->is_plain && size != 0) {
        e->write(e->context, text, size);
    }
}

static void cursor_left(struct line_editor *e, size_t count)
{
    char text[32];
    if (count != 0) {
        int size = rt_format(text, sizeof(text), "\x1b[%zuD", count);
        write_text(e, text, (size_t)size);
    }
}

// The line from `from` on is shown again and the cursor put where it belongs.
static void redraw_from(struct line_editor *e, size_t from)
{
    write_text(e, e->text + from, e->length - from);
    write_text(e, "\x1b[K", 3);
    cursor_left(e, e->length - e->cursor);
}

static void redraw_all(struct line_editor *e)
{
    write_text(e, "\r", 1);
    write_text(e, e->prompt, strlen(e->prompt));
    redraw_from(e, 0);
}

static void insert(struct line_editor *e, const char *text, size_t size)
{
    if (size > sizeof(e->text) - 1 - e->length) {
        return;
    }
    memmove(e->text + e->cursor + size, e->text + e->cursor, e->length - e->cursor);
    memcpy(e->text + e->cursor, text, size);
    e->length += size;
    e->cursor += size;
    redraw_from(e, e->cursor - size);
}

static void move_to(struct line_editor *e, size_t position)
{
    if (position < e->cursor) {
        cursor_left(e, e->cursor - position);
    } else {
        write_text(e, e->text + e->cursor, position - e->cursor);
    }
    e->cursor = position;
}

// Removes [from, to), where the cursor then stands.
static void erase(struct line_editor *e, size_t from, size_t to)
{
    move_to(e, from);
    memmove(e->text + from, e->text + to, e->length - to);
    e->length -= to - from;
    redraw_from(e, from);
}

static size_t word_start(const struct line_editor *e)
{
    size_t at = e->cursor;
    while (at > 0 && e->text[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && e->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void show_history(struct line_editor *e, unsigned index)
{
    if (e->history_at == e->history->count) {
        memcpy(e->saved, e->text, e->length);
        e->saved[e->length] = 0;
    }
    const char *text = index == e->history->count ? e->saved : e->history->lines[index];
    e->history_at = index;
    move_to(e, 0);
    e->length = rt_string_copy(e->text, sizeof(e->text), text);
    e->cursor = e->length;
    redraw_from(e, 0);
}

static void history_up(struct line_editor *e)
{
    if (e->history_at != 0) {
        show_history(e, e->history_at - 1);
    }
}

static void history_down(struct line_editor *e)
{
    if (e->history_at < e->history->count) {
        show_history(e, e->history_at + 1);
    }
}

// The first tab completes what all candidates share, the second lists them.
static void complete(struct line_editor *e)
{
    size_t start = e->cursor;
    while (start > 0 && strchr(" ;|&<>", e->text[start - 1]) == NULL) {
        start--;
    }
    e->text[e->length] = 0;
    char common[LINE_SIZE];
    const struct line_word word = {
        .line = e->text, .start = start, .end = e->cursor, .is_listing = e->was_tab
    };
    if (word.is_listing) {
        write_text(e, "\n", 1);
    }
    unsigned count = e->complete(e->context, &word, common, sizeof(common));
    if (word.is_listing) {
        redraw_all(e);
    }
    size_t typed = e->cursor - start;
    if (count != 0 && strlen(common) > typed) {
        insert(e, common + typed, strlen(common) - typed);
    }
    if (count == 1) {
        insert(e, " ", 1);
    }
    e->was_tab = count > 1;
}

static void key_left(struct line_editor *e)
{
    if (e->cursor != 0) {
        move_to(e, e->cursor - 1);
    }
}

static void key_right(struct line_editor *e)
{
    if (e->cursor != e->length) {
        move_to(e, e->cursor + 1);
    }
}

static void key_home(struct line_editor *e)
{
    move_to(e, 0);
}

static void key_end(struct line_editor *e)
{
    move_to(e, e->length);
}

static void key_backspace(struct line_editor *e)
{
    if (e->cursor != 0) {
        erase(e, e->cursor - 1, e->cursor);
    }
}

static void key_delete(struct line_editor *e)
{
    if (e->cursor != e->length) {
        erase(e, e->cursor, e->cursor + 1);
    }
}

static void key_kill_right(struct line_editor *e)
{
    erase(e, e->cursor, e->length);
}

static void key_kill_left(struct line_editor *e)
{
    erase(e, 0, e->cursor);
}

static void key_kill_word(struct line_editor *e)
{
    erase(e, word_start(e), e->cursor);
}

static void key_clear(struct line_editor *e)
{
    write_text(e, "\x1b[H\x1b[2J", 7);
    redraw_all(e);
}

typedef void key_t(struct line_editor *editor);

static key_t *const control_keys[] = {
    [CONTROL('A')] = key_home,
    [CONTROL('B')] = key_left,
    [CONTROL('E')] = key_end,
    [CONTROL('F')] = key_right,
    [KEY_BACKSPACE] = key_backspace,
    [CONTROL('I')] = complete,
    [CONTROL('K')] = key_kill_right,
    [CONTROL('L')] = key_clear,
    [CONTROL('N')] = history_down,
    [CONTROL('P')] = history_up,
    [CONTROL('U')] = key_kill_left,
    [CONTROL('W')] = key_kill_word,
    [KEY_ESCAPE] = NULL,
};

// ESC [ letter and ESC O letter.
static const struct {
    char letter;
    key_t *key;
} letter_keys[] = {
    { 'A', history_up }, { 'B', history_down }, { 'C', key_right },
    { 'D', key_left },   { 'H', key_home },     { 'F', key_end },
};

// ESC [ number ~
static key_t *const number_keys[] = {
    [1] = key_home, [3] = key_delete, [4] = key_end, [7] = key_home, [8] = key_end
};

static void escape_finish(struct line_editor *e, char byte)
{
    e->escape = ESCAPE_NONE;
    if (byte == '~') {
        const unsigned count = sizeof(number_keys) / sizeof(number_keys[0]);
        if (e->escape_parameter < count && number_keys[e->escape_parameter] != NULL) {
            number_keys[e->escape_parameter](e);
        }
        return;
    }
    for (size_t i = 0; i < sizeof(letter_keys) / sizeof(letter_keys[0]); i++) {
        if (letter_keys[i].letter == byte) {
            letter_keys[i].key(e);
        }
    }
}

static void escape_feed(struct line_editor *e, char byte)
{
    const unsigned parameter_limit = 100;
    if (e->escape == ESCAPE_BEGUN) {
        e->escape = byte == '[' ? ESCAPE_BRACKET : byte == 'O' ? ESCAPE_O : ESCAPE_NONE;
        e->escape_parameter = 0;
    } else if (e->escape == ESCAPE_BRACKET && byte >= '0' && byte <= '9') {
        if (e->escape_parameter < parameter_limit) {
            e->escape_parameter = e->escape_parameter * 10 + (unsigned)(byte - '0');
        }
    } else if (e->escape == ESCAPE_BRACKET && byte == ';') {
        e->escape_parameter = 0;
    } else {
        escape_finish(e, byte);
    }
}

void line_begin(struct line_editor *e)
{
    e->length = 0;
    e->cursor = 0;
    e->escape = ESCAPE_NONE;
    e->was_tab = false;
    e->history_at = e->history->count;
    e->write(e->context, e->prompt, strlen(e->prompt));
}

static enum line_result finish(struct line_editor *e, enum line_result result)
{
    e->text[e->length] = 0;
    move_to(e, e->length);
    write_text(e, "\n", 1);
    return result;
}

static enum line_result feed_plain(struct line_editor *e, char byte)
{
    if (byte == '\n' || byte == '\r') {
        return finish(e, LINE_DONE);
    }
    if (byte == CONTROL('C')) {
        return finish(e, LINE_CANCELLED);
    }
    if (e->length < sizeof(e->text) - 1) {
        e->text[e->length++] = byte;
        e->cursor = e->length;
    }
    return LINE_MORE;
}

static enum line_result feed_control(struct line_editor *e, char byte)
{
    if (byte == CONTROL('C')) {
        write_text(e, "^C", 2);
        return finish(e, LINE_CANCELLED);
    }
    if (byte == CONTROL('D')) {
        if (e->length == 0) {
            return finish(e, LINE_END_OF_INPUT);
        }
        key_delete(e);
    } else if (byte == KEY_ESCAPE) {
        e->escape = ESCAPE_BEGUN;
    } else if (byte == KEY_DELETE) {
        key_backspace(e);
    } else {
        size_t index = (size_t)(unsigned char)byte;
        if (index < sizeof(control_keys) / sizeof(control_keys[0]) && control_keys[index] != NULL) {
            control_keys[index](e);
        }
    }
    return LINE_MORE;
}

enum line_result line_feed(struct line_editor *e, char byte)
{
    bool follows_return = e->was_return && byte == '\n';
    e->was_return = byte == '\r';
    if (follows_return) {
        return LINE_MORE;
    }
    if (e->is_plain) {
        return feed_plain(e, byte);
    }
    if (byte != '\t') {
        e->was_tab = false;
    }
    if (e->escape != ESCAPE_NONE) {
        escape_feed(e, byte);
        return LINE_MORE;
    }
    if (byte == '\r' || byte == '\n') {
        return finish(e, LINE_DONE);
    }
    if ((unsigned char)byte < ' ' || byte == KEY_DELETE) {
        return feed_control(e, byte);
    }
    insert(e, &byte, 1);
    return LINE_MORE;
}
