// SPDX-License-Identifier: MIT OR Apache-2.0
// Client stubs of the `stream` interface.
#include <rt/bits.h>
#include <tes/stream.h>

static struct tes_call stream_call(tes_endpoint_t stream, enum tes_stream_method method)
{
    return (struct tes_call){ .endpoint = stream,
                              .method = TES_METHOD(TES_STREAM_INTERFACE, method) };
}

tes_status_t tes_stream_read(tes_endpoint_t stream, void *buffer, uint64_t size, uint64_t flags,
                             uint64_t *out_count)
{
    struct tes_call call = stream_call(stream, TES_STREAM_READ);
    uint64_t most = min_u64(size, TES_STREAM_CHUNK_MAX);
    call.words[0] = most;
    call.words[1] = flags;
    tes_call_lend_writable(&call, buffer, most);
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        *out_count = min_u64(call.words[0], most);
    }
    return status;
}

tes_status_t tes_stream_write(tes_endpoint_t stream, const void *bytes, uint64_t size,
                              uint64_t flags, uint64_t *out_count)
{
    struct tes_call call = stream_call(stream, TES_STREAM_WRITE);
    uint64_t most = min_u64(size, TES_STREAM_CHUNK_MAX);
    call.words[0] = most;
    call.words[1] = flags;
    tes_call_lend(&call, bytes, most);
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        *out_count = min_u64(call.words[0], most);
    }
    return status;
}

#define WRITE_RETRIES_MAX 8u

tes_status_t tes_stream_write_all(tes_endpoint_t stream, const void *bytes, uint64_t size)
{
    const uint8_t *at = bytes;
    uint32_t deaths = 0;
    while (size != 0) {
        uint64_t count = 0;
        tes_status_t status = tes_stream_write(stream, at, size, 0, &count);
        if (status == TES_ERROR_PEER_DIED && deaths++ < WRITE_RETRIES_MAX) {
            continue;
        }
        if (status != TES_OK) {
            return status;
        }
        at += count;
        size -= count;
    }
    return TES_OK;
}

void tes_stream_close(tes_endpoint_t stream)
{
    struct tes_call call = stream_call(stream, TES_STREAM_CLOSE);
    (void)!tes_call(&call); // the stream ends either way
}

tes_status_t tes_stream_poll(tes_endpoint_t stream, uint64_t asked, tes_notification_t notification,
                             uint64_t bits, uint64_t *out_ready)
{
    struct tes_call call = stream_call(stream, TES_STREAM_POLL);
    call.words[0] = asked;
    call.words[1] = bits;
    call.handles[0] = notification.value;
    call.handle_count = notification.value != 0 ? 1 : 0;
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        *out_ready = call.words[0];
    }
    return status;
}

tes_status_t tes_stream_info(tes_endpoint_t stream, struct tes_stream_info *out_info)
{
    struct tes_call call = stream_call(stream, TES_STREAM_INFO);
    tes_status_t status = tes_call(&call);
    if (status == TES_OK) {
        *out_info = (struct tes_stream_info){
            .kind = (enum tes_stream_kind)call.words[0],
            .rows = (uint32_t)call.words[1],
            .columns = (uint32_t)call.words[2],
            .size = call.words[3],
        };
    }
    return status;
}
