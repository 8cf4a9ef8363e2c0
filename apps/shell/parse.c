// SPDX-License-Identifier: MIT OR Apache-2.0
// Splits a line into operators and raw words, and builds the list of pipelines from them.
#include <rt/string.h>

#include "parse.h"

enum token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_SEMI,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_BACKGROUND,
    TOKEN_PIPE,
    TOKEN_INPUT,
    TOKEN_OUTPUT,
    TOKEN_APPEND,
    TOKEN_ERRORS,
    TOKEN_WRONG
};

struct parser {
    const char *at;
    struct parse_list *list;
    const char *word;
    const char *problem;
};

static const struct {
    const char *text;
    enum token token;
} operators[] = {
    { "&&", TOKEN_AND },    { "||", TOKEN_OR },   { "2>", TOKEN_ERRORS },
    { ">>", TOKEN_APPEND }, { ";", TOKEN_SEMI },  { "&", TOKEN_BACKGROUND },
    { "|", TOKEN_PIPE },    { "<", TOKEN_INPUT }, { ">", TOKEN_OUTPUT },
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static bool ends_word(char character)
{
    return character == 0 || is_blank(character) || strchr(";&|<>", character) != NULL;
}

// The end of the quoted part that begins at `at`, or NULL if it does not end.
static const char *quoted_end(const char *at)
{
    char quote = *at++;
    for (; *at != 0; at++) {
        if (*at == '\\' && quote == '"' && at[1] != 0) {
            at++;
        } else if (*at == quote) {
            return at + 1;
        }
    }
    return NULL;
}

static const char *word_end(const char *at)
{
    while (at != NULL && !ends_word(*at)) {
        if (*at == '\'' || *at == '"') {
            at = quoted_end(at);
        } else {
            at += *at == '\\' && at[1] != 0 ? 2 : 1;
        }
    }
    return at;
}

static enum token wrong(struct parser *p, const char *problem)
{
    p->problem = problem;
    return TOKEN_WRONG;
}

static enum token take_word(struct parser *p)
{
    const char *end = word_end(p->at);
    if (end == NULL) {
        return wrong(p, "a quotation does not end");
    }
    size_t length = (size_t)(end - p->at);
    struct parse_list *list = p->list;
    if (length + 1 > sizeof(list->text) - list->text_used) {
        return wrong(p, "the line is too long");
    }
    char *word = list->text + list->text_used;
    memcpy(word, p->at, length);
    word[length] = 0;
    list->text_used += length + 1;
    p->word = word;
    p->at = end;
    return TOKEN_WORD;
}

static enum token next_token(struct parser *p)
{
    while (is_blank(*p->at)) {
        p->at++;
    }
    if (*p->at == 0 || *p->at == '#' || *p->at == '\n') {
        return TOKEN_END;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t length = strlen(operators[i].text);
        if (strncmp(p->at, operators[i].text, length) == 0) {
            p->at += length;
            return operators[i].token;
        }
    }
    return take_word(p);
}

static bool fail(struct parser *p, const char *problem)
{
    if (p->problem == NULL) {
        p->problem = problem;
    }
    return false;
}

static bool add_redirection(struct parser *p, struct parse_stage *stage, enum token token)
{
    if (next_token(p) != TOKEN_WORD) {
        return fail(p, "a redirection needs the name of a file");
    }
    if (token == TOKEN_INPUT) {
        stage->input = p->word;
    } else if (token == TOKEN_ERRORS) {
        stage->errors = p->word;
    } else {
        stage->output = p->word;
        stage->appends = token == TOKEN_APPEND;
    }
    return true;
}

// One command; *out_end is the operator behind it.
static bool parse_stage(struct parser *p, struct parse_stage *stage, enum token *out_end)
{
    for (;;) {
        enum token token = next_token(p);
        switch (token) {
        case TOKEN_WORD:
            if (stage->word_count == WORDS_MAX) {
                return fail(p, "a command has more than 64 words");
            }
            stage->words[stage->word_count++] = p->word;
            break;
        case TOKEN_INPUT:
        case TOKEN_OUTPUT:
        case TOKEN_APPEND:
        case TOKEN_ERRORS:
            if (!add_redirection(p, stage, token)) {
                return false;
            }
            break;
        case TOKEN_WRONG:
            return false;
        case TOKEN_END:
        case TOKEN_SEMI:
        case TOKEN_AND:
        case TOKEN_OR:
        case TOKEN_BACKGROUND:
        case TOKEN_PIPE:
            *out_end = token;
            return true;
        }
    }
}

static bool parse_pipeline(struct parser *p, struct parse_pipeline *pipeline, enum token *out_end)
{
    do {
        if (pipeline->stage_count == STAGES_MAX) {
            return fail(p, "a pipeline has more than 8 commands");
        }
        struct parse_stage *stage = &pipeline->stages[pipeline->stage_count];
        if (!parse_stage(p, stage, out_end)) {
            return false;
        }
        if (stage->word_count == 0) {
            bool is_empty = pipeline->stage_count == 0 && *out_end == TOKEN_END &&
                            stage->input == NULL && stage->output == NULL;
            return is_empty || fail(p, "a command is missing");
        }
        pipeline->stage_count++;
    } while (*out_end == TOKEN_PIPE);
    pipeline->is_background = *out_end == TOKEN_BACKGROUND;
    return true;
}

const char *parse_line(const char *line, struct parse_list *out_list)
{
    struct parser p = { .at = line, .list = out_list };
    enum token end = TOKEN_SEMI;
    memset(out_list, 0, sizeof(*out_list));
    while (end != TOKEN_END) {
        if (out_list->count == PIPELINES_MAX) {
            return "the line has more than 16 pipelines";
        }
        struct parse_pipeline *pipeline = &out_list->pipelines[out_list->count];
        pipeline->join = end == TOKEN_AND ? JOIN_AND : end == TOKEN_OR ? JOIN_OR : JOIN_ALWAYS;
        enum token join = end;
        if (!parse_pipeline(&p, pipeline, &end)) {
            return p.problem;
        }
        if (pipeline->stage_count != 0) {
            out_list->count++;
        } else if (join == TOKEN_AND || join == TOKEN_OR) {
            return "a command is missing";
        }
    }
    return NULL;
}
