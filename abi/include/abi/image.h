// SPDX-License-Identifier: MIT OR Apache-2.0
// The boot image: one file handed over by the loader (PVH module, later the EFI loader). The kernel
// reads only the header and starts `first` (a flat image) with a read-only Memory over the whole
// file; init reads the rest. Little-endian. All offsets are from the start of the file and
// multiples of 4096.
#pragma once

#include <assert.h>
#include <stdint.h>

#define TES_IMAGE_MAGIC     0x3130474d49534554ull // "TESIMG01"
#define TES_IMAGE_VERSION   1u
#define TES_IMAGE_NAME_SIZE 40u
#define TES_IMAGE_FILES_MAX 4096u

struct tes_image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_checksum; // CRC-32 (IEEE) of header and file table with this field 0
    uint64_t size;            // of the whole file, bytes
    uint32_t architecture;    // as tes_info_machine
    uint32_t file_count;
    uint64_t first_offset;    // flat image of the first component: text+rodata, then data
    uint64_t first_text_size; // bytes mapped read+execute, whole pages
    uint64_t first_data_size; // bytes of initialised data after it, whole pages, mapped read+write
                              // (copied)
    uint64_t first_zero_size; // bytes of zeros mapped behind the data, whole pages
    uint64_t first_entry;     // offset into text of the entry point
    uint64_t first_base;      // address the text is mapped at (position-dependent flat image)
    uint8_t reserved[48];
};
static_assert(sizeof(struct tes_image_header) == 128, "boot image header layout");

// File table: follows the header directly. Names are unique, 0-terminated.
struct tes_image_file {
    char name[TES_IMAGE_NAME_SIZE];
    uint64_t offset;
    uint64_t size;     // bytes; padded with zeros to whole pages
    uint32_t checksum; // CRC-32 (IEEE) of the contents
    uint32_t kind;     // enum tes_image_file_kind
};
static_assert(sizeof(struct tes_image_file) == 64, "boot image file entry layout");

enum tes_image_file_kind {
    TES_IMAGE_FILE_DATA = 0,
    TES_IMAGE_FILE_COMPONENT = 1,
    TES_IMAGE_FILE_COMPOSITION = 2
};
