// SPDX-License-Identifier: MIT OR Apache-2.0
// The layout of messages: the label word, the thread's message page, kinds of received messages.
// Eight data words and the label travel in registers (see arch/<a>/abi); leases and handles stand
// in the message page, which the kernel reads once per message and validates.
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define TES_MESSAGE_WORDS       8u
#define TES_MESSAGE_HANDLES_MAX 4u
#define TES_MESSAGE_LEASES_MAX  4u

// Label word. Bits 0-15 belong to the kernel, bits 16-31 are reserved and must be 0, bits 32-63 are
// the method or the interface's own result code. With bits 0-15 all 0 a message can take the fast
// path.
#define TES_LABEL_HANDLES_SHIFT 0u // number of handles sent with this message (0-4)
#define TES_LABEL_LEASES_SHIFT  3u // number of leases lent for this call (0-4)
#define TES_LABEL_COUNT_MASK    7u
#define TES_LABEL_MOVE          (1u << 6) // handles are moved, not copied
#define TES_LABEL_LEND                                                                             \
    (1u << 7) // handles are lent for the length of the call: dead at the reply, cannot be handed on
#define TES_LABEL_KIND_SHIFT    12u // set by the kernel on received messages; senders leave it 0
#define TES_LABEL_KIND_MASK     15u
#define TES_LABEL_KERNEL_MASK   0xffffu
#define TES_LABEL_RESERVED_MASK 0xffff0000u
#define TES_LABEL_METHOD_SHIFT  32u

// What a receive returned (TES_LABEL_KIND). Words not named are 0.
enum tes_message_kind {
    TES_MESSAGE_CALL = 0,         // a call: answer it
    TES_MESSAGE_SEND = 1,         // one-way: nobody waits for an answer
    TES_MESSAGE_NOTIFICATION = 2, // word 0: the bits taken from the bound notification
    TES_MESSAGE_CLOSED = 3, // badge: the last handle of that Session is gone, no call is under way
    TES_MESSAGE_CANCELLED =
        4, // badge: a call received under that Session was cancelled, or the Session revoked
    TES_MESSAGE_FAULT = 5, // a thread's fault: words as in struct tes_fault; a reply resumes it
    TES_MESSAGE_PAGE =
        6, // a pager is asked: word 0 Memory's pager badge, 1 first page, 2 count, 3 access
};

// Lease descriptor. Direction is what the server may do.
#define TES_LEASE_READ  1u
#define TES_LEASE_WRITE 2u
#define TES_LEASE_GUEST 4u // address is in the guest Space the caller is bound to
struct tes_lease {
    uint64_t address;
    uint64_t size;
    uint32_t flags;
    uint32_t reserved;
};

// The message page. Written by the thread, except received_*, which the kernel writes on delivery.
struct tes_message_page {
    uint32_t accept;         // how many handles this thread takes with the next message (0-4)
    uint32_t received_count; // handles delivered with the last message
    uint64_t handles[TES_MESSAGE_HANDLES_MAX];          // to send
    uint64_t received_handles[TES_MESSAGE_HANDLES_MAX]; // delivered
    struct tes_lease leases[TES_MESSAGE_LEASES_MAX];    // to lend with the next call
    struct tes_lease
        received_leases[TES_MESSAGE_LEASES_MAX]; // address is 0: only size and flags are told
    uint64_t fault_address; // after FAULT: the caller's address that was not present
};
static_assert(sizeof(struct tes_lease) == 24, "lease layout");
static_assert(offsetof(struct tes_message_page, handles) == 8, "message page layout");
static_assert(sizeof(struct tes_message_page) <= 512, "fits at the start of a page");
#define TES_MESSAGE_PAGE_SIZE 4096u
