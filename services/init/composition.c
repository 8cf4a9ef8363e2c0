// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads the composition: a line is a key and its words; a table says how each key is read. The text
// was checked when the image was built, but the image may have been damaged since: everything is
// checked.
#include <abi/objects.h>
#include <rt/string.h>
#include <tes/text.h>

#include "composition.h"

#define WORDS_MAX (ARGUMENTS_MAX + 1)

struct words {
    char text[WORDS_MAX][ARGUMENT_SIZE];
    uint32_t count;
};

typedef bool key_read_t(struct spec *spec, const struct words *words);

static bool copy_name(char *out, const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length >= NAME_SIZE) {
        return false;
    }
    memcpy(out, text, length + 1);
    return true;
}

static bool read_binary(struct spec *spec, const struct words *words)
{
    return copy_name(spec->binary, words->text[1]);
}

static bool read_quota(struct spec *spec, const struct words *words)
{
    return tes_text_to_u64(words->text[1], &spec->pages) &&
           tes_text_to_u64(words->text[2], &spec->objects) &&
           tes_text_to_u64(words->text[3], &spec->handles);
}

static bool read_priority(struct spec *spec, const struct words *words)
{
    return tes_text_to_u64(words->text[1], &spec->priority);
}

static bool read_cores(struct spec *spec, const struct words *words)
{
    return tes_text_to_u64(words->text[1], &spec->core_mask);
}

#define STACK_SIZE_MAX (16ull << 20)

static bool read_stack(struct spec *spec, const struct words *words)
{
    return tes_text_to_u64(words->text[1], &spec->stack_size) && spec->stack_size != 0 &&
           spec->stack_size <= STACK_SIZE_MAX;
}

#define BACKOFF_MS_MAX 60000u

static bool read_restart(struct spec *spec, const struct words *words)
{
    static const char *const policies[] = {
        [RESTART_NEVER] = "never", [RESTART_ON_FAILURE] = "on-failure", [RESTART_ALWAYS] = "always"
    };
    for (uint32_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(words->text[1], policies[i]) == 0) {
            spec->restart = (enum restart_policy)i;
            return tes_text_to_u64(words->text[2], &spec->backoff_ms) &&
                   spec->backoff_ms <= BACKOFF_MS_MAX;
        }
    }
    return false;
}

static bool read_arguments(struct spec *spec, const struct words *words)
{
    spec->argument_count = words->count - 1;
    for (uint32_t i = 0; i < spec->argument_count; i++) {
        memcpy(spec->arguments[i], words->text[i + 1], ARGUMENT_SIZE);
    }
    return true;
}

static struct grant *grant_add(struct spec *spec, enum grant_kind kind, const char *name)
{
    if (spec->grant_count == GRANTS_MAX) {
        return NULL;
    }
    struct grant *grant = &spec->grants[spec->grant_count];
    grant->kind = kind;
    if (!copy_name(grant->name, name)) {
        return NULL;
    }
    spec->grant_count++;
    return grant;
}

static bool read_export(struct spec *spec, const struct words *words)
{
    return grant_add(spec, GRANT_EXPORT, words->text[1]) != NULL;
}

static bool read_import(struct spec *spec, const struct words *words)
{
    struct grant *grant = grant_add(spec, GRANT_IMPORT, words->text[1]);
    return grant != NULL && copy_name(grant->target, words->text[2]);
}

static bool read_ports(struct spec *spec, const struct words *words)
{
    struct grant *grant = grant_add(spec, GRANT_PORTS, words->text[1]);
    return grant != NULL && tes_text_to_u64(words->text[2], &grant->first) &&
           tes_text_to_u64(words->text[3], &grant->count) && grant->count != 0;
}

static bool read_irq(struct spec *spec, const struct words *words)
{
    struct grant *grant = grant_add(spec, GRANT_IRQ, words->text[1]);
    return grant != NULL && tes_text_to_u64(words->text[2], &grant->first);
}

static bool read_machine(struct spec *spec, const struct words *words)
{
    static const struct {
        const char *word;
        uint64_t rights;
    } rights[] = {
        { "write", TES_RIGHT_RESOURCE_USE },
        { "inspect", TES_RIGHT_INSPECT },
        { "power", TES_RIGHT_RESOURCE_USE | TES_RIGHT_CONTROL },
    };
    struct grant *grant = grant_add(spec, GRANT_MACHINE, words->text[1]);
    bool is_known = grant != NULL;
    for (uint32_t i = 2; is_known && i < words->count; i++) {
        is_known = false;
        for (uint32_t j = 0; j < sizeof(rights) / sizeof(rights[0]); j++) {
            if (strcmp(words->text[i], rights[j].word) == 0) {
                grant->first |= rights[j].rights;
                is_known = true;
            }
        }
    }
    return is_known;
}

