// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls on open descriptors: reading and writing in all forms, positions, duplicates, fcntl, pipes.
// The bytes are moved in file_io.c; opening is in calls_path.c, sending files in calls_copy.c.

#include <personality/errors.h>

#include "files.h"
#include "guest.h"
#include "linux_calls.h"
#include "pipe.h"
#include "special.h"

#define FCNTL_SETTABLE (LINUX_O_APPEND | LINUX_O_NONBLOCK | LINUX_O_DIRECT | LINUX_O_NOATIME)
#define FLOCK_SIZE     32U
#define IO_FLAGS_SHOWN                                                                             \
    (~(LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_NOCTTY | LINUX_O_TRUNC | LINUX_O_CLOEXEC |           \
       LINUX_O_DIRECTORY))

int64_t linux_call_read(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    return file == NULL ? -LINUX_EBADF : linux_file_read(task, file, buffer, count);
}

int64_t linux_call_write(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    return file == NULL ? -LINUX_EBADF : linux_file_write(task, file, buffer, count);
}

static bool file_is_seekable(const struct linux_file *file)
{
    const struct linux_inode *inode = file->entry->inode;
    return !linux_inode_is(inode, LINUX_S_IFIFO) && linux_special_stream(inode) < 0;
}

int64_t linux_call_pread64(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count,
                           int64_t offset)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (offset < 0) {
        return -LINUX_EINVAL;
    }
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    return file_is_seekable(file) ? linux_file_read_at(task, file, buffer, count, (uint64_t)offset)
                                  : -LINUX_ESPIPE;
}

int64_t linux_call_pwrite64(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count,
                            int64_t offset)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (offset < 0) {
        return -LINUX_EINVAL;
    }
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    // Linux appends even here when the file was opened with O_APPEND.
    bool appends = (file->flags & LINUX_O_APPEND) != 0;
    uint64_t place = appends ? file->entry->inode->data.size : (uint64_t)offset;
    return file_is_seekable(file) ? linux_file_write_at(task, file, buffer, count, place)
                                  : -LINUX_ESPIPE;
}

struct vector_transfer {
    int64_t (*move)(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count,
                    int64_t offset);
    int32_t fd;
    int64_t offset;
};

static int64_t move_read(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count,
                         int64_t offset)
{
    (void)offset;
    return linux_call_read(task, fd, buffer, count);
}

static int64_t move_write(struct linux_task *task, int32_t fd, uint64_t buffer, uint64_t count,
                          int64_t offset)
{
    (void)offset;
    return linux_call_write(task, fd, buffer, count);
}

static int64_t vector_move(struct linux_task *task, const struct vector_transfer *transfer,
                           uint64_t vectors, int32_t count)
{
    int64_t done = 0;
    if (linux_files_find_io(task, transfer->fd) == NULL) {
        return -LINUX_EBADF;
    }
    if (count < 0 || (uint32_t)count > LINUX_IOV_MAX) {
        return -LINUX_EINVAL;
    }
    for (int32_t index = 0; index < count; index++) {
        struct linux_iovec vector;
        uint64_t place = vectors + (uint64_t)index * sizeof(vector);
        if (linux_guest_read(task, &vector, place, sizeof(vector)) != 0) {
            return done == 0 ? -LINUX_EFAULT : done;
        }
        if ((int64_t)vector.size < 0) {
            return done == 0 ? -LINUX_EINVAL : done;
        }
        if (vector.size == 0) {
            continue;
        }
        int64_t moved =
            transfer->move(task, transfer->fd, vector.base, vector.size, transfer->offset + done);
        if (moved < 0) {
            return done == 0 ? moved : done;
        }
        done += moved;
        if ((uint64_t)moved < vector.size) {
            break;
        }
    }
    return done;
}

int64_t linux_call_readv(struct linux_task *task, int32_t fd, uint64_t vector, int32_t count)
{
    const struct vector_transfer transfer = { .move = move_read, .fd = fd };
    return vector_move(task, &transfer, vector, count);
}

int64_t linux_call_writev(struct linux_task *task, int32_t fd, uint64_t vector, int32_t count)
{
    const struct vector_transfer transfer = { .move = move_write, .fd = fd };
    return vector_move(task, &transfer, vector, count);
}

int64_t linux_call_preadv(struct linux_task *task, int32_t fd, uint64_t vector, int32_t count,
                          int64_t offset)
{
    const struct vector_transfer transfer = { linux_call_pread64, fd, offset };
    return offset < 0 ? -LINUX_EINVAL : vector_move(task, &transfer, vector, count);
}

int64_t linux_call_pwritev(struct linux_task *task, int32_t fd, uint64_t vector, int32_t count,
                           int64_t offset)
{
    const struct vector_transfer transfer = { linux_call_pwrite64, fd, offset };
    return offset < 0 ? -LINUX_EINVAL : vector_move(task, &transfer, vector, count);
}

