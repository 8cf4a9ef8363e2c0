// SPDX-License-Identifier: MIT OR Apache-2.0
// The composition in memory, and its reader. The text is what tools/image writes: one key a line.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tes/program.h>

#define SPECS_MAX     32u
#define GRANTS_MAX    16u
#define ARGUMENTS_MAX 8u
#define ARGUMENT_SIZE 64u
#define NAME_SIZE     TES_PROGRAM_NAME_SIZE

enum restart_policy { RESTART_NEVER, RESTART_ON_FAILURE, RESTART_ALWAYS };

enum grant_kind {
    GRANT_EXPORT,  // name
    GRANT_IMPORT,  // name, target: the exported name
    GRANT_PORTS,   // name, first, count
    GRANT_IRQ,     // name, first
    GRANT_MACHINE, // name, first: rights
    GRANT_FILE,    // name
    GRANT_WX,
};

struct grant {
    enum grant_kind kind;
    char name[NAME_SIZE];
    char target[NAME_SIZE];
    uint64_t first, count;
};

struct spec {
    char name[NAME_SIZE];
    char binary[NAME_SIZE];
    bool is_component; // started at boot
    uint64_t pages, objects, handles;
    uint64_t priority, core_mask, stack_size;
    enum restart_policy restart;
    uint64_t backoff_ms;
    char arguments[ARGUMENTS_MAX][ARGUMENT_SIZE];
    uint32_t argument_count;
    struct grant grants[GRANTS_MAX];
    uint32_t grant_count;
};

struct composition {
    struct spec specs[SPECS_MAX];
    uint32_t count;
};

struct composition_error {
    uint64_t offset; // of the line, in the text
    const char *field;
    const char *reason;
};

bool composition_read(const char *text, size_t size, struct composition *out_composition,
                      struct composition_error *out_error);
