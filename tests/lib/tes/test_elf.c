// SPDX-License-Identifier: MIT OR Apache-2.0
// A small static PIE made by hand; cut off at every byte and damaged at every byte of its headers,
// dynamic section and relocations. What passes the checks must still be safe to map and relocate.
#include <rt/checked.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tes/elf.h>

#include "test_elf.h"

#define FILE_SIZE 0x2100u
#define RELA_AT   0x200u
#define DYN_AT    0x2000u

static unsigned failures;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                               \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

unsigned test_elf_failures(void)
{
    unsigned count = failures;
    failures = 0;
    return count;
}

static void put(uint8_t *file, size_t at, uint64_t value, size_t size)
{
    memcpy(file + at, &value, size);
}

static void put_program(uint8_t *file, unsigned index, const uint64_t *fields)
{
    size_t at = 64 + index * 56;
    put(file, at, fields[0], 4);
    put(file, at + 4, fields[1], 4);
    put(file, at + 8, fields[2], 8);
    put(file, at + 16, fields[3], 8);
    put(file, at + 32, fields[4], 8);
    put(file, at + 40, fields[5], 8);
}

// type, flags, offset, address, size in file, size in memory
static const uint64_t programs[][6] = { { 1, 4, 0, 0, 0x400, 0x400 },
                                        { 1, 5, 0x1000, 0x1000, 0x100, 0x100 },
                                        { 1, 6, 0x2000, 0x2000, 0x100, 0x3000 },
                                        { 2, 4, DYN_AT, 0x2000, 0x40, 0x40 } };

static void make(uint8_t *file)
{
    static const uint8_t identity[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    memset(file, 0, FILE_SIZE);
    memcpy(file, identity, sizeof(identity));
    put(file, 16, 3, 2);
    put(file, 18, 62, 2);
    put(file, 24, 0x1000, 8);
    put(file, 32, 64, 8);
    put(file, 54, 56, 2);
    put(file, 56, 4, 2);
    for (unsigned i = 0; i < 4; i++) {
        put_program(file, i, programs[i]);
    }
    const uint64_t dynamic[] = { 7, RELA_AT, 8, 48, 9, 24, 0, 0 };
    memcpy(file + DYN_AT, dynamic, sizeof(dynamic));
    const uint64_t relocations[] = { 0x2080, 8, 0x1000, 0x2088, 8, 0x20 };
    memcpy(file + RELA_AT, relocations, sizeof(relocations));
}

// Parses an exact copy and, if it passes, does what the loader does.
static bool load(const uint8_t *file, size_t size, struct tes_elf *elf)
{
    struct tes_elf_error error;
    uint8_t *copy = malloc(size != 0 ? size : 1);
    memcpy(copy, file, size);
    bool is_good = tes_elf_parse(copy, size, elf, &error);
    EXPECT(is_good || (error.field != NULL && error.reason != NULL));
    for (uint32_t i = 0; is_good && i < elf->segment_count; i++) {
        const struct tes_elf_segment *segment = &elf->segments[i];
        EXPECT(range_is_inside(segment->offset, segment->file_size, size));
        EXPECT(range_is_inside(segment->address, segment->memory_size, elf->span));
        if ((segment->access & TES_ELF_WRITE) != 0) {
            uint8_t *data = calloc(1, segment->memory_size);
            memcpy(data, copy + segment->offset, segment->file_size);
            is_good = tes_elf_relocate(copy, elf, segment, data, 0x10000, &error);
            free(data);
        }
    }
    free(copy);
    return is_good;
}

void test_elf_good(void)
{
    uint8_t file[FILE_SIZE];
    struct tes_elf elf;
    make(file);
    EXPECT(load(file, sizeof(file), &elf));
    EXPECT(elf.segment_count == 3 && elf.entry == 0x1000 && elf.span == 0x5000);
    EXPECT(elf.relocation_count == 2);
}

void test_elf_truncated(void)
{
    uint8_t file[FILE_SIZE];
    struct tes_elf elf;
    make(file);
    for (size_t size = 0; size < sizeof(file); size++) {
        EXPECT(!load(file, size, &elf));
    }
}

static void damage(size_t from, size_t to)
{
    static const uint8_t bytes[] = { 0, 1, 0x7f, 0x80, 0xff };
    uint8_t file[FILE_SIZE];
    struct tes_elf elf;
    for (size_t at = from; at < to; at++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            make(file);
            file[at] = bytes[i];
            (void)load(file, sizeof(file), &elf);
        }
    }
}

void test_elf_damaged(void)
{
    damage(0, 64 + 4 * 56);
    damage(RELA_AT, RELA_AT + 48);
    damage(DYN_AT, DYN_AT + 64);
}
