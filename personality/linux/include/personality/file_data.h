// SPDX-License-Identifier: MIT OR Apache-2.0
// Contents of a regular file: a sparse tree of pages over an optional read-only blob of the
// platform. Pages that were never written are holes and read as zeros.
#pragma once

#include <personality/heap.h>
#include <personality/platform.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linux_file_data {
    void *root;          // a data page when height is 0, else a node of 512 children
    uint32_t height;     // levels of nodes above the data pages
    uint64_t page_count; // data pages owned
    const struct platform_blob *blob;
    uint64_t blob_size; // bytes of the blob still visible below the size
    uint64_t size;
};

// The bytes at a page index: an owned page, a page of the blob (out_valid may be short), or NULL
// for a hole.
const uint8_t *linux_file_data_page(const struct linux_file_data *data, uint64_t page_index,
                                    size_t *out_valid);
// The page for writing; made, with the blob's bytes in it, when missing. NULL without memory.
uint8_t *linux_file_data_page_own(struct linux_file_data *data, struct linux_heap *heap,
                                  uint64_t page_index);
void linux_file_data_resize(struct linux_file_data *data, struct linux_heap *heap, uint64_t size);
void linux_file_data_destroy(struct linux_file_data *data, struct linux_heap *heap);
// First offset at or after the given one that is data (or hole); false when there is none.
bool linux_file_data_seek(const struct linux_file_data *data, uint64_t offset, bool want_hole,
                          uint64_t *out_offset);
