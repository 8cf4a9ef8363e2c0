// SPDX-License-Identifier: MIT OR Apache-2.0
// Named files in memory.
#include <rt/bits.h>
#include <rt/checked.h>
#include <rt/string.h>
#include <tes/heap.h>

#include "streams.h"

#define CAPACITY_MIN 256u

struct file *file_find(struct streams *streams, const char *name)
{
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &streams->files[i];
        if (file->name[0] != 0 && !file->is_removed && strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

tes_status_t file_create(struct streams *streams, const char *name, struct file **out_file)
{
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &streams->files[i];
        if (file->name[0] == 0) {
            memset(file, 0, sizeof(*file));
            rt_string_copy(file->name, sizeof(file->name), name);
            *out_file = file;
            return TES_OK;
        }
    }
    return TES_STREAM_NO_SPACE;
}

static bool grow(struct file *file, uint64_t size)
{
    uint64_t capacity = max_u64(file->capacity, CAPACITY_MIN);
    while (capacity < size) {
        capacity *= 2;
    }
    if (capacity == file->capacity) {
        return true;
    }
    uint8_t *data = tes_resize(file->data, capacity);
    if (data == NULL) {
        return false;
    }
    file->data = data;
    file->capacity = capacity;
    return true;
}

tes_status_t file_write(struct file *file, uint64_t position, const uint8_t *bytes, uint64_t size)
{
    uint64_t end = 0;
    if (!checked_add(position, size, &end) || end > FILE_SIZE_MAX || !grow(file, end)) {
        return TES_STREAM_NO_SPACE;
    }
    memcpy(file->data + position, bytes, size);
    file->size = max_u64(file->size, end);
    return TES_OK;
}

void file_truncate(struct file *file)
{
    file->size = 0;
}

static void free_if_unused(struct file *file)
{
    if (file->is_removed && file->opens == 0) {
        tes_free(file->data);
        memset(file, 0, sizeof(*file));
    }
}

void file_remove(struct file *file)
{
    file->is_removed = true;
    free_if_unused(file);
}

void file_release(struct file *file)
{
    file->opens--;
    free_if_unused(file);
}
