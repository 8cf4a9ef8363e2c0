// SPDX-License-Identifier: MIT OR Apache-2.0
// Boot options: words of the command line, `name` or `name=value`.
#include <kernel/boot.h>
#include <rt/string.h>

static const char *find_word(const char *line, const char *name, size_t length)
{
    while (*line != '\0') {
        while (*line == ' ') {
            line++;
        }
        if (strncmp(line, name, length) == 0 &&
            (line[length] == '=' || line[length] == ' ' || line[length] == '\0')) {
            return line + length;
        }
        while (*line != ' ' && *line != '\0') {
            line++;
        }
    }
    return NULL;
}

const char *boot_option(const char *name, char *buffer, size_t size)
{
    const char *value = find_word(boot_info.command_line, name, strlen(name));
    size_t length = 0;
    if (value == NULL) {
        return NULL;
    }
    if (*value == '=') {
        value++;
        while (value[length] != ' ' && value[length] != '\0' && length + 1 < size) {
            buffer[length] = value[length];
            length++;
        }
    }
    buffer[length] = '\0';
    return buffer;
}
