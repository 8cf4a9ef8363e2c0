// SPDX-License-Identifier: MIT OR Apache-2.0
// Tab: names of commands for the first word of a command, names of files for all others.
#include <rt/string.h>

#include "shell.h"

struct matches {
    struct shell *shell;
    const char *word;
    size_t word_size;
    char *common;
    size_t common_size;
    unsigned count;
    bool is_listing;
};

static void offer(struct matches *m, const char *candidate)
{
    if (strncmp(candidate, m->word, m->word_size) != 0) {
        return;
    }
    if (m->is_listing) {
        m->shell->editor.write(m->shell, candidate, strlen(candidate));
        m->shell->editor.write(m->shell, "  ", 2);
    }
    if (m->count++ == 0) {
        rt_string_copy(m->common, m->common_size, candidate);
        return;
    }
    size_t same = 0;
    while (m->common[same] != 0 && m->common[same] == candidate[same]) {
        same++;
    }
    m->common[same] = 0;
}

static bool is_command_word(const char *line, size_t start)
{
    while (start > 0 && line[start - 1] == ' ') {
        start--;
    }
    return start == 0 || strchr(";|&", line[start - 1]) != NULL;
}

static void offer_files(struct matches *m)
{
    char name[FILE_NAME_SIZE];
    uint64_t size = 0;
    for (uint64_t i = 0; streams_file_at(&m->shell->streams, i, name, &size) == TES_OK; i++) {
        offer(m, name);
    }
}

static void offer_commands(struct matches *m)
{
    for (unsigned i = 0; command_at(i) != NULL; i++) {
        offer(m, command_at(i)->name);
    }
}

unsigned complete_word(void *context, const struct line_word *word, char *out_common,
                       size_t common_size)
{
    struct matches m = { .shell = context,
                         .word = word->line + word->start,
                         .word_size = word->end - word->start,
                         .common_size = common_size,
                         .is_listing = word->is_listing };
    m.common = out_common;
    if (is_command_word(word->line, word->start)) {
        offer_commands(&m);
    } else {
        offer_files(&m);
    }
    if (m.is_listing) {
        m.shell->editor.write(m.shell, "\n", 1);
    }
    return m.count;
}
