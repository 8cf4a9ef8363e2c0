// SPDX-License-Identifier: MIT OR Apache-2.0
// From a command line to pipelines. Words keep their quotes: they are expanded when the command
// runs, so that `false; echo $?` sees the status of what ran before.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE     2048u
#define WORDS_MAX     64u
#define STAGES_MAX    8u
#define PIPELINES_MAX 16u

enum parse_join { JOIN_ALWAYS, JOIN_AND, JOIN_OR }; // when a pipeline runs after the one before

struct parse_stage {
    const char *words[WORDS_MAX]; // raw
    unsigned word_count;
    const char *input;  // raw; NULL: none
    const char *output; // raw
    const char *errors; // raw
    bool appends;
};

struct parse_pipeline {
    struct parse_stage stages[STAGES_MAX];
    unsigned stage_count;
    enum parse_join join;
    bool is_background;
};

struct parse_list {
    struct parse_pipeline pipelines[PIPELINES_MAX];
    unsigned count;
    char text[2 * LINE_SIZE]; // the raw words
    size_t text_used;
};

// NULL, or what is wrong with the line.
const char *parse_line(const char *line, struct parse_list *out_list);

// Value of a variable, or NULL; '?' is asked for like any other name.
typedef const char *parse_variable_t(void *context, const char *name);
// Removes quotes and puts variables in. False: the result does not fit.
bool parse_expand(const char *raw, parse_variable_t *variable, void *context, char *out,
                  size_t size);
