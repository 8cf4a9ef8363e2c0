// SPDX-License-Identifier: MIT OR Apache-2.0
// The parts of the platform that know each other. guest.c runs guests, pages.c has the
// personality's own memory, streams.c and clock.c what a guest sees of the outside, wait.c the one
// notification on which the thread that runs guests ever waits.
#pragma once

#include <personality/platform.h>
#include <tes/calls.h>

// The calling thread becomes the one that runs guests: its faults in copies are caught. The Quota
// pays for guests.
tes_status_t guest_init(tes_quota_t guest_quota) TES_MUST_CHECK;

// pages.c: at most so many pages for the personality itself.
tes_status_t pages_init(uint64_t page_limit, tes_quota_t guest_quota) TES_MUST_CHECK;

// wait.c: bits 0-2: a stream is ready.
#define WAIT_KICK 8u
tes_status_t wait_init(void) TES_MUST_CHECK;
tes_notification_t wait_notification(void);
// Until a bit of mask is set or the deadline (UINT64_MAX: none): the bits, taken; 0 at the deadline
// and when cancelled, which only kicks do.
uint64_t wait_for(uint64_t mask, uint64_t deadline_ns);
// The bits of mask that are set, taken.
uint64_t wait_poll(uint64_t mask);

// streams.c
void streams_init(void);

// blobs.c: where a blob's pages come from; platform_blob.id points to it.
struct blob_source {
    tes_memory_t memory;
    uint64_t offset;
};
static inline const struct blob_source *blob_source_of(const struct platform_blob *blob)
{
    return (const struct blob_source *)(uintptr_t)blob->id;
}
