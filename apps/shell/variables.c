// SPDX-License-Identifier: MIT OR Apache-2.0
// The shell's variables, kept as NAME=value so that they are an environment.
#include <rt/format.h>
#include <rt/string.h>
#include <tes/heap.h>

#include "shell.h"

static struct variable *find(struct shell *shell, const char *name)
{
    size_t length = strlen(name);
    for (unsigned i = 0; i < VARIABLES_MAX; i++) {
        const char *text = shell->variables[i].text;
        if (text != NULL && strncmp(text, name, length) == 0 && text[length] == '=') {
            return &shell->variables[i];
        }
    }
    return NULL;
}

const char *variable_get(void *context, const char *name)
{
    static char status[12]; // only the main thread expands words
    struct shell *shell = context;
    if (strcmp(name, "?") == 0) {
        rt_format(status, sizeof(status), "%d", shell->status);
        return status;
    }
    const struct variable *variable = find(shell, name);
    return variable != NULL ? variable->text + strlen(name) + 1 : NULL;
}

static struct variable *free_variable(struct shell *shell)
{
    for (unsigned i = 0; i < VARIABLES_MAX; i++) {
        if (shell->variables[i].text == NULL) {
            return &shell->variables[i];
        }
    }
    return NULL;
}

bool variable_set(struct shell *shell, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    struct variable *variable = find(shell, name);
    variable = variable != NULL ? variable : free_variable(shell);
    char *text = variable != NULL ? tes_alloc(size) : NULL;
    if (text == NULL) {
        return false;
    }
    rt_format(text, size, "%s=%s", name, value);
    tes_free(variable->text);
    variable->text = text;
    return true;
}

void variable_unset(struct shell *shell, const char *name)
{
    struct variable *variable = find(shell, name);
    if (variable != NULL) {
        tes_free(variable->text);
        variable->text = NULL;
    }
}

void variables_list(struct shell *shell, const char **out_list)
{
    unsigned count = 0;
    for (unsigned i = 0; i < VARIABLES_MAX; i++) {
        if (shell->variables[i].text != NULL) {
            out_list[count++] = shell->variables[i].text;
        }
    }
    out_list[count] = NULL;
}
