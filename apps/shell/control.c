// SPDX-License-Identifier: MIT OR Apache-2.0
// The part of the stream server that only the shell's own threads can call (their handle has badge
// 0): opening files, pipes and the terminal, typed bytes, modes. Handles are returned as numbers,
// since caller and server share one handle table.
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/heap.h>
#include <tes/memory.h>
#include <tes/startup.h>

#include "streams.h"

#define CONTROL_INTERFACE 100u
#define NAME_WORDS        (FILE_NAME_SIZE / sizeof(uint64_t))
#define INPUT_BYTES_MAX   56u // in words 1-7

enum control_method {
    CONTROL_OPEN_FILE,
    CONTROL_OPEN_PIPE,
    CONTROL_OPEN_TERMINAL,
    CONTROL_FILE_AT,
    CONTROL_FILE_REMOVE,
    CONTROL_FILE_REVOKE,
    CONTROL_INPUT,
    CONTROL_MODE,
    CONTROL_METHOD_COUNT,
};

struct open *open_create(struct streams *streams, enum tes_stream_kind kind)
{
    for (uint32_t i = 0; i < OPENS_MAX; i++) {
        struct open *open = &streams->opens[i];
        if (open->badge == 0) {
            *open = (struct open){ .badge = ++streams->next_badge, .kind = kind };
            return open;
        }
    }
    return NULL;
}

void open_end(struct streams *streams, struct open *open)
{
    if (open->file != NULL) {
        file_release(open->file);
    }
    if (open->pipe != NULL) {
        open->pipe->readers -= open->may_read ? 1 : 0;
        open->pipe->writers -= open->may_write ? 1 : 0;
        if (--open->pipe->opens == 0) {
            tes_free(open->pipe->bytes.data);
            tes_free(open->pipe);
        }
    }
    tes_destroy(tes_session_any(open->session));
    *open = (struct open){ 0 };
    streams_serve(streams);
}

static tes_status_t open_handle(struct streams *streams, struct open *open, uint64_t *out_handle)
{
    tes_handle_t handle;
    tes_status_t status = tes_session_create(tes_endpoint_any(streams->endpoint), tes_self()->quota,
                                             open->badge, 0, &open->session);
    if (status == TES_OK) {
        status = tes_handle_derive(tes_endpoint_any(streams->endpoint),
                                   TES_RIGHT_ENDPOINT_CALL | TES_RIGHT_TRANSFER | TES_RIGHT_DERIVE,
                                   open->session, &handle);
    }
    if (status != TES_OK) {
        open_end(streams, open);
        return status;
    }
    *out_handle = handle.value;
    return TES_OK;
}

static bool take_name(const struct tes_request *request, char *out_name)
{
    memcpy(out_name, request->words, FILE_NAME_SIZE);
    return out_name[0] != 0 && memchr(out_name, 0, FILE_NAME_SIZE) != NULL;
}

static tes_status_t file_for(struct streams *streams, const char *name, uint64_t mode,
                             struct file **out_file)
{
    struct file *file = file_find(streams, name);
    if (file == NULL) {
        return mode == STREAM_OPEN_READ ? TES_ERROR_NOT_FOUND
                                        : file_create(streams, name, out_file);
    }
    if (mode == STREAM_OPEN_WRITE) {
        file_truncate(file);
    }
    *out_file = file;
    return TES_OK;
}

static tes_status_t control_open_file(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    char name[FILE_NAME_SIZE];
    uint64_t mode = request->words[NAME_WORDS];
    struct file *file = NULL;
    if (request->badge != 0 || !take_name(request, name)) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = file_for(streams, name, mode, &file);
    if (status != TES_OK) {
        return status;
    }
    struct open *open = open_create(streams, TES_STREAM_FILE);
    if (open == NULL) {
        return TES_ERROR_BUSY;
    }
    open->file = file;
    file->opens++;
    open->may_read = mode == STREAM_OPEN_READ;
    open->may_write = mode != STREAM_OPEN_READ;
    open->appends = mode == STREAM_OPEN_APPEND;
    return open_handle(streams, open, &request->words[0]);
}

