// SPDX-License-Identifier: MIT OR Apache-2.0
// A container's life: heap, tree with devices and /proc, files handed in, one task, its program.
// All that the guest owned goes with it.

#include <personality/container.h>

#include <personality/dispatch.h>
#include <personality/errors.h>
#include <personality/memory.h>
#include <personality/signals.h>
#include <personality/trace.h>
#include <rt/string.h>

#include "exec.h"
#include "files.h"
#include "path.h"
#include "special.h"

#define FIRST_PID      2U
#define PARENT_PID     1U
#define DEFAULT_UMASK  022U
#define DIRECTORY_MODE 0755U
#define LINK_MODE      0777U
#define STACK_LIMIT    (UINT64_C(8) << 20)
#define NOFILE_MAXIMUM 4096U
#define SIGNAL_LIMIT   4096U
#define MEMLOCK_LIMIT  (UINT64_C(64) << 10)
#define MSGQUEUE_LIMIT 819200U
#define EXIT_SHIFT     8
#define EXIT_MASK      0xff
#define SIGNAL_MASK    0x7f
#define SIGNAL_BASE    128

static void task_set_limits(struct linux_task *task)
{
    for (uint32_t index = 0; index < LINUX_RLIMIT_COUNT; index++) {
        task->limits[index] = (struct linux_rlimit){ LINUX_RLIM_INFINITY, LINUX_RLIM_INFINITY };
    }
    task->limits[LINUX_RLIMIT_STACK].current = STACK_LIMIT;
    task->limits[LINUX_RLIMIT_CORE].current = 0;
    task->limits[LINUX_RLIMIT_NOFILE] = (struct linux_rlimit){ LINUX_FILES_MAX, NOFILE_MAXIMUM };
    task->limits[LINUX_RLIMIT_NPROC] = (struct linux_rlimit){ SIGNAL_LIMIT, SIGNAL_LIMIT };
    task->limits[LINUX_RLIMIT_SIGPENDING] = (struct linux_rlimit){ SIGNAL_LIMIT, SIGNAL_LIMIT };
    task->limits[LINUX_RLIMIT_MEMLOCK] = (struct linux_rlimit){ MEMLOCK_LIMIT, MEMLOCK_LIMIT };
    task->limits[LINUX_RLIMIT_MSGQUEUE] = (struct linux_rlimit){ MSGQUEUE_LIMIT, MSGQUEUE_LIMIT };
    task->limits[LINUX_RLIMIT_NICE] = (struct linux_rlimit){ 0, 0 };
    task->limits[LINUX_RLIMIT_RTPRIO] = (struct linux_rlimit){ 0, 0 };
}

static void task_destroy(struct linux_task *task)
{
    struct linux_container *container = task->container;
    struct linux_tree *tree = &container->tree;
    if (task->files != NULL) {
        linux_files_put(task, task->files);
    }
    if (task->memory != NULL) {
        linux_memory_put(task, task->memory);
    }
    if (task->actions != NULL) {
        linux_actions_put(task, task->actions);
    }
    if (task->fs != NULL && --task->fs->users == 0) {
        linux_entry_put(tree, task->fs->root);
        linux_entry_put(tree, task->fs->directory);
        linux_heap_free(&container->heap, task->fs, sizeof(*task->fs));
    }
    linux_heap_free(&container->heap, task, sizeof(*task));
}

static struct linux_task *task_create(struct linux_container *container)
{
    struct linux_task *task = linux_heap_alloc(&container->heap, sizeof(*task));
    if (task == NULL) {
        return NULL;
    }
    task->container = container;
    task->pid = container->next_pid++;
    task->parent_pid = PARENT_PID;
    task->group = task->pid;
    task->session = task->pid;
    task->alarm_at_ns = UINT64_MAX;
    task->alternate_stack.flags = LINUX_SS_DISABLE;
    task->attention = container->options.is_traced ? LINUX_ATTENTION_TRACE : 0U;
    task_set_limits(task);
    task->files = linux_files_create(task);
    task->actions = linux_actions_create(task);
    task->fs = linux_heap_alloc(&container->heap, sizeof(*task->fs));
    if (task->fs != NULL) {
        *task->fs = (struct linux_fs){ .users = 1,
                                       .umask = DEFAULT_UMASK,
                                       .root = linux_entry_get(container->tree.root),
                                       .directory = linux_entry_get(container->tree.root) };
    }
    if (task->files == NULL || task->actions == NULL || task->fs == NULL) {
        task_destroy(task);
        return NULL;
    }
    return task;
}