// The position asked for, or a negative error.
static int64_t seek_target(const struct linux_file *file, int64_t offset, uint32_t whence)
{
    const struct linux_inode *inode = file->entry->inode;
    bool is_regular = linux_inode_is(inode, LINUX_S_IFREG) && inode->operations == NULL;
    uint64_t size = is_regular ? inode->data.size : 0;
    uint64_t found = 0;
    int64_t target = 0;
    switch (whence) {
    case LINUX_SEEK_SET:
        return offset < 0 ? -LINUX_EINVAL : offset;
    case LINUX_SEEK_CUR:
        return __builtin_add_overflow(offset, (int64_t)file->offset, &target) || target < 0
                   ? -LINUX_EINVAL
                   : target;
    case LINUX_SEEK_END:
        return __builtin_add_overflow(offset, (int64_t)size, &target) || target < 0 ? -LINUX_EINVAL
                                                                                    : target;
    case LINUX_SEEK_DATA:
    case LINUX_SEEK_HOLE:
        if (!is_regular) {
            return -LINUX_EINVAL;
        }
        if (offset < 0 || (uint64_t)offset >= size) {
            return -LINUX_ENXIO;
        }
        if (!linux_file_data_seek(&inode->data, (uint64_t)offset, whence == LINUX_SEEK_HOLE,
                                  &found)) {
            return -LINUX_ENXIO;
        }
        return (int64_t)found;
    default:
        return -LINUX_EINVAL;
    }
}

int64_t linux_call_lseek(struct linux_task *task, int32_t fd, int64_t offset, uint32_t whence)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    if (!file_is_seekable(file)) {
        return -LINUX_ESPIPE;
    }
    if (linux_inode_is(file->entry->inode, LINUX_S_IFCHR)) {
        return 0; // the memory devices have no position
    }
    int64_t target = seek_target(file, offset, whence);
    if (target >= 0) {
        file->offset = (uint64_t)target;
    }
    return target;
}

int64_t linux_call_close(struct linux_task *task, int32_t fd)
{
    return linux_files_close(task, fd);
}

#define CLOSE_RANGE_CLOEXEC 4U

int64_t linux_call_close_range(struct linux_task *task, uint32_t first, uint32_t last,
                               uint32_t flags)
{
    if (first > last || (flags & ~CLOSE_RANGE_CLOEXEC) != 0) {
        return -LINUX_EINVAL;
    }
    for (uint32_t fd = first; fd < task->files->capacity && fd <= last; fd++) {
        struct linux_descriptor *place = &task->files->table[fd];
        if (place->file == NULL) {
            continue;
        }
        if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
            place->close_on_exec = true;
        } else {
            (void)linux_files_close(task, (int32_t)fd); // it is open: cannot fail
        }
    }
    return 0;
}

