// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading an ELF64 header and program headers without trusting any field. Knows nothing of tasks or
// memory, so that it can be fuzzed alone; exec.c maps what is found here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINUX_ELF_SEGMENTS_MAX 16U
#define LINUX_ELF_HEADERS_MAX  64U
// What must be in the buffer given to the parser: the header and the program headers.
#define LINUX_ELF_HEAD_SIZE 4096U

struct linux_elf_segment {
    uint64_t address;
    uint64_t file_offset;
    uint64_t file_size;
    uint64_t memory_size;
    uint32_t protection; // PROT_*
};

struct linux_elf {
    struct linux_elf_segment segments[LINUX_ELF_SEGMENTS_MAX];
    uint32_t segment_count;
    uint32_t header_count;    // program headers, AT_PHNUM
    uint64_t headers_address; // where they will stand in memory (AT_PHDR), 0: in no segment
    uint64_t entry;
    uint64_t low; // page-aligned bounds of all segments
    uint64_t high;
    bool is_position_independent;
    bool has_executable_stack;
    // For a refusal: the field's name and its offset in the file.
    const char *bad_field;
    uint64_t bad_offset;
};

// head: the first head_size bytes of a file of file_size bytes. 0, or -ENOEXEC with bad_field.
int linux_elf_parse(struct linux_elf *elf, const uint8_t *head, size_t head_size,
                    uint64_t file_size, uint64_t address_top);
