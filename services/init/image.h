// SPDX-License-Identifier: MIT OR Apache-2.0
// The boot image: checked once as a whole, then files are found by name.
#pragma once

#include <abi/image.h>
#include <stdbool.h>

struct image {
    const uint8_t *bytes;
    const struct tes_image_file *files;
    uint32_t file_count;
};

struct image_error {
    uint64_t offset;
    const char *field;
    const char *reason;
};

bool image_open(const void *bytes, uint64_t size, uint32_t architecture, struct image *out_image,
                struct image_error *out_error);
const struct tes_image_file *image_find(const struct image *image, const char *name);
// Contents against checksum: done when a file is first used, not for the whole image at boot.
bool image_file_is_intact(const struct image *image, const struct tes_image_file *file);
