// SPDX-License-Identifier: MIT OR Apache-2.0
// The line editor: bytes in, screen updates out through a function, no other dependency.
// Keys: left, right, home, end, delete, backspace, ^A ^E ^B ^F ^K ^U ^W ^L ^D, up, down ^P ^N, tab.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "parse.h"

#define HISTORY_MAX 64u

struct history {
    char *lines[HISTORY_MAX]; // heap; oldest first
    unsigned count;
};
// The same line twice in a row is kept once.
void history_add(struct history *history, const char *line);

// A word under completion: [start, end) of the line.
struct line_word {
    const char *line;
    size_t start, end;
    bool is_listing; // print the candidates
};
// What tab does: finds the candidates for the word. Returns how many there are; the part that all
// share, which begins with the word, goes to out_common.
typedef unsigned line_complete_t(void *context, const struct line_word *word, char *out_common,
                                 size_t common_size);

enum line_result { LINE_MORE, LINE_DONE, LINE_CANCELLED, LINE_END_OF_INPUT };

struct line_editor {
    char text[LINE_SIZE];
    size_t length, cursor;
    const char *prompt;
    bool is_plain; // no echo, no editing: bytes up to the newline
    struct history *history;
    unsigned history_at;   // history->count: the new line
    char saved[LINE_SIZE]; // the new line while history is shown
    unsigned escape;       // state inside an escape sequence
    unsigned escape_parameter;
    bool was_return; // a \n right after \r is swallowed
    bool was_tab;
    void (*write)(void *context, const char *bytes, size_t size);
    line_complete_t *complete;
    void *context;
};

// Shows the prompt and begins with an empty line.
void line_begin(struct line_editor *editor);
enum line_result line_feed(struct line_editor *editor, char byte);