static struct pipe *pipe_create(void)
{
    struct pipe *pipe = tes_alloc(sizeof(*pipe));
    if (pipe != NULL && !bytes_create(&pipe->bytes, PIPE_SIZE)) {
        tes_free(pipe);
        return NULL;
    }
    return pipe;
}

static void pipe_join(struct open *open, struct pipe *pipe, bool reads)
{
    open->pipe = pipe;
    pipe->opens++;
    open->may_read = reads;
    open->may_write = !reads;
    pipe->readers += reads ? 1 : 0;
    pipe->writers += reads ? 0 : 1;
}

static tes_status_t control_open_pipe(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    if (request->badge != 0) {
        return TES_ERROR_INVALID;
    }
    struct pipe *pipe = pipe_create();
    if (pipe == NULL) {
        return TES_ERROR_NO_MEMORY;
    }
    struct open *reader = open_create(streams, TES_STREAM_PIPE);
    struct open *writer = reader != NULL ? open_create(streams, TES_STREAM_PIPE) : NULL;
    if (writer == NULL) {
        tes_free(pipe->bytes.data);
        tes_free(pipe);
        if (reader != NULL) {
            open_end(streams, reader);
        }
        return TES_ERROR_BUSY;
    }
    pipe_join(reader, pipe, true);
    pipe_join(writer, pipe, false);
    tes_status_t status = open_handle(streams, reader, &request->words[0]);
    if (status != TES_OK) {
        open_end(streams, writer);
        return status;
    }
    status = open_handle(streams, writer, &request->words[1]);
    if (status != TES_OK) {
        tes_close(request->words[0]); // the reader's last handle: its end is heard
    }
    return status;
}

static tes_status_t control_open_terminal(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    struct open *open = request->badge == 0 ? open_create(streams, TES_STREAM_TERMINAL) : NULL;
    if (open == NULL) {
        return TES_ERROR_BUSY;
    }
    open->may_read = true;
    open->may_write = true;
    return open_handle(streams, open, &request->words[0]);
}

static tes_status_t control_file_at(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    uint64_t index = request->words[0];
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        const struct file *file = &streams->files[i];
        if (file->name[0] != 0 && !file->is_removed && index-- == 0) {
            memcpy(request->words, file->name, FILE_NAME_SIZE);
            request->words[NAME_WORDS] = file->size;
            return TES_OK;
        }
    }
    return TES_ERROR_NOT_FOUND;
}

static struct file *named_file(struct streams *streams, const struct tes_request *request)
{
    char name[FILE_NAME_SIZE];
    return request->badge == 0 && take_name(request, name) ? file_find(streams, name) : NULL;
}

