// SPDX-License-Identifier: MIT OR Apache-2.0
// Files that are handed in: parts of the boot image, mapped; and streams, read into pages.
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/memory.h>
#include <tes/startup.h>
#include <tes/stream.h>

#include "blobs.h"
#include "platform.h"

#define BLOBS_MAX      32u
#define FILE_SIZE_STEP 65536u
#define FILE_SIZE_MAX  (UINT64_C(64) << 20)

static struct {
    struct platform_blob blobs[BLOBS_MAX];
    struct blob_source sources[BLOBS_MAX];
    uint32_t count;
} table;

static const struct platform_blob *blob_add(const void *data, uint64_t size,
                                            const struct blob_source *source)
{
    if (table.count == BLOBS_MAX) {
        return NULL;
    }
    uint32_t index = table.count++;
    table.sources[index] = *source;
    table.blobs[index] =
        (struct platform_blob){ .data = data, .size = size, .id = (uint64_t)&table.sources[index] };
    return &table.blobs[index];
}

const struct platform_blob *blob_of_image(const char *name)
{
    const struct tes_startup_handle *entry = tes_startup_find(name);
    void *data = NULL;
    if (entry == NULL || entry->size == 0) {
        return NULL;
    }
    const struct blob_source source = { .memory = { .value = entry->handle },
                                        .offset = entry->offset };
    tes_status_t status =
        tes_memory_map(source.memory, source.offset, align_up(entry->size, TES_PAGE_SIZE),
                       TES_SPACE_MAP_READ, &data);
    return status == TES_OK ? blob_add(data, entry->size, &source) : NULL;
}

// Reads to the end; the pages grow by copying, doubled each time.
static tes_status_t read_all(tes_endpoint_t stream, struct tes_pages *pages, uint64_t *out_size)
{
    uint64_t used = 0;
    uint64_t count = 1;
    tes_status_t status = tes_pages_create(FILE_SIZE_STEP, pages);
    while (status == TES_OK && count != 0) {
        if (used == pages->size) {
            struct tes_pages larger;
            status = pages->size >= FILE_SIZE_MAX ? TES_ERROR_NO_MEMORY
                                                  : tes_pages_create(2 * pages->size, &larger);
            if (status != TES_OK) {
                break;
            }
            memcpy(larger.address, pages->address, used);
            tes_pages_destroy(pages);
            *pages = larger;
        }
        status = tes_stream_read(stream, (uint8_t *)pages->address + used, pages->size - used, 0,
                                 &count);
        used += status == TES_OK ? count : 0;
    }
    *out_size = used;
    return status;
}

const struct platform_blob *blob_of_stream(const char *name)
{
    tes_endpoint_t stream = tes_endpoint_from(tes_startup_handle(name));
    struct tes_pages pages = { .address = NULL };
    uint64_t size = 0;
    if (stream.value == 0 || read_all(stream, &pages, &size) != TES_OK) {
        tes_pages_destroy(&pages);
        return NULL;
    }
    const struct blob_source source = { .memory = pages.memory };
    const struct platform_blob *blob = blob_add(pages.address, size, &source);
    if (blob == NULL) {
        tes_pages_destroy(&pages);
    }
    return blob;
}
