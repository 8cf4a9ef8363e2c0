// SPDX-License-Identifier: MIT OR Apache-2.0
// Checks an ELF file that came from outside and says what to map: 64-bit little-endian static PIE,
// segments on page boundaries, RELATIVE relocations only (System V gABI chapter 4 and 5).
// Everything that is returned lies inside the file and inside the span.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TES_ELF_SEGMENTS_MAX 8u
#define TES_ELF_SPAN_MAX     (1ull << 30)

#define TES_ELF_READ    4u // p_flags
#define TES_ELF_WRITE   2u
#define TES_ELF_EXECUTE 1u

struct tes_elf_segment {
    uint64_t address; // from the load base
    uint64_t offset;  // in the file
    uint64_t file_size;
    uint64_t memory_size; // at least file_size
    uint32_t access;      // TES_ELF_*
};

struct tes_elf {
    uint64_t entry; // from the load base
    uint64_t span;  // bytes from the load base to the end, whole pages
    uint32_t segment_count;
    struct tes_elf_segment segments[TES_ELF_SEGMENTS_MAX]; // by address, not overlapping
    uint64_t relocation_offset;                            // in the file
    uint64_t relocation_count;
};

// What is wrong: the field, where it stands in the file, and why.
struct tes_elf_error {
    const char *field;
    const char *reason;
    uint64_t offset;
};

bool tes_elf_parse(const void *file, uint64_t size, struct tes_elf *out_elf,
                   struct tes_elf_error *out_error);

// Applies the relocations of the writable segment, whose bytes stand at `data`, for a load base.
bool tes_elf_relocate(const void *file, const struct tes_elf *elf,
                      const struct tes_elf_segment *segment, uint8_t *data, uint64_t base,
                      struct tes_elf_error *out_error);