static tes_status_t control_file_remove(void *context, struct tes_request *request)
{
    struct file *file = named_file(context, request);
    if (file == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    file_remove(file);
    return TES_OK;
}

static tes_status_t control_file_revoke(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    struct file *file = named_file(streams, request);
    if (file == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    uint64_t count = 0;
    for (uint32_t i = 0; i < OPENS_MAX; i++) {
        struct open *open = &streams->opens[i];
        if (open->badge != 0 && open->file == file &&
            tes_handle_revoke(tes_session_any(open->session), 0) == TES_OK) {
            count++;
        }
    }
    request->words[0] = count;
    return TES_OK;
}

static tes_status_t control_input(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    uint8_t bytes[INPUT_BYTES_MAX];
    if (request->badge != 0) {
        return TES_ERROR_INVALID;
    }
    memcpy(bytes, &request->words[1], sizeof(bytes));
    terminal_input(&streams->terminal, bytes, (uint32_t)min_u64(request->words[0], sizeof(bytes)));
    streams_serve(streams);
    return TES_OK;
}

static tes_status_t control_mode(void *context, struct tes_request *request)
{
    struct streams *streams = context;
    if (request->badge != 0) {
        return TES_ERROR_INVALID;
    }
    terminal_mode_set(&streams->terminal, (enum terminal_mode)request->words[0]);
    streams_serve(streams);
    return TES_OK;
}

static const struct tes_method methods[CONTROL_METHOD_COUNT] = {
    [CONTROL_OPEN_FILE] = { .name = "open_file", .run = control_open_file },
    [CONTROL_OPEN_PIPE] = { .name = "open_pipe", .run = control_open_pipe },
    [CONTROL_OPEN_TERMINAL] = { .name = "open_terminal", .run = control_open_terminal },
    [CONTROL_FILE_AT] = { .name = "file_at", .run = control_file_at },
    [CONTROL_FILE_REMOVE] = { .name = "file_remove", .run = control_file_remove },
    [CONTROL_FILE_REVOKE] = { .name = "file_revoke", .run = control_file_revoke },
    [CONTROL_INPUT] = { .name = "input", .run = control_input },
    [CONTROL_MODE] = { .name = "mode", .run = control_mode },
};
const struct tes_interface streams_control_interface = { .name = "control",
                                                         .number = CONTROL_INTERFACE,
                                                         .method_count = CONTROL_METHOD_COUNT,
                                                         .methods = methods };

// --- the callers' side ---

static struct tes_call control_call(const struct streams *streams, enum control_method method)
{
    return (struct tes_call){ .endpoint = streams->endpoint,
                              .method = TES_METHOD(CONTROL_INTERFACE, method) };
}

static bool put_name(struct tes_call *call, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= FILE_NAME_SIZE) {
        return false;
    }
    memcpy(call->words, name, length);
    return true;
}

tes_status_t streams_open_file(const struct streams *streams, const char *name,
                               enum stream_open_mode mode, tes_endpoint_t *out_stream)
{
    struct tes_call call = control_call(streams, CONTROL_OPEN_FILE);
    if (!put_name(&call, name)) {
        return TES_ERROR_INVALID;
    }
    call.words[NAME_WORDS] = mode;
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        out_stream->value = call.words[0];
    }
    return status;
}

tes_status_t streams_open_pipe(const struct streams *streams, tes_endpoint_t *out_reader,
                               tes_endpoint_t *out_writer)
{
    struct tes_call call = control_call(streams, CONTROL_OPEN_PIPE);
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        out_reader->value = call.words[0];
        out_writer->value = call.words[1];
    }
    return status;
}

tes_status_t streams_open_terminal(const struct streams *streams, tes_endpoint_t *out_stream)
{
    struct tes_call call = control_call(streams, CONTROL_OPEN_TERMINAL);
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        out_stream->value = call.words[0];
    }
    return status;
}

tes_status_t streams_file_at(const struct streams *streams, uint64_t index, char *out_name,
                             uint64_t *out_size)
{
    struct tes_call call = control_call(streams, CONTROL_FILE_AT);
    call.words[0] = index;
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        memcpy(out_name, call.words, FILE_NAME_SIZE);
        *out_size = call.words[NAME_WORDS];
    }
    return status;
}

static tes_status_t by_name(const struct streams *streams, enum control_method method,
                            const char *name)
{
    struct tes_call call = control_call(streams, method);
    return put_name(&call, name) ? tes_call(&call) : TES_ERROR_NOT_FOUND;
}

tes_status_t streams_file_remove(const struct streams *streams, const char *name)
{
    return by_name(streams, CONTROL_FILE_REMOVE, name);
}

tes_status_t streams_file_revoke(const struct streams *streams, const char *name)
{
    return by_name(streams, CONTROL_FILE_REVOKE, name);
}

void streams_input(const struct streams *streams, const uint8_t *bytes, uint64_t count)
{
    while (count != 0) {
        struct tes_call call = control_call(streams, CONTROL_INPUT);
        uint64_t part = min_u64(count, INPUT_BYTES_MAX);
        call.words[0] = part;
        memcpy(&call.words[1], bytes, part);
        bytes += part;
        count -= part;
        (void)!tes_call(&call); // the server thread ends only with the shell
    }
}

void streams_mode(const struct streams *streams, enum terminal_mode mode)
{
    struct tes_call call = control_call(streams, CONTROL_MODE);
    call.words[0] = mode;
    (void)!tes_call(&call); // see streams_input
}
