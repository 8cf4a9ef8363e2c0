// SPDX-License-Identifier: MIT OR Apache-2.0
// The frame of /proc: its directories, the magic links of a process and its descriptors. The texts
// are made in proc_text.c when a file is opened.

#include <personality/errors.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "path.h"
#include "proc_text.h"
#include "special.h"
#include "text.h"

#define DIRECTORY_MODE (LINUX_S_IFDIR | 0555U)
#define FILE_MODE      (LINUX_S_IFREG | 0444U)
#define LINK_MODE      (LINUX_S_IFLNK | 0777U)
#define FD_LINK_MODE   (LINUX_S_IFLNK | 0700U)
#define FD_MODE        (LINUX_S_IFDIR | 0500U)
#define NUMBER_SIZE    24U
#define DECIMAL        10U

enum proc_link { PROC_LINK_SELF, PROC_LINK_EXE, PROC_LINK_CWD, PROC_LINK_ROOT, PROC_LINK_FD };

static struct linux_entry *link_target(struct linux_task *task, const struct linux_inode *inode)
{
    switch ((enum proc_link)(inode->private_number & 0xffU)) {
    case PROC_LINK_EXE:
        return task->memory->executable;
    case PROC_LINK_CWD:
        return task->fs->directory;
    case PROC_LINK_ROOT:
        return task->fs->root;
    case PROC_LINK_FD: {
        struct linux_file *file = linux_files_find(task, (int32_t)(inode->private_number >> 8));
        return file == NULL ? NULL : file->entry;
    }
    case PROC_LINK_SELF:
        break;
    }
    return NULL;
}

static struct linux_entry *proc_link_entry(struct linux_task *task, struct linux_inode *inode)
{
    struct linux_entry *entry = link_target(task, inode);
    return entry == NULL ? NULL : linux_entry_get(entry);
}

static int64_t proc_link_text(struct linux_task *task, struct linux_inode *inode, char *buffer,
                              size_t size)
{
    const struct linux_entry *entry = link_target(task, inode);
    if (entry == NULL) {
        return -LINUX_ENOENT;
    }
    return linux_entry_path(linux_task_tree(task), entry, task->fs->root, buffer, size);
}

static int64_t self_link_text(struct linux_task *task, struct linux_inode *inode, char *buffer,
                              size_t size)
{
    char number[NUMBER_SIZE];
    struct linux_text text = { .buffer = number, .size = sizeof(number) };
    (void)inode;
    linux_text_unsigned(&text, task->pid);
    size_t length = linux_text_end(&text);
    length = length < size ? length : size;
    memcpy(buffer, number, length);
    return (int64_t)length;
}

static const struct linux_inode_operations magic_link_operations = {
    .link_text = proc_link_text,
    .link_entry = proc_link_entry,
};
static const struct linux_inode_operations self_link_operations = { .link_text = self_link_text };

static struct linux_inode *proc_inode(struct linux_task *task, uint32_t mode,
                                      const struct linux_inode_operations *operations,
                                      uint64_t number)
{
    struct linux_inode *inode = linux_inode_create(linux_task_tree(task), mode);
    if (inode != NULL) {
        inode->file_system = LINUX_DEVICE_PROC;
        inode->operations = operations;
        inode->private_number = number;
    }
    return inode;
}

static bool parse_number(const char *name, uint32_t *out_number)
{
    uint32_t number = 0;
    if (name[0] == '\0' || (name[0] == '0' && name[1] != '\0')) {
        return false;
    }
    for (size_t index = 0; name[index] != '\0'; index++) {
        if (name[index] < '0' || name[index] > '9' || number > LINUX_FILES_MAX) {
            return false;
        }
        number = number * DECIMAL + (uint32_t)(name[index] - '0');
    }
    *out_number = number;
    return true;
}