static int container_fill(struct linux_container *container)
{
    struct linux_task *task = container->task;
    int error = linux_special_mount_proc(task);
    if (error == 0) {
        error = linux_special_mount_devices(task);
    }
    if (error == 0) {
        error = linux_proc_add_task(task);
    }
    return error != 0 ? error : linux_special_open_streams(task);
}

static size_t container_pages(void)
{
    return (sizeof(struct linux_container) + LINUX_PAGE_SIZE - 1) >> LINUX_PAGE_SHIFT;
}

struct linux_container *linux_container_create(const struct linux_options *options)
{
    struct linux_container *container = platform_page_alloc(container_pages());
    if (container == NULL) {
        return NULL;
    }
    container->options = *options;
    container->next_pid = FIRST_PID;
    container->start_ns = platform_clock_realtime_ns();
    linux_heap_init(&container->heap, options->page_limit);
    if (linux_tree_init(&container->tree, &container->heap) == 0) {
        container->task = task_create(container);
    }
    if (container->task == NULL || container_fill(container) != 0) {
        platform_log("linux: not enough memory for a container");
        linux_container_destroy(container);
        return NULL;
    }
    return container;
}

void linux_container_destroy(struct linux_container *container)
{
    if (container == NULL) {
        return;
    }
    if (container->task != NULL) {
        task_destroy(container->task);
    }
    linux_tree_fini(&container->tree);
    if (container->heap.bytes_live != 0) {
        platform_log("linux: the container ended with memory still given out");
    }
    linux_heap_fini(&container->heap);
    platform_page_free(container, container_pages());
}

// The entry of an absolute path; a counted reference.
static int container_find(struct linux_container *container, const char *path,
                          struct linux_entry **out_entry)
{
    struct linux_path walk;
    size_t size = strlen(path);
    if (size >= sizeof(walk.text)) {
        return -LINUX_ENAMETOOLONG;
    }
    memcpy(walk.text, path, size + 1);
    int error = linux_path_walk(container->task, LINUX_AT_FDCWD, LINUX_WALK_FOLLOW, &walk);
    if (error == 0) {
        *out_entry = walk.entry;
    }
    return error;
}

static void inode_set_time(const struct linux_container *container, struct linux_inode *inode)
{
    const struct linux_time time = { .seconds = container->options.file_time_s };
    if (time.seconds != 0) {
        inode->accessed = time;
        inode->modified = time;
    }
}

static int directory_make(struct linux_tree *tree, struct linux_entry *parent, const char *name,
                          size_t size, uint32_t mode)
{
    struct linux_inode *inode = linux_inode_create(tree, LINUX_S_IFDIR | mode);
    if (inode == NULL) {
        return -LINUX_ENOMEM;
    }
    int error = linux_entry_link(tree, parent, name, size, inode);
    linux_inode_put(tree, inode);
    return error;
}

// Makes the directories of the path; ends at the parent and the last component's name.
static int container_parent(struct linux_container *container, const char *path,
                            struct linux_entry **out_parent, const char **out_name)
{
    struct linux_tree *tree = &container->tree;
    struct linux_entry *place = tree->root;
    for (;;) {
        while (*path == '/') {
            path++;
        }
        const char *end = strchr(path, '/');
        if (end == NULL) {
            break;
        }
        size_t size = (size_t)(end - path);
        if (size > LINUX_NAME_MAX) {
            return -LINUX_ENAMETOOLONG;
        }
        if (linux_entry_find(tree, place, path, size) == NULL) {
            int error = directory_make(tree, place, path, size, DIRECTORY_MODE);
            if (error != 0) {
                return error;
            }
        }
        place = linux_entry_find(tree, place, path, size);
        if (!linux_inode_is(place->inode, LINUX_S_IFDIR)) {
            return -LINUX_ENOTDIR;
        }
        path = end;
    }
    size_t size = strlen(path);
    if (size == 0 || size > LINUX_NAME_MAX) {
        return size == 0 ? -LINUX_EEXIST : -LINUX_ENAMETOOLONG;
    }
    *out_parent = place;
    *out_name = path;
    return linux_entry_find(tree, place, path, size) != NULL ? -LINUX_EEXIST : 0;
}

int linux_container_add_directory(struct linux_container *container, const char *path,
                                  uint32_t mode)
{
    struct linux_entry *parent = NULL;
    const char *name = NULL;
    int error = container_parent(container, path, &parent, &name);
    return error != 0 ? error : directory_make(&container->tree, parent, name, strlen(name), mode);
}

