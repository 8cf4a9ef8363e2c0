// SPDX-License-Identifier: MIT OR Apache-2.0
// A pipe is an inode whose private data is a ring of 64 KiB with counts of readers and writers.
// With one process a wait can only be ended by a signal; processes that share a pipe come with
// fork.

#include "pipe.h"

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "text.h"

#define PIPE_NAME_SIZE 40U
#define PIPE_MODE      0600U

struct pipe {
    uint32_t readers;
    uint32_t writers;
    uint64_t head; // bytes ever written
    uint64_t tail; // bytes ever read
    uint8_t *ring;
};

static struct pipe *pipe_of(const struct linux_file *file)
{
    return file->entry->inode->private_data;
}

static uint64_t pipe_used(const struct pipe *pipe)
{
    return pipe->head - pipe->tail;
}

// Bytes to the ring's end from a position, at most size.
static size_t ring_chunk(uint64_t position, uint64_t size)
{
    uint64_t rest = LINUX_PIPE_SIZE - position % LINUX_PIPE_SIZE;
    return (size_t)(rest < size ? rest : size);
}

static int pipe_wait(struct linux_task *task, const struct linux_file *file)
{
    if ((file->flags & LINUX_O_NONBLOCK) != 0) {
        return -LINUX_EAGAIN;
    }
    if (linux_signal_is_pending(task)) {
        return -LINUX_ERESTART;
    }
    (void)platform_sleep_until(UINT64_MAX); // ends only by a kick
    linux_signal_poll(task);
    return linux_signal_is_pending(task) ? -LINUX_ERESTART : 0;
}

static int64_t pipe_read(struct linux_task *task, struct linux_file *file, uint64_t address,
                         uint64_t size)
{
    struct pipe *pipe = pipe_of(file);
    if (size == 0) {
        return 0;
    }
    while (pipe_used(pipe) == 0) {
        if (pipe->writers == 0) {
            return 0;
        }
        int error = pipe_wait(task, file);
        if (error != 0) {
            return error;
        }
    }
    uint64_t done = 0;
    while (done < size && pipe_used(pipe) != 0) {
        uint64_t wanted = size - done < pipe_used(pipe) ? size - done : pipe_used(pipe);
        size_t chunk = ring_chunk(pipe->tail, wanted);
        if (linux_guest_write(task, address + done, pipe->ring + pipe->tail % LINUX_PIPE_SIZE,
                              chunk) != 0) {
            return done == 0 ? -LINUX_EFAULT : (int64_t)done;
        }
        pipe->tail += chunk;
        done += chunk;
    }
    return (int64_t)done;
}

static int pipe_write_some(const struct linux_task *task, struct pipe *pipe, uint64_t address,
                           uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        size_t chunk = ring_chunk(pipe->head + done, size - done);
        if (linux_guest_read(task, pipe->ring + (pipe->head + done) % LINUX_PIPE_SIZE,
                             address + done, chunk) != 0) {
            return -LINUX_EFAULT;
        }
        done += chunk;
    }
    pipe->head += size;
    return 0;
}

static int64_t pipe_write(struct linux_task *task, struct linux_file *file, uint64_t address,
                          uint64_t size)
{
    struct pipe *pipe = pipe_of(file);
    uint64_t done = 0;
    while (done < size) {
        if (pipe->readers == 0) {
            linux_signal_raise(task, LINUX_SIGPIPE, LINUX_SI_USER);
            return done == 0 ? -LINUX_EPIPE : (int64_t)done;
        }
        uint64_t space = LINUX_PIPE_SIZE - pipe_used(pipe);
        uint64_t wanted = size - done;
        bool must_be_whole = size <= LINUX_PIPE_ATOMIC;
        int error = 0;
        if (space == 0 || (must_be_whole && space < wanted)) {
            error = pipe_wait(task, file);
        } else {
            uint64_t part = wanted < space ? wanted : space;
            error = pipe_write_some(task, pipe, address + done, part);
            done += error == 0 ? part : 0;
        }
        if (error != 0) {
            return done == 0 ? error : (int64_t)done;
        }
    }
    return (int64_t)done;
}

static const struct linux_inode_operations pipe_operations = {
    .read = pipe_read,
    .write = pipe_write,
};

bool linux_pipe_is(const struct linux_inode *inode)
{
    return inode->operations == &pipe_operations;
}