static struct linux_entry *fd_lookup(struct linux_task *task, struct linux_entry *directory,
                                     const char *name, int *out_error)
{
    uint32_t number = 0;
    *out_error = -LINUX_ENOENT;
    if (!parse_number(name, &number) || linux_files_find(task, (int32_t)number) == NULL) {
        return NULL;
    }
    struct linux_inode *inode = proc_inode(task, FD_LINK_MODE, &magic_link_operations,
                                           PROC_LINK_FD | (uint64_t)number << 8);
    if (inode == NULL) {
        *out_error = -LINUX_ENOMEM;
        return NULL;
    }
    inode->link_count = 1;
    return linux_entry_create_detached(linux_task_tree(task), directory, name, inode);
}

static bool fd_child_name(struct linux_task *task, struct linux_inode *inode, uint64_t position,
                          char name[32])
{
    char number[NUMBER_SIZE];
    struct linux_text text = { .buffer = number, .size = sizeof(number) };
    (void)inode;
    for (uint32_t index = 0; index < task->files->capacity; index++) {
        if (task->files->table[index].file != NULL && position-- == 0) {
            linux_text_unsigned(&text, index);
            size_t length = linux_text_end(&text);
            memcpy(name, number, length + 1);
            return true;
        }
    }
    return false;
}

static const struct linux_inode_operations fd_operations = { .lookup = fd_lookup,
                                                             .child_name = fd_child_name };

static int proc_add(struct linux_task *task, struct linux_entry *parent, const char *name,
                    struct linux_inode *owned_inode)
{
    struct linux_tree *tree = linux_task_tree(task);
    if (owned_inode == NULL) {
        return -LINUX_ENOMEM;
    }
    int error = linux_entry_link(tree, parent, name, strlen(name), owned_inode);
    linux_inode_put(tree, owned_inode);
    return error;
}

static int proc_add_texts(struct linux_task *task, struct linux_entry *parent, bool is_process)
{
    const struct linux_proc_text *text = linux_proc_texts;
    for (; text->name != NULL; text++) {
        if (text->is_process != is_process) {
            continue;
        }
        int error = proc_add(task, parent, text->name,
                             proc_inode(task, FILE_MODE, &text->operations, task->pid));
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

int linux_special_mount_proc(struct linux_task *task)
{
    struct linux_tree *tree = linux_task_tree(task);
    int error = proc_add(task, tree->root, "proc", proc_inode(task, DIRECTORY_MODE, NULL, 0));
    if (error != 0) {
        return error;
    }
    task->container->proc = linux_entry_find(tree, tree->root, "proc", strlen("proc"));
    error = proc_add(task, task->container->proc, "self",
                     proc_inode(task, LINK_MODE, &self_link_operations, PROC_LINK_SELF));
    return error != 0 ? error : proc_add_texts(task, task->container->proc, false);
}

int linux_proc_add_task(struct linux_task *task)
{
    static const struct {
        const char *name;
        enum proc_link link;
    } links[] = { { "exe", PROC_LINK_EXE }, { "cwd", PROC_LINK_CWD }, { "root", PROC_LINK_ROOT } };
    struct linux_tree *tree = linux_task_tree(task);
    char name[NUMBER_SIZE];
    struct linux_text text = { .buffer = name, .size = sizeof(name) };
    linux_text_unsigned(&text, task->pid);
    size_t size = linux_text_end(&text);
    int error = proc_add(task, task->container->proc, name,
                         proc_inode(task, DIRECTORY_MODE, NULL, task->pid));
    if (error != 0) {
        return error;
    }
    struct linux_entry *directory = linux_entry_find(tree, task->container->proc, name, size);
    for (size_t index = 0; error == 0 && index < sizeof(links) / sizeof(links[0]); index++) {
        error = proc_add(task, directory, links[index].name,
                         proc_inode(task, LINK_MODE, &magic_link_operations, links[index].link));
    }
    if (error == 0) {
        error =
            proc_add(task, directory, "fd", proc_inode(task, FD_MODE, &fd_operations, task->pid));
    }
    return error != 0 ? error : proc_add_texts(task, directory, true);
}
