// SPDX-License-Identifier: MIT OR Apache-2.0
// /dev and the streams. A device is a character inode with operations of its own; a stream is an
// inode that is in no directory and leads to the platform's stream of the same number.

#include "special.h"

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "path.h"
#include "terminal.h"

#define BOUNCE_SIZE    4096U
#define MAJOR_MEMORY   1U
#define MAJOR_TTY      5U
#define MAJOR_PTS      136U
#define MINOR_NULL     3U
#define MINOR_ZERO     5U
#define MINOR_FULL     7U
#define MINOR_RANDOM   8U
#define MINOR_URANDOM  9U
#define DEVICE_MODE    (LINUX_S_IFCHR | 0666U)
#define DIRECTORY_MODE (LINUX_S_IFDIR | 0755U)
#define LINK_MODE      (LINUX_S_IFLNK | 0777U)
#define STREAM_COUNT   3U

static int64_t null_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                         uint64_t size)
{
    (void)task;
    (void)file;
    (void)address;
    (void)size;
    return 0;
}

static int64_t null_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                          uint64_t size)
{
    (void)task;
    (void)file;
    (void)address;
    return (int64_t)size;
}

static int64_t zero_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                         uint64_t size)
{
    (void)file;
    int error = linux_guest_zero(task, address, size);
    return error != 0 ? error : (int64_t)size;
}

static int64_t full_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                          uint64_t size)
{
    (void)task;
    (void)file;
    (void)address;
    return size == 0 ? 0 : -LINUX_ENOSPC;
}

static int64_t random_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                           uint64_t size)
{
    uint8_t bounce[BOUNCE_SIZE];
    uint64_t done = 0;
    (void)file;
    while (done < size) {
        size_t chunk = size - done < BOUNCE_SIZE ? (size_t)(size - done) : BOUNCE_SIZE;
        platform_random(bounce, chunk);
        if (linux_guest_write(task, address + done, bounce, chunk) != 0) {
            return done == 0 ? -LINUX_EFAULT : (int64_t)done;
        }
        done += chunk;
    }
    return (int64_t)done;
}

static int64_t stream_error(struct linux_task *task, int64_t result)
{
    linux_signal_poll(task);
    if (result == -LINUX_EPIPE) {
        linux_signal_raise(task, LINUX_SIGPIPE, LINUX_SI_USER);
    }
    return result == -LINUX_EINTR ? -LINUX_ERESTART : result;
}

static int64_t stream_read_number(struct linux_task *task, const struct linux_file *file,
                                  uint32_t stream, uint64_t address, uint64_t size)
{
    uint8_t bounce[BOUNCE_SIZE];
    bool may_wait = (file->flags & LINUX_O_NONBLOCK) == 0;
    uint64_t done = 0;
    while (done < size) {
        size_t chunk = size - done < BOUNCE_SIZE ? (size_t)(size - done) : BOUNCE_SIZE;
        int64_t count = platform_stream_read(stream, bounce, chunk, may_wait && done == 0);
        if (count <= 0) {
            return done == 0 && count < 0 ? stream_error(task, count) : (int64_t)done;
        }
        if (linux_guest_write(task, address + done, bounce, (size_t)count) != 0) {
            return done == 0 ? -LINUX_EFAULT : (int64_t)done;
        }
        done += (uint64_t)count;
        if ((size_t)count < chunk) {
            break;
        }
    }
    return (int64_t)done;
}

static int64_t stream_write_number(struct linux_task *task, const struct linux_file *file,
                                   uint32_t stream, uint64_t address, uint64_t size)
{
    uint8_t bounce[BOUNCE_SIZE];
    bool may_wait = (file->flags & LINUX_O_NONBLOCK) == 0;
    uint64_t done = 0;
    while (done < size) {
        size_t chunk = size - done < BOUNCE_SIZE ? (size_t)(size - done) : BOUNCE_SIZE;
        if (linux_guest_read(task, bounce, address + done, chunk) != 0) {
            return done == 0 ? -LINUX_EFAULT : (int64_t)done;
        }
        int64_t count = platform_stream_write(stream, bounce, chunk, may_wait);
        if (count < 0) {
            return done == 0 ? stream_error(task, count) : (int64_t)done;
        }
        done += (uint64_t)count;
        if ((size_t)count < chunk) {
            break;
        }
    }
    return (int64_t)done;
}

static int64_t stream_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                           uint64_t size)
{
    uint32_t stream = (uint32_t)file->entry->inode->private_number;
    return stream_read_number(task, file, stream, address, size);
}

static int64_t stream_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                            uint64_t size)
{
    uint32_t stream = (uint32_t)file->entry->inode->private_number;
    return stream_write_number(task, file, stream, address, size);
}

static uint32_t terminal_stream(void)
{
    uint32_t stream = 0;
    while (stream < STREAM_COUNT && platform_stream_kind(stream) != PLATFORM_STREAM_TERMINAL) {
        stream++;
    }
    return stream;
}

static int64_t tty_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                        uint64_t size)
{
    return stream_read_number(task, file, terminal_stream(), address, size);
}

static int64_t tty_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                         uint64_t size)
{
    return stream_write_number(task, file, terminal_stream(), address, size);
}

static const struct linux_inode_operations null_operations = { .read = null_read,
                                                               .write = null_write };
static const struct linux_inode_operations zero_operations = { .read = zero_read,
                                                               .write = null_write };
static const struct linux_inode_operations full_operations = { .read = zero_read,
                                                               .write = full_write };
static const struct linux_inode_operations random_operations = { .read = random_read,
                                                                 .write = null_write };
static const struct linux_inode_operations tty_operations = { .read = tty_read,
                                                              .write = tty_write,
                                                              .control = linux_terminal_control };
