// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls that are started now and completed later. The client lends a Memory with a ring and a
// notification for its Session (OPEN, once). A method may then answer STARTED with a token; the
// result follows on the ring. A slot is reserved when the call is started, so a completion never
// waits and is never lost: with all slots promised the answer is BUSY.
//
//   method  words in   handles                              words out
//   OPEN    0 slots    0 Memory READ WRITE, 1 Notification   -
//                      with SIGNAL
#pragma once

#include <ring/ring.h>
#include <tes/memory.h>
#include <tes/server.h>

#define TES_COMPLETION_INTERFACE 3u
#define TES_COMPLETION_OPEN      0u
#define TES_COMPLETION_BIT       1u
#define TES_COMPLETION_SLOTS_MAX 1024u
#define TES_COMPLETION_WORDS     5u

// size: what the result came to; if it did not fit into words it is fetched by a call with the
// token.
struct tes_completion {
    uint64_t token;
    int32_t status;
    uint32_t reserved;
    uint64_t size;
    uint64_t words[TES_COMPLETION_WORDS];
};
static_assert(sizeof(struct tes_completion) == 64, "one slot, one cache line");

// The server's side, one for each client.
struct tes_completion_sink {
    struct ring_end ring;
    void *memory;
    uint64_t memory_size;
    uint64_t memory_handle;
    tes_notification_t notification;
    uint32_t promised; // started, not yet taken by the client
    uint64_t next_token;
};
// Method OPEN: takes both handles.
tes_status_t tes_completion_open(struct tes_completion_sink *sink,
                                 struct tes_request *request) TES_MUST_CHECK;
// BUSY: no slot. On success answer the call with STARTED and the token in word 0.
tes_status_t tes_completion_start(struct tes_completion_sink *sink,
                                  uint64_t *out_token) TES_MUST_CHECK;
void tes_completion_finish(struct tes_completion_sink *sink, const struct tes_completion *result);
void tes_completion_close(struct tes_completion_sink *sink);

// The client's side.
struct tes_completion_source {
    struct ring_end ring;
    struct tes_pages pages;
    tes_notification_t notification;
};
tes_status_t tes_completion_connect(struct tes_completion_source *source, tes_endpoint_t server,
                                    uint32_t slots) TES_MUST_CHECK;
// Waits (up to the thread's deadline) for the next result.
tes_status_t tes_completion_next(struct tes_completion_source *source,
                                 struct tes_completion *out_completion) TES_MUST_CHECK;
void tes_completion_disconnect(struct tes_completion_source *source);