static bool read_file(struct spec *spec, const struct words *words)
{
    return grant_add(spec, GRANT_FILE, words->text[1]) != NULL;
}

static bool read_wx(struct spec *spec, const struct words *words)
{
    return grant_add(spec, GRANT_WX, words->text[1]) != NULL;
}

static const struct key {
    const char *name;
    key_read_t *read;
    uint32_t words_min, words_max; // the key included
} keys[] = {
    { "binary", read_binary, 2, 2 },
    { "quota", read_quota, 4, 4 },
    { "priority", read_priority, 2, 2 },
    { "cores", read_cores, 2, 2 },
    { "stack", read_stack, 2, 2 },
    { "restart", read_restart, 3, 3 },
    { "arguments", read_arguments, 2, WORDS_MAX },
    { "export", read_export, 2, 2 },
    { "import", read_import, 3, 3 },
    { "ports", read_ports, 4, 4 },
    { "irq", read_irq, 3, 3 },
    { "machine", read_machine, 3, 5 },
    { "file", read_file, 2, 2 },
    { "wx", read_wx, 2, 2 },
};

static bool fail(struct composition_error *error, const char *field, const char *reason)
{
    error->field = field;
    error->reason = reason;
    return false;
}

static bool split(const char *line, const char *end, struct words *out_words)
{
    const char *word = NULL;
    size_t size = 0;
    out_words->count = 0;
    while (tes_text_word(&line, end, &word, &size)) {
        if (out_words->count == WORDS_MAX || size >= ARGUMENT_SIZE ||
            memchr(word, 0, size) != NULL) {
            return false;
        }
        char *out = out_words->text[out_words->count++];
        memset(out, 0, ARGUMENT_SIZE);
        memcpy(out, word, size);
    }
    return true;
}

static bool begin_part(struct composition *composition, const struct words *words,
                       struct composition_error *error)
{
    if (composition->count == SPECS_MAX) {
        return fail(error, words->text[0], "is one part too many");
    }
    struct spec *spec = &composition->specs[composition->count];
    if (words->count != 2 || !copy_name(spec->name, words->text[1])) {
        return fail(error, "part", "needs one name");
    }
    spec->is_component = strcmp(words->text[0], "component") == 0;
    composition->count++;
    return true;
}

static bool read_line(struct composition *composition, const struct words *words,
                      struct composition_error *error)
{
    if (strcmp(words->text[0], "component") == 0 || strcmp(words->text[0], "program") == 0) {
        return begin_part(composition, words, error);
    }
    if (composition->count == 0) {
        return fail(error, "key", "stands before the first part");
    }
    struct spec *spec = &composition->specs[composition->count - 1];
    for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct key *key = &keys[i];
        if (strcmp(words->text[0], key->name) != 0) {
            continue;
        }
        if (words->count < key->words_min || words->count > key->words_max ||
            !key->read(spec, words)) {
            return fail(error, key->name, "has a wrong value");
        }
        return true;
    }
    return fail(error, "key", "is unknown");
}

static bool check_complete(const struct composition *composition, struct composition_error *error)
{
    if (composition->count == 0) {
        return fail(error, "composition", "names no part");
    }
    for (uint32_t i = 0; i < composition->count; i++) {
        const struct spec *spec = &composition->specs[i];
        if (spec->binary[0] == 0 || spec->pages == 0 || spec->priority == 0 ||
            spec->stack_size == 0 || spec->core_mask == 0) {
            return fail(error, "part", "lacks binary, quota, priority, cores or stack");
        }
    }
    return true;
}

bool composition_read(const char *text, size_t size, struct composition *out_composition,
                      struct composition_error *out_error)
{
    memset(out_composition, 0, sizeof(*out_composition));
    memset(out_error, 0, sizeof(*out_error));
    size_t at = 0;
    while (at < size) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - (text + at)) : size - at;
        struct words words;
        out_error->offset = at;
        if (newline == NULL) {
            return fail(out_error, "line", "does not end");
        }
        if (!split(text + at, text + at + length, &words)) {
            return fail(out_error, "line", "has too many or too long words");
        }
        if (words.count != 0 && !read_line(out_composition, &words, out_error)) {
            return false;
        }
        at += length + 1;
    }
    out_error->offset = size;
    return check_complete(out_composition, out_error);
}