static const struct linux_inode_operations stream_operations = { .read = stream_read,
                                                                 .write = stream_write };
static const struct linux_inode_operations terminal_operations = {
    .read = stream_read,
    .write = stream_write,
    .control = linux_terminal_control,
};

struct device_description {
    const char *name;
    uint32_t major;
    uint32_t minor;
    const struct linux_inode_operations *operations;
};

static const struct device_description devices[] = {
    { "null", MAJOR_MEMORY, MINOR_NULL, &null_operations },
    { "zero", MAJOR_MEMORY, MINOR_ZERO, &zero_operations },
    { "full", MAJOR_MEMORY, MINOR_FULL, &full_operations },
    { "random", MAJOR_MEMORY, MINOR_RANDOM, &random_operations },
    { "urandom", MAJOR_MEMORY, MINOR_URANDOM, &random_operations },
    { "tty", MAJOR_TTY, 0, &tty_operations },
};

static const char *const device_links[][2] = {
    { "fd", "/proc/self/fd" },
    { "stdin", "/proc/self/fd/0" },
    { "stdout", "/proc/self/fd/1" },
    { "stderr", "/proc/self/fd/2" },
};

static int link_and_put(struct linux_tree *tree, struct linux_entry *parent, const char *name,
                        struct linux_inode *inode)
{
    int error = linux_entry_link(tree, parent, name, strlen(name), inode);
    linux_inode_put(tree, inode);
    return error;
}

static int device_links_add(struct linux_tree *tree, struct linux_entry *directory)
{
    for (size_t index = 0; index < sizeof(device_links) / sizeof(device_links[0]); index++) {
        const char *target = device_links[index][1];
        struct linux_inode *inode = linux_inode_create(tree, LINK_MODE);
        if (inode == NULL) {
            return -LINUX_ENOMEM;
        }
        int error = linux_inode_set_text(tree, inode, target, strlen(target));
        if (error == 0) {
            error = linux_entry_link(tree, directory, device_links[index][0],
                                     strlen(device_links[index][0]), inode);
        }
        linux_inode_put(tree, inode);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

int linux_special_mount_devices(struct linux_task *task)
{
    struct linux_tree *tree = linux_task_tree(task);
    struct linux_inode *inode = linux_inode_create(tree, DIRECTORY_MODE);
    if (inode == NULL || link_and_put(tree, tree->root, "dev", inode) != 0) {
        return -LINUX_ENOMEM;
    }
    struct linux_entry *directory = linux_entry_find(tree, tree->root, "dev", strlen("dev"));
    for (size_t index = 0; index < sizeof(devices) / sizeof(devices[0]); index++) {
        inode = linux_inode_create(tree, DEVICE_MODE);
        if (inode == NULL) {
            return -LINUX_ENOMEM;
        }
        inode->operations = devices[index].operations;
        inode->device = linux_device_number(devices[index].major, devices[index].minor);
        int error = link_and_put(tree, directory, devices[index].name, inode);
        if (error != 0) {
            return error;
        }
    }
    return device_links_add(tree, directory);
}

static struct linux_file *stream_open(struct linux_task *task, uint32_t stream)
{
    static const char *const pipe_names[] = { "pipe:[stdin]", "pipe:[stdout]", "pipe:[stderr]" };
    bool is_terminal = platform_stream_kind(stream) == PLATFORM_STREAM_TERMINAL;
    struct linux_tree *tree = linux_task_tree(task);
    struct linux_inode *inode =
        linux_inode_create(tree, is_terminal ? LINUX_S_IFCHR | 0620U : LINUX_S_IFIFO | 0600U);
    if (inode == NULL) {
        return NULL;
    }
    inode->operations = is_terminal ? &terminal_operations : &stream_operations;
    inode->private_number = stream;
    inode->link_count = 1;
    inode->file_system = LINUX_DEVICE_PIPE;
    inode->device = is_terminal ? linux_device_number(MAJOR_PTS, 0) : 0;
    const char *name = is_terminal ? "/dev/console" : pipe_names[stream];
    struct linux_entry *entry = linux_entry_create_detached(tree, NULL, name, inode);
    if (entry == NULL) {
        return NULL;
    }
    uint32_t access = stream == 0 ? LINUX_O_RDONLY : LINUX_O_WRONLY;
    return linux_file_create(task, entry, is_terminal ? LINUX_O_RDWR : access);
}

int linux_special_open_streams(struct linux_task *task)
{
    for (uint32_t stream = 0; stream < STREAM_COUNT; stream++) {
        if (platform_stream_kind(stream) == PLATFORM_STREAM_NONE) {
            continue;
        }
        struct linux_file *file = stream_open(task, stream);
        if (file == NULL) {
            return -LINUX_ENOMEM;
        }
        int result = linux_files_install_at(task, file, stream, false);
        if (result < 0) {
            linux_file_put(task, file);
            return result;
        }
    }
    return 0;
}

int32_t linux_special_stream(const struct linux_inode *inode)
{
    if (inode->operations == &stream_operations || inode->operations == &terminal_operations) {
        return (int32_t)inode->private_number;
    }
    if (inode->operations == &tty_operations && terminal_stream() < STREAM_COUNT) {
        return (int32_t)terminal_stream();
    }
    return -1;
}

int linux_special_open_check(const struct linux_inode *inode)
{
    bool is_device = linux_inode_is(inode, LINUX_S_IFCHR) || linux_inode_is(inode, LINUX_S_IFBLK);
    if (inode->operations == &tty_operations && terminal_stream() == STREAM_COUNT) {
        return -LINUX_ENXIO;
    }
    return is_device && inode->operations == NULL ? -LINUX_ENXIO : 0;
}
