// SPDX-License-Identifier: MIT OR Apache-2.0
// tes_call: one call with everything that can travel with it. Messages of words only never touch
// the message page, so they can take the kernel's fast path.
#include <rt/atomic.h>
#include <rt/string.h>
#include <tes/ipc.h>
#include <tes/thread.h>

#define FAULT_REPEATS_MAX 4096u // pages touched for one call: 16 MiB
#define RETRIES_MAX       8u    // deaths of the server survived by one call

static void lend(struct tes_call *call, uint64_t address, uint64_t size, uint32_t flags)
{
    if (call->lease_count < TES_MESSAGE_LEASES_MAX) {
        call->leases[call->lease_count] =
            (struct tes_lease){ .address = address, .size = size, .flags = flags };
    }
    call->lease_count++; // one too many is the kernel's INVALID
}

void tes_call_lend(struct tes_call *call, const void *address, uint64_t size)
{
    lend(call, (uint64_t)address, size, TES_LEASE_READ);
}

void tes_call_lend_writable(struct tes_call *call, void *address, uint64_t size)
{
    lend(call, (uint64_t)address, size, TES_LEASE_WRITE);
}

// The server names an address: only what was lent is touched. A writable page is written with what
// it holds, atomically, since other threads may use it meanwhile.
static bool touch(const struct tes_call *call, uint64_t address)
{
    for (uint32_t i = 0; i < call->lease_count; i++) {
        const struct tes_lease *lease = &call->leases[i];
        if (address - lease->address >= lease->size || (lease->flags & TES_LEASE_GUEST) != 0) {
            continue;
        }
        uint8_t *byte = (uint8_t *)address;
        if ((lease->flags & TES_LEASE_WRITE) != 0) {
            (void)__atomic_fetch_or(byte, 0, ATOMIC_RELAXED);
        } else {
            (void)__atomic_load_n(byte, ATOMIC_RELAXED);
        }
        return true;
    }
    return false;
}

static void page_fill(const struct tes_call *call, struct tes_message_page *page)
{
    page->accept = call->accept;
    memcpy(page->handles, call->handles, sizeof(page->handles));
    memcpy(page->leases, call->leases, sizeof(page->leases));
}

static void page_take(struct tes_call *call, struct tes_message_page *page, uint64_t label)
{
    call->received_count = tes_label_handles(label);
    memcpy(call->received, page->received_handles, sizeof(call->received));
    page->accept = 0;
}

tes_status_t tes_call(struct tes_call *call)
{
    bool uses_page = (call->accept | call->handle_count | call->lease_count) != 0;
    struct tes_message_page *page = uses_page ? tes_thread_block()->message_page : NULL;
    for (uint32_t repeats = 0;; repeats++) {
        struct tes_message message;
        message.label = tes_label_make(call->method, call->handle_count, call->lease_count);
        memcpy(message.words, call->words, sizeof(message.words));
        if (uses_page) {
            page_fill(call, page);
        }
        tes_status_t status = tes_ipc_call(call->endpoint, &message);
        if (status != TES_OK) {
            return status;
        }
        status = (tes_status_t)tes_label_method(message.label);
        if (status == TES_ERROR_FAULT && repeats < FAULT_REPEATS_MAX &&
            touch(call, message.words[0])) {
            continue;
        }
        memcpy(call->words, message.words, sizeof(call->words));
        call->received_count = 0;
        if (uses_page) {
            page_take(call, page, message.label);
        }
        return status;
    }
}

tes_status_t tes_call_idempotent(struct tes_call *call)
{
    struct tes_call again = *call;
    tes_status_t status = tes_call(call);
    for (uint32_t i = 0; i < RETRIES_MAX && status == TES_ERROR_PEER_DIED; i++) {
        *call = again;
        status = tes_call(call);
    }
    return status;
}