static int inode_make(struct linux_container *container, const char *path, uint32_t mode,
                      struct linux_inode **out_inode)
{
    struct linux_entry *parent = NULL;
    const char *name = NULL;
    int error = container_parent(container, path, &parent, &name);
    if (error != 0) {
        return error;
    }
    struct linux_inode *inode = linux_inode_create(&container->tree, mode);
    if (inode == NULL) {
        return -LINUX_ENOMEM;
    }
    error = linux_entry_link(&container->tree, parent, name, strlen(name), inode);
    *out_inode = inode;
    linux_inode_put(&container->tree, inode); // the tree's own reference keeps it
    return error;
}

int linux_container_add_link(struct linux_container *container, const char *path,
                             const char *target)
{
    struct linux_inode *inode = NULL;
    int error = inode_make(container, path, LINUX_S_IFLNK | LINK_MODE, &inode);
    return error != 0 ? error
                      : linux_inode_set_text(&container->tree, inode, target, strlen(target));
}

int linux_container_add_blob(struct linux_container *container, const char *path, uint32_t mode,
                             const struct platform_blob *blob)
{
    struct linux_inode *inode = NULL;
    int error = inode_make(container, path, LINUX_S_IFREG | mode, &inode);
    if (error == 0) {
        inode->data.blob = blob;
        inode->data.blob_size = blob->size;
        inode->data.size = blob->size;
        inode_set_time(container, inode);
    }
    return error;
}

int linux_container_add_file(struct linux_container *container, const char *path, uint32_t mode,
                             const void *contents, size_t size)
{
    struct linux_inode *inode = NULL;
    int error = inode_make(container, path, LINUX_S_IFREG | mode, &inode);
    if (error != 0) {
        return error;
    }
    int64_t written = linux_inode_write(&container->tree, inode, contents, size, 0);
    inode_set_time(container, inode);
    return written == (int64_t)size ? 0 : -LINUX_ENOSPC;
}

int64_t linux_container_read_file(struct linux_container *container, const char *path, void *buffer,
                                  size_t size, uint64_t offset)
{
    struct linux_entry *entry = NULL;
    int64_t result = container_find(container, path, &entry);
    if (result != 0) {
        return result;
    }
    result = linux_inode_is(entry->inode, LINUX_S_IFREG)
                 ? linux_inode_read(entry->inode, buffer, size, offset)
                 : -LINUX_EINVAL;
    linux_entry_put(&container->tree, entry);
    return result;
}

static int strings_add_all(struct linux_exec_strings *strings, const char *const *list,
                           uint32_t *out_count)
{
    uint32_t count = 0;
    while (list != NULL && list[count] != NULL) {
        int error = linux_exec_strings_add(strings, list[count]);
        if (error != 0) {
            return error;
        }
        count++;
    }
    *out_count = count;
    return 0;
}

static int container_start(struct linux_container *container, const struct linux_program *program,
                           const struct linux_exec_strings *strings)
{
    struct linux_task *task = container->task;
    struct linux_entry *entry = NULL;
    int error = container_find(container, program->directory, &entry);
    if (error != 0) {
        return error;
    }
    linux_entry_put(&container->tree, task->fs->directory);
    task->fs->directory = entry;
    error = container_find(container, program->path, &entry);
    if (error != 0) {
        return error;
    }
    error = linux_exec(task, entry, program->path, strings);
    linux_entry_put(&container->tree, entry);
    task->attention &= ~LINUX_ATTENTION_REPLACED;
    if (error == 0) {
        platform_guest_restore_all(task->memory->guest);
    }
    return error;
}

int linux_container_run(struct linux_container *container, const struct linux_program *program,
                        int32_t *out_status)
{
    struct linux_exec_strings strings;
    int error = linux_exec_strings_init(container->task, &strings);
    if (error != 0) {
        return error;
    }
    error = strings_add_all(&strings, program->arguments, &strings.argument_count);
    if (error == 0) {
        error = strings_add_all(&strings, program->environment, &strings.environment_count);
    }
    if (error == 0) {
        error = container_start(container, program, &strings);
    }
    linux_exec_strings_fini(container->task, &strings);
    if (error == 0) {
        *out_status = linux_task_run(container->task);
    }
    return error;
}

int32_t linux_exit_code(int32_t status)
{
    int32_t signal = status & SIGNAL_MASK;
    return signal != 0 ? SIGNAL_BASE + signal : (status >> EXIT_SHIFT) & EXIT_MASK;
}

struct linux_call_usage linux_container_call_usage(const struct linux_container *container,
                                                   uint32_t number)
{
    const struct linux_call_description *call = linux_call_describe(number);
    if (call == NULL) {
        return (struct linux_call_usage){ .name = NULL, .number = number };
    }
    return (struct linux_call_usage){ .name = call->name,
                                      .number = number,
                                      .is_implemented = call->is_implemented,
                                      .count = container->call_counts[number] };
}