static int64_t duplicate(struct linux_task *task, int32_t fd, uint32_t minimum, bool close_on_exec)
{
    struct linux_file *file = linux_files_find(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    int result = linux_files_install(task, linux_file_get(file), minimum, close_on_exec);
    if (result < 0) {
        linux_file_put(task, file);
    }
    return result;
}

int64_t linux_call_dup(struct linux_task *task, int32_t fd)
{
    return duplicate(task, fd, 0, false);
}

static int64_t duplicate_to(struct linux_task *task, int32_t fd, int32_t target, bool close_on_exec)
{
    struct linux_file *file = linux_files_find(task, fd);
    if (file == NULL || target < 0) {
        return -LINUX_EBADF;
    }
    int result =
        linux_files_install_at(task, linux_file_get(file), (uint32_t)target, close_on_exec);
    if (result < 0) {
        linux_file_put(task, file);
    }
    return result;
}

int64_t linux_call_dup2(struct linux_task *task, int32_t fd, int32_t target)
{
    if (fd == target) {
        return linux_files_find(task, fd) == NULL ? -LINUX_EBADF : target;
    }
    return duplicate_to(task, fd, target, false);
}

int64_t linux_call_dup3(struct linux_task *task, int32_t fd, int32_t target, uint32_t flags)
{
    if (fd == target || (flags & ~LINUX_O_CLOEXEC) != 0) {
        return -LINUX_EINVAL;
    }
    return duplicate_to(task, fd, target, (flags & LINUX_O_CLOEXEC) != 0);
}

// Record locks: with one process nobody else can hold one.
static int64_t lock_get(const struct linux_task *task, uint64_t argument)
{
    int16_t type = 0;
    if (linux_guest_read(task, &type, argument, sizeof(type)) != 0) {
        return -LINUX_EFAULT;
    }
    type = LINUX_F_UNLCK;
    return linux_guest_write(task, argument, &type, sizeof(type));
}

static int64_t lock_set(const struct linux_task *task, uint64_t argument)
{
    uint8_t lock[FLOCK_SIZE];
    return linux_guest_read(task, lock, argument, sizeof(lock));
}

static int64_t duplicate_above(struct linux_task *task, int32_t fd, uint32_t argument,
                               bool close_on_exec)
{
    if (argument >= task->limits[LINUX_RLIMIT_NOFILE].current) {
        return -LINUX_EINVAL;
    }
    return duplicate(task, fd, argument, close_on_exec);
}

int64_t linux_call_fcntl(struct linux_task *task, int32_t fd, uint32_t command, uint64_t argument)
{
    struct linux_file *file = linux_files_find(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    struct linux_descriptor *place = &task->files->table[fd];
    switch (command) {
    case LINUX_F_DUPFD:
        return duplicate_above(task, fd, (uint32_t)argument, false);
    case LINUX_F_DUPFD_CLOEXEC:
        return duplicate_above(task, fd, (uint32_t)argument, true);
    case LINUX_F_GETFD:
        return place->close_on_exec ? LINUX_FD_CLOEXEC : 0;
    case LINUX_F_SETFD:
        place->close_on_exec = (argument & LINUX_FD_CLOEXEC) != 0;
        return 0;
    case LINUX_F_GETFL:
        return (int64_t)((file->flags & IO_FLAGS_SHOWN) | LINUX_O_LARGEFILE);
    case LINUX_F_SETFL:
        file->flags = (file->flags & ~FCNTL_SETTABLE) | ((uint32_t)argument & FCNTL_SETTABLE);
        return 0;
    case LINUX_F_GETLK:
        return lock_get(task, argument);
    case LINUX_F_SETLK:
    case LINUX_F_SETLKW:
        return lock_set(task, argument);
    case LINUX_F_GETPIPE_SZ:
        return linux_inode_is(file->entry->inode, LINUX_S_IFIFO) ? (int64_t)LINUX_PIPE_SIZE
                                                                 : -LINUX_EBADF;
    default:
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
}

static int64_t readable_bytes(const struct linux_task *task, const struct linux_file *file,
                              uint64_t argument)
{
    const struct linux_inode *inode = file->entry->inode;
    int32_t count = 0;
    if (linux_pipe_is(inode)) {
        count = (int32_t)linux_pipe_buffered(inode);
    } else if (linux_inode_is(inode, LINUX_S_IFREG)) {
        count = (int32_t)(inode->data.size - file->offset);
    } else {
        return -LINUX_ENOTTY;
    }
    return linux_guest_write(task, argument, &count, sizeof(count));
}

static int64_t set_nonblocking(const struct linux_task *task, struct linux_file *file,
                               uint64_t argument)
{
    int32_t value = 0;
    if (linux_guest_read(task, &value, argument, sizeof(value)) != 0) {
        return -LINUX_EFAULT;
    }
    file->flags = (file->flags & ~LINUX_O_NONBLOCK) | (value != 0 ? LINUX_O_NONBLOCK : 0U);
    return 0;
}

int64_t linux_call_ioctl(struct linux_task *task, int32_t fd, uint32_t request, uint64_t argument)
{
    struct linux_file *file = linux_files_find_io(task, fd);
    if (file == NULL) {
        return -LINUX_EBADF;
    }
    switch (request) {
    case LINUX_FIOCLEX:
        task->files->table[fd].close_on_exec = true;
        return 0;
    case LINUX_FIONCLEX:
        task->files->table[fd].close_on_exec = false;
        return 0;
    case LINUX_FIONBIO:
        return set_nonblocking(task, file, argument);
    case LINUX_FIONREAD:
        return readable_bytes(task, file, argument);
    default:
        break;
    }
    const struct linux_inode_operations *operations = file->entry->inode->operations;
    if (operations == NULL || operations->control == NULL) {
        return -LINUX_ENOTTY;
    }
    return operations->control(task, file, request, argument);
}

static int64_t pipe_make(struct linux_task *task, uint64_t ends, uint32_t flags)
{
    struct linux_file *files[2] = { NULL, NULL };
    bool close_on_exec = (flags & LINUX_O_CLOEXEC) != 0;
    int error = linux_pipe_create(task, flags & LINUX_O_NONBLOCK, files);
    if (error != 0) {
        return error;
    }
    int fds[2] = { linux_files_install(task, files[0], 0, close_on_exec), -1 };
    if (fds[0] < 0) {
        linux_file_put(task, files[0]);
        linux_file_put(task, files[1]);
        return fds[0];
    }
    fds[1] = linux_files_install(task, files[1], 0, close_on_exec);
    error = fds[1];
    if (fds[1] < 0) {
        linux_file_put(task, files[1]);
    } else {
        error = linux_guest_write(task, ends, fds, sizeof(fds));
    }
    if (error < 0) {
        (void)linux_files_close(task, fds[0]); // open since above
        (void)linux_files_close(task, fds[1]); // -1 is refused, as it should be
    }
    return error < 0 ? error : 0;
}

int64_t linux_call_pipe(struct linux_task *task, uint64_t ends)
{
    return pipe_make(task, ends, 0);
}

int64_t linux_call_pipe2(struct linux_task *task, uint64_t ends, uint32_t flags)
{
    if ((flags & ~(LINUX_O_CLOEXEC | LINUX_O_NONBLOCK)) != 0) {
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
    return pipe_make(task, ends, flags);
}
