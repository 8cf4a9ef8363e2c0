// SPDX-License-Identifier: MIT OR Apache-2.0
// Expansion of a raw word: quotes away, \x to x, $NAME ${NAME} $? to values. A value is never split
// into words.
#include <rt/string.h>

#include "parse.h"

#define NAME_LIMIT 64u

struct expansion {
    const char *at;
    char *out;
    size_t size, used;
    parse_variable_t *variable;
    void *context;
};

static bool put(struct expansion *e, char character)
{
    if (e->used + 1 >= e->size) {
        return false;
    }
    e->out[e->used++] = character;
    return true;
}

static bool is_name(char character)
{
    char lower = (char)(character | ' ');
    return (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9') ||
           character == '_';
}

static bool put_value(struct expansion *e, const char *name)
{
    const char *value = e->variable(e->context, name);
    for (; value != NULL && *value != 0; value++) {
        if (!put(e, *value)) {
            return false;
        }
    }
    return true;
}

// at stands on the $.
static bool expand_variable(struct expansion *e)
{
    char name[NAME_LIMIT];
    size_t length = 0;
    const char *at = e->at + 1;
    bool is_braced = *at == '{';
    at += is_braced ? 1 : 0;
    if (*at == '?') {
        name[length++] = *at++;
    } else {
        while (is_name(*at) && length < NAME_LIMIT - 1) {
            name[length++] = *at++;
        }
    }
    name[length] = 0;
    if (length == 0 || (is_braced && *at != '}')) {
        return put(e, *e->at++);
    }
    e->at = at + (is_braced ? 1 : 0);
    return put_value(e, name);
}

static bool expand_double(struct expansion *e)
{
    bool fits = true;
    for (e->at++; fits && *e->at != '"' && *e->at != 0;) {
        if (*e->at == '$') {
            fits = expand_variable(e);
        } else {
            if (*e->at == '\\' && e->at[1] != 0 && strchr("\"\\$", e->at[1]) != NULL) {
                e->at++;
            }
            fits = put(e, *e->at++);
        }
    }
    e->at += *e->at == '"' ? 1 : 0;
    return fits;
}

static bool expand_single(struct expansion *e)
{
    bool fits = true;
    for (e->at++; fits && *e->at != '\'' && *e->at != 0;) {
        fits = put(e, *e->at++);
    }
    e->at += *e->at == '\'' ? 1 : 0;
    return fits;
}

static bool expand_next(struct expansion *e)
{
    switch (*e->at) {
    case '\'':
        return expand_single(e);
    case '"':
        return expand_double(e);
    case '$':
        return expand_variable(e);
    case '\\':
        e->at += e->at[1] != 0 ? 1 : 0;
        return put(e, *e->at++);
    default:
        return put(e, *e->at++);
    }
}

bool parse_expand(const char *raw, parse_variable_t *variable, void *context, char *out,
                  size_t size)
{
    struct expansion e = {
        .at = raw, .out = out, .size = size, .variable = variable, .context = context
    };
    while (*e.at != 0) {
        if (!expand_next(&e)) {
            return false;
        }
    }
    out[e.used] = 0;
    return true;
}