uint64_t linux_pipe_buffered(const struct linux_inode *inode)
{
    return pipe_used(inode->private_data);
}

int16_t linux_pipe_poll(const struct linux_file *file)
{
    const struct pipe *pipe = pipe_of(file);
    int16_t events = 0;
    if (linux_file_may_read(file)) {
        events |= pipe_used(pipe) != 0 ? LINUX_POLLIN | LINUX_POLLRDNORM : 0;
        events |= pipe->writers == 0 ? LINUX_POLLHUP : 0;
    }
    if (linux_file_may_write(file)) {
        bool has_space = LINUX_PIPE_SIZE - pipe_used(pipe) >= LINUX_PIPE_ATOMIC;
        events |= has_space ? LINUX_POLLOUT | LINUX_POLLWRNORM : 0;
        events |= pipe->readers == 0 ? LINUX_POLLERR : 0;
    }
    return events;
}

int linux_pipe_attach(struct linux_task *task, struct linux_inode *inode)
{
    if (inode->private_data != NULL) {
        return 0;
    }
    struct linux_heap *heap = linux_task_heap(task);
    struct pipe *pipe = linux_heap_alloc(heap, sizeof(*pipe));
    if (pipe == NULL) {
        return -LINUX_ENOMEM;
    }
    pipe->ring = linux_heap_alloc(heap, LINUX_PIPE_SIZE);
    if (pipe->ring == NULL) {
        linux_heap_free(heap, pipe, sizeof(*pipe));
        return -LINUX_ENOMEM;
    }
    inode->operations = &pipe_operations;
    inode->private_data = pipe;
    return 0;
}

void linux_pipe_opened(struct linux_file *file)
{
    if (!linux_pipe_is(file->entry->inode) || (file->flags & LINUX_O_PATH) != 0) {
        return;
    }
    struct pipe *pipe = pipe_of(file);
    pipe->readers += linux_file_may_read(file) ? 1 : 0;
    pipe->writers += linux_file_may_write(file) ? 1 : 0;
}

void linux_pipe_closed(struct linux_task *task, struct linux_file *file)
{
    struct linux_inode *inode = file->entry->inode;
    if (!linux_pipe_is(inode) || (file->flags & LINUX_O_PATH) != 0) {
        return;
    }
    struct pipe *pipe = inode->private_data;
    pipe->readers -= linux_file_may_read(file) ? 1 : 0;
    pipe->writers -= linux_file_may_write(file) ? 1 : 0;
    if (pipe->readers == 0 && pipe->writers == 0) {
        struct linux_heap *heap = linux_task_heap(task);
        linux_heap_free(heap, pipe->ring, LINUX_PIPE_SIZE);
        linux_heap_free(heap, pipe, sizeof(*pipe));
        inode->private_data = NULL;
        inode->operations = NULL;
    }
}

int linux_pipe_create(struct linux_task *task, uint32_t flags, struct linux_file *out_ends[2])
{
    struct linux_tree *tree = linux_task_tree(task);
    struct linux_inode *inode = linux_inode_create(tree, LINUX_S_IFIFO | PIPE_MODE);
    if (inode == NULL) {
        return -LINUX_ENOMEM;
    }
    inode->file_system = LINUX_DEVICE_PIPE;
    inode->link_count = 1;
    int error = linux_pipe_attach(task, inode);
    if (error != 0) {
        linux_inode_put(tree, inode);
        return error;
    }
    char name[PIPE_NAME_SIZE];
    struct linux_text text = { .buffer = name, .size = sizeof(name) };
    linux_text_string(&text, "pipe:[");
    linux_text_unsigned(&text, inode->number);
    linux_text_char(&text, ']');
    (void)linux_text_end(&text); // the buffer holds the longest number
    struct linux_entry *entry = linux_entry_create_detached(tree, NULL, name, inode);
    if (entry == NULL) {
        return -LINUX_ENOMEM;
    }
    out_ends[0] = linux_file_create(task, linux_entry_get(entry), flags | LINUX_O_RDONLY);
    out_ends[1] = linux_file_create(task, entry, flags | LINUX_O_WRONLY);
    if (out_ends[0] != NULL && out_ends[1] != NULL) {
        return 0;
    }
    for (uint32_t end = 0; end < 2; end++) {
        if (out_ends[end] != NULL) {
            linux_file_put(task, out_ends[end]);
        }
    }
    return -LINUX_ENOMEM;
}
