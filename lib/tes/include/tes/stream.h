// SPDX-License-Identifier: MIT OR Apache-2.0
// The `stream` interface: bytes in order over an endpoint. Serial lines, terminals, pipes and files
// in memory all speak it, so whoever was handed a stream need not know what is behind it.
//
//   method  words in                 lease, handles             words out        status
//   READ    0 most bytes, 1 flags    lease 0 writable           0 bytes (0: end) OK, WOULD_BLOCK
//   WRITE   0 bytes, 1 flags         lease 0 readable           0 bytes taken    OK, WOULD_BLOCK,
//   CLOSED CLOSE   -                        -                          -                OK POLL 0
//   bits asked, 1 bits to  0 or 1 Notification        0 bits ready     OK
//           signal                   with SIGNAL
//   INFO    -                        -                          0 kind, 1 rows, 2 columns, 3 size
//
// READ waits until there is a byte, the end, or (NOWAIT) not at all. WRITE takes at least one byte;
// it waits while there is no room. POLL answers at once; if nothing asked for is ready and a
// Notification came with it, its bits are signalled once when something is. That is lost if the
// server dies, so poll again after about a second. Waiting is ended by the caller's deadline or by
// cancelling it. Dropping every handle to a stream is CLOSE. Any method may answer FAULT (tes_call
// repeats).
#pragma once

#include <tes/ipc.h>

#define TES_STREAM_INTERFACE 1u

enum tes_stream_method {
    TES_STREAM_READ = 0,
    TES_STREAM_WRITE = 1,
    TES_STREAM_CLOSE = 2,
    TES_STREAM_POLL = 3,
    TES_STREAM_INFO = 4,
    TES_STREAM_METHOD_COUNT = 5,
};

#define TES_STREAM_NOWAIT 1u

// The interface's own results.
#define TES_STREAM_CLOSED   1 // nobody reads any more, or the stream is not open in that direction
#define TES_STREAM_NO_SPACE 2 // a file's limit is reached

#define TES_STREAM_READABLE 1u
#define TES_STREAM_WRITABLE 2u
#define TES_STREAM_HANGUP   4u

enum tes_stream_kind {
    TES_STREAM_NONE = 0,
    TES_STREAM_PIPE = 1,
    TES_STREAM_TERMINAL = 2,
    TES_STREAM_FILE = 3,
};

struct tes_stream_info {
    enum tes_stream_kind kind;
    uint32_t rows, columns; // of a terminal; 0 if not known
    uint64_t size;          // of a file
};

// At most one message's worth; a server may move fewer bytes.
#define TES_STREAM_CHUNK_MAX 65536u

tes_status_t tes_stream_read(tes_endpoint_t stream, void *buffer, uint64_t size, uint64_t flags,
                             uint64_t *out_count) TES_MUST_CHECK;
tes_status_t tes_stream_write(tes_endpoint_t stream, const void *bytes, uint64_t size,
                              uint64_t flags, uint64_t *out_count) TES_MUST_CHECK;
// All of it, waiting as often as it takes. Bytes may be written twice if the server dies meanwhile.
tes_status_t tes_stream_write_all(tes_endpoint_t stream, const void *bytes,
                                  uint64_t size) TES_MUST_CHECK;
// The server's answer does not matter to who leaves.
void tes_stream_close(tes_endpoint_t stream);
// notification may be 0.
tes_status_t tes_stream_poll(tes_endpoint_t stream, uint64_t asked, tes_notification_t notification,
                             uint64_t bits, uint64_t *out_ready) TES_MUST_CHECK;
tes_status_t tes_stream_info(tes_endpoint_t stream,
                             struct tes_stream_info *out_info) TES_MUST_CHECK;
