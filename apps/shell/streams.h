// SPDX-License-Identifier: MIT OR Apache-2.0
// The shell's stream server, on a thread of its own: files in memory, pipes and the terminal, all
// as the `stream` interface. Each handle it gives out is minted under a Session of its own, so that
// it hears when a program is done with it. The shell's other threads use the functions at the end,
// which are calls too: the server's state belongs to its thread alone.
#pragma once

#include <tes/server.h>
#include <tes/stream.h>

#define FILES_MAX       64u
#define FILE_NAME_SIZE  32u
#define FILE_SIZE_MAX   (4u << 20)
#define OPENS_MAX       64u
#define STREAM_WAITERS  64u
#define STREAM_WATCHERS 32u
#define PIPE_SIZE       16384u // power of two
#define TERMINAL_SIZE   4096u  // power of two
#define BOUNCE_SIZE     2048u

struct bytes { // a bounded queue
    uint8_t *data;
    uint32_t mask, head, tail;
};

struct file {
    char name[FILE_NAME_SIZE]; // "": free
    uint8_t *data;
    uint64_t size, capacity;
    uint32_t opens;
    bool is_removed;
};

struct pipe {
    struct bytes bytes;
    uint32_t readers, writers; // ends that are open
    uint32_t opens;            // ends that exist
};

enum terminal_mode { TERMINAL_RAW = 0, TERMINAL_COOKED = 1 };

struct terminal {
    tes_endpoint_t console;
    bool is_plain;
    enum terminal_mode mode;
    struct bytes input;
    char line[256]; // being typed, while cooked
    uint32_t line_length;
    bool has_end; // ^D: the next read sees the end
    void (*on_interrupt)(void *context);
    void *context;
};

struct open {
    uint64_t badge; // 0: free
    enum tes_stream_kind kind;
    bool may_read, may_write, appends;
    struct file *file;
    struct pipe *pipe;
    uint64_t position;
    tes_session_t session;
};

struct stream_waiter {
    tes_reply_t reply;
    uint64_t badge, size;
    bool is_write;
};

struct stream_watcher {
    tes_notification_t notification; // 0: free
    uint64_t badge, asked, bits;
};

struct streams {
    tes_endpoint_t endpoint; // badge 0: the shell itself
    struct terminal terminal;
    struct file files[FILES_MAX];
    struct open opens[OPENS_MAX];
    struct stream_waiter waiters[STREAM_WAITERS];
    uint32_t waiter_count;
    struct stream_watcher watchers[STREAM_WATCHERS];
    uint64_t next_badge;
    uint8_t bounce[BOUNCE_SIZE];
};

// --- server side ---
void streams_thread(void *context); // struct streams

// bytes.c
bool bytes_create(struct bytes *bytes, uint32_t size);
uint32_t bytes_count(const struct bytes *bytes);
uint32_t bytes_room(const struct bytes *bytes);
uint32_t bytes_put(struct bytes *bytes, const uint8_t *from, uint32_t size); // how many fitted
uint32_t bytes_copy(const struct bytes *bytes, uint8_t *to, uint32_t size);  // without taking them
void bytes_drop(struct bytes *bytes, uint32_t count);

// files.c
struct file *file_find(struct streams *streams, const char *name);
tes_status_t file_create(struct streams *streams, const char *name, struct file **out_file);
// Bytes at position; grows the file. TES_STREAM_NO_SPACE at the limit.
tes_status_t file_write(struct file *file, uint64_t position, const uint8_t *bytes, uint64_t size);
void file_truncate(struct file *file);
void file_remove(struct file *file);  // gone once nobody has it open
void file_release(struct file *file); // an open of it ended

// terminal.c
void terminal_input(struct terminal *terminal, const uint8_t *bytes, uint32_t count);
tes_status_t terminal_output(struct terminal *terminal, const uint8_t *bytes, uint32_t count);
void terminal_mode_set(struct terminal *terminal, enum terminal_mode mode);

// control.c: what only the shell itself may ask for
extern const struct tes_interface streams_control_interface;
struct open *open_create(struct streams *streams, enum tes_stream_kind kind);
void open_end(struct streams *streams, struct open *open);
void streams_serve(struct streams *streams); // after anything changed

// --- for the shell's other threads: calls to the server ---
enum stream_open_mode { STREAM_OPEN_READ = 0, STREAM_OPEN_WRITE = 1, STREAM_OPEN_APPEND = 2 };
tes_status_t streams_open_file(const struct streams *streams, const char *name,
                               enum stream_open_mode mode,
                               tes_endpoint_t *out_stream) TES_MUST_CHECK;
tes_status_t streams_open_pipe(const struct streams *streams, tes_endpoint_t *out_reader,
                               tes_endpoint_t *out_writer) TES_MUST_CHECK;
tes_status_t streams_open_terminal(const struct streams *streams,
                                   tes_endpoint_t *out_stream) TES_MUST_CHECK;
tes_status_t streams_file_at(const struct streams *streams, uint64_t index, char *out_name,
                             uint64_t *out_size) TES_MUST_CHECK;
tes_status_t streams_file_remove(const struct streams *streams, const char *name) TES_MUST_CHECK;
// Every handle to the file that was given out dies.
tes_status_t streams_file_revoke(const struct streams *streams, const char *name) TES_MUST_CHECK;
void streams_input(const struct streams *streams, const uint8_t *bytes, uint64_t count);
void streams_mode(const struct streams *streams, enum terminal_mode mode);
