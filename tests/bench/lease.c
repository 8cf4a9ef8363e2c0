// SPDX-License-Identifier: MIT OR Apache-2.0
// A call that lends a range which the server copies into its own memory: the whole round trip.
#include "measure.h"

#define SIZE_SMALL   4096u
#define SIZE_LARGE   (1u << 20)
#define READ_WRITE   (TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE)
#define HANDLE_INDEX 1u
#define METHOD_STOP  1u
#define METHOD_SHORT 2u // the answer when less was copied

static uint64_t buffer_make(tes_quota_t quota, tes_space_t space)
{
    tes_memory_t memory = { 0 };
    uint64_t mapped = 0;
    MUST(tes_memory_create(quota, SIZE_LARGE, TES_MEMORY_CREATE_COMMIT, (tes_endpoint_t){ 0 }, 0,
                           &memory));
    MUST(tes_space_map(space, memory, 0, 0, SIZE_LARGE, READ_WRITE | TES_SPACE_MAP_POPULATE,
                       &mapped));
    return mapped;
}

static void server_main(struct child_block *block)
{
    struct tes_message message = { .handle = block->handles[HANDLE_INDEX] };
    uint64_t buffer = buffer_make(block->quota, block->space);
    tes_status_t status = tes_arch_message(TES_CALL_IPC_RECV, &message);
    while (status == TES_OK && message.label >> TES_LABEL_METHOD_SHIFT != METHOD_STOP) {
        uint64_t size = message.words[0];
        uint64_t done = 0;
        while (status == TES_OK && done < size) {
            uint64_t copied = 0;
            status =
                tes_lease_copy((tes_reply_t){ 0 }, 0, done, buffer + done, size - done, 0, &copied);
            done += copied;
        }
        message.label = done == size ? 0 : (uint64_t)METHOD_SHORT << TES_LABEL_METHOD_SHIFT;
        status = tes_arch_message(TES_CALL_IPC_REPLY_RECV, &message);
    }
    message.handle = 0;
    message.label = 0;
    MUST(tes_arch_message(TES_CALL_IPC_REPLY, &message));
}

struct lending {
    tes_endpoint_t endpoint;
    uint64_t size;
};

static void calls(void *context, uint32_t operations)
{
    const struct lending *lending = context;
    for (uint32_t i = 0; i < operations; i++) {
        struct tes_message message = {
            .handle = lending->endpoint.value,
            .label = 1u << TES_LABEL_LEASES_SHIFT,
            .words = { lending->size },
        };
        MUST(tes_arch_message(TES_CALL_IPC_CALL, &message));
        MUST(message.label == 0 ? TES_OK : TES_ERROR_FAULT);
    }
}

void bench_lease(void)
{
    struct child child;
    struct lending lending = { .size = SIZE_SMALL };
    struct tes_message_page *page = program_message_page();
    helper_create(&child, 1);
    MUST(tes_endpoint_create(own_quota(), &lending.endpoint));
    MUST(child_give(&child, HANDLE_INDEX, lending.endpoint.value));
    MUST(child_run(&child, server_main));
    page->leases[0] = (struct tes_lease){
        .address = buffer_make(own_quota(), own_space()),
        .size = SIZE_LARGE,
        .flags = TES_LEASE_READ,
    };
    bench("lease_copy_4k", calls, &lending, BENCH_OPERATIONS);
    lending.size = SIZE_LARGE;
    bench("lease_copy_1m", calls, &lending, 1);
    struct tes_message stop = {
        .handle = lending.endpoint.value,
        .label = (uint64_t)METHOD_STOP << TES_LABEL_METHOD_SHIFT,
    };
    MUST(tes_arch_message(TES_CALL_IPC_CALL, &stop));
    MUST(child_wait(&child));
    MUST(child_destroy(&child));
    MUST(tes_object_destroy(tes_endpoint_any(lending.endpoint)));
}
