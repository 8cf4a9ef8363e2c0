// SPDX-License-Identifier: MIT OR Apache-2.0
// Checks of the boot image's header and file table.
#include <rt/checked.h>
#include <rt/crc32.h>
#include <rt/string.h>

#include "image.h"

#define IMAGE_PAGE_MASK 4095ull

static bool fail(struct image_error *error, uint64_t offset, const char *field, const char *reason)
{
    *error = (struct image_error){ .offset = offset, .field = field, .reason = reason };
    return false;
}

#define HEADER_FIELD(name) offsetof(struct tes_image_header, name), #name

static bool check_header(const struct tes_image_header *h, uint64_t size, uint32_t architecture,
                         struct image_error *error)
{
    if (h->magic != TES_IMAGE_MAGIC) {
        return fail(error, HEADER_FIELD(magic), "is not that of a boot image");
    }
    if (h->version != TES_IMAGE_VERSION) {
        return fail(error, HEADER_FIELD(version), "is unknown");
    }
    if (h->architecture != architecture) {
        return fail(error, HEADER_FIELD(architecture), "is another one");
    }
    if (h->size > size) {
        return fail(error, HEADER_FIELD(size), "is more than was loaded: the image is cut off");
    }
    if (h->file_count > TES_IMAGE_FILES_MAX ||
        !range_is_inside(sizeof(*h), (uint64_t)h->file_count * sizeof(struct tes_image_file),
                         h->size)) {
        return fail(error, HEADER_FIELD(file_count), "is too large");
    }
    return true;
}

static bool check_checksum(const uint8_t *bytes, const struct tes_image_header *h,
                           struct image_error *error)
{
    struct tes_image_header copy = *h;
    copy.header_checksum = 0;
    uint32_t sum = rt_crc32(0, &copy, sizeof(copy));
    sum = rt_crc32(sum, bytes + sizeof(copy), h->file_count * sizeof(struct tes_image_file));
    return sum == h->header_checksum ||
           fail(error, HEADER_FIELD(header_checksum), "does not match header and file table");
}

static bool check_file(const struct tes_image_file *file, const struct tes_image_header *h,
                       uint64_t at, struct image_error *error)
{
    if (memchr(file->name, 0, sizeof(file->name)) == NULL || file->name[0] == 0) {
        return fail(error, at, "name", "is empty or does not end");
    }
    if ((file->offset & IMAGE_PAGE_MASK) != 0 ||
        !range_is_inside(file->offset, file->size, h->size)) {
        return fail(error, at + offsetof(struct tes_image_file, offset), "offset",
                    "or size lies outside the image");
    }
    return true;
}

bool image_open(const void *bytes, uint64_t size, uint32_t architecture, struct image *out_image,
                struct image_error *out_error)
{
    struct tes_image_header header;
    if (size < sizeof(header)) {
        return fail(out_error, size, "header", "is cut off");
    }
    memcpy(&header, bytes, sizeof(header));
    if (!check_header(&header, size, architecture, out_error) ||
        !check_checksum(bytes, &header, out_error)) {
        return false;
    }
    *out_image = (struct image){
        .bytes = bytes,
        .files = (const void *)((const uint8_t *)bytes + sizeof(header)),
        .file_count = header.file_count,
    };
    for (uint32_t i = 0; i < header.file_count; i++) {
        uint64_t at = sizeof(header) + (uint64_t)i * sizeof(struct tes_image_file);
        if (!check_file(&out_image->files[i], &header, at, out_error)) {
            return false;
        }
    }
    return true;
}

const struct tes_image_file *image_find(const struct image *image, const char *name)
{
    for (uint32_t i = 0; i < image->file_count; i++) {
        if (strcmp(image->files[i].name, name) == 0) {
            return &image->files[i];
        }
    }
    return NULL;
}

bool image_file_is_intact(const struct image *image, const struct tes_image_file *file)
{
    return rt_crc32(0, image->bytes + file->offset, file->size) == file->checksum;
}
