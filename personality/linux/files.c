// SPDX-License-Identifier: MIT OR Apache-2.0
// The descriptor table: grows by doubling up to RLIMIT_NOFILE; first_free makes "lowest free"
// cheap.

#include "files.h"

#include <personality/errors.h>
#include <rt/string.h>

#include "pipe.h"

#define FILES_AT_START 64U

struct linux_files *linux_files_create(struct linux_task *task)
{
    struct linux_heap *heap = linux_task_heap(task);
    struct linux_files *files = linux_heap_alloc(heap, sizeof(*files));
    if (files == NULL) {
        return NULL;
    }
    files->table = linux_heap_alloc(heap, FILES_AT_START * sizeof(struct linux_descriptor));
    if (files->table == NULL) {
        linux_heap_free(heap, files, sizeof(*files));
        return NULL;
    }
    files->users = 1;
    files->capacity = FILES_AT_START;
    return files;
}

void linux_files_put(struct linux_task *task, struct linux_files *files)
{
    if (--files->users != 0) {
        return;
    }
    for (uint32_t index = 0; index < files->capacity; index++) {
        if (files->table[index].file != NULL) {
            linux_file_put(task, files->table[index].file);
        }
    }
    struct linux_heap *heap = linux_task_heap(task);
    linux_heap_free(heap, files->table, files->capacity * sizeof(struct linux_descriptor));
    linux_heap_free(heap, files, sizeof(*files));
}

struct linux_file *linux_files_find(const struct linux_task *task, int32_t descriptor)
{
    const struct linux_files *files = task->files;
    if ((uint32_t)descriptor >= files->capacity) {
        return NULL;
    }
    return files->table[descriptor].file;
}

struct linux_file *linux_files_find_io(const struct linux_task *task, int32_t descriptor)
{
    struct linux_file *file = linux_files_find(task, descriptor);
    return file != NULL && (file->flags & LINUX_O_PATH) != 0 ? NULL : file;
}

static int files_reserve(struct linux_task *task, uint32_t descriptor)
{
    struct linux_files *files = task->files;
    if (descriptor >= task->limits[LINUX_RLIMIT_NOFILE].current || descriptor >= LINUX_FILES_MAX) {
        return -LINUX_EMFILE;
    }
    if (descriptor < files->capacity) {
        return 0;
    }
    uint32_t capacity = files->capacity;
    while (capacity <= descriptor) {
        capacity *= 2;
    }
    struct linux_heap *heap = linux_task_heap(task);
    struct linux_descriptor *table =
        linux_heap_alloc(heap, capacity * sizeof(struct linux_descriptor));
    if (table == NULL) {
        return -LINUX_ENOMEM;
    }
    memcpy(table, files->table, files->capacity * sizeof(struct linux_descriptor));
    linux_heap_free(heap, files->table, files->capacity * sizeof(struct linux_descriptor));
    files->table = table;
    files->capacity = capacity;
    return 0;
}

int linux_files_install(struct linux_task *task, struct linux_file *file, uint32_t minimum,
                        bool close_on_exec)
{
    struct linux_files *files = task->files;
    uint32_t place = minimum > files->first_free ? minimum : files->first_free;
    while (place < files->capacity && files->table[place].file != NULL) {
        place++;
    }
    int error = files_reserve(task, place);
    if (error != 0) {
        return error;
    }
    files->table[place] = (struct linux_descriptor){ .file = file, .close_on_exec = close_on_exec };
    if (minimum <= files->first_free) {
        files->first_free = place + 1;
    }
    return (int)place;
}

int linux_files_install_at(struct linux_task *task, struct linux_file *file, uint32_t descriptor,
                           bool close_on_exec)
{
    if (files_reserve(task, descriptor) != 0) {
        return -LINUX_EBADF;
    }
    struct linux_descriptor *place = &task->files->table[descriptor];
    struct linux_file *old = place->file;
    *place = (struct linux_descriptor){ .file = file, .close_on_exec = close_on_exec };
    if (old != NULL) {
        linux_file_put(task, old);
    }
    return (int)descriptor;
}

int linux_files_close(struct linux_task *task, int32_t descriptor)
{
    struct linux_files *files = task->files;
    if (linux_files_find(task, descriptor) == NULL) {
        return -LINUX_EBADF;
    }
    struct linux_file *file = files->table[descriptor].file;
    files->table[descriptor] = (struct linux_descriptor){ .file = NULL };
    if ((uint32_t)descriptor < files->first_free) {
        files->first_free = (uint32_t)descriptor;
    }
    linux_file_put(task, file);
    return 0;
}

void linux_files_close_on_exec(struct linux_task *task)
{
    for (uint32_t index = 0; index < task->files->capacity; index++) {
        const struct linux_descriptor *place = &task->files->table[index];
        if (place->file != NULL && place->close_on_exec) {
            (void)linux_files_close(task, (int32_t)index); // it is open: cannot fail
        }
    }
}

struct linux_file *linux_file_create(struct linux_task *task, struct linux_entry *owned_entry,
                                     uint32_t flags)
{
    struct linux_file *file = linux_heap_alloc(linux_task_heap(task), sizeof(*file));
    if (file == NULL) {
        linux_entry_put(linux_task_tree(task), owned_entry);
        return NULL;
    }
    file->references = 1;
    file->entry = owned_entry;
    file->flags = flags;
    linux_pipe_opened(file);
    return file;
}

struct linux_file *linux_file_get(struct linux_file *file)
{
    file->references++;
    return file;
}

void linux_file_put(struct linux_task *task, struct linux_file *file)
{
    if (--file->references != 0) {
        return;
    }
    struct linux_heap *heap = linux_task_heap(task);
    linux_pipe_closed(task, file);
    linux_heap_free(heap, file->generated, file->generated_size);
    linux_entry_put(linux_task_tree(task), file->entry);
    linux_heap_free(heap, file, sizeof(*file));
}

bool linux_file_may_read(const struct linux_file *file)
{
    return (file->flags & LINUX_O_ACCMODE) != LINUX_O_WRONLY;
}

bool linux_file_may_write(const struct linux_file *file)
{
    return (file->flags & LINUX_O_ACCMODE) != LINUX_O_RDONLY;
}
