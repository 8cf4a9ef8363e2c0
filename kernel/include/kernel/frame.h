// SPDX-License-Identifier: MIT OR Apache-2.0
// Physical page frames: buddy allocator with a per-core cache, a table of 16 bytes per frame, share
// counts for copy-on-write; and slab caches for kernel objects. Nothing here charges a Quota:
// callers do.
#pragma once

#include <abi/errors.h>
#include <kernel/types.h>

struct boot_info;

void frame_init(const struct boot_info *info);
// One frame, contents undefined. NO_MEMORY. Share count 1.
tes_status_t frame_allocate(paddr_t *out_frame) TES_MUST_CHECK;
// One frame of zeros.
tes_status_t frame_allocate_zeroed(paddr_t *out_frame) TES_MUST_CHECK;
// 2^order contiguous frames (order <= 10).
tes_status_t frame_allocate_order(uint32_t order, paddr_t *out_frame) TES_MUST_CHECK;
void frame_free(paddr_t frame);
void frame_free_order(paddr_t frame, uint32_t order);
// Sharing (copy-on-write clones, pins): frame_put frees at zero and returns true then.
void frame_get(paddr_t frame);
bool frame_put(paddr_t frame);
uint32_t frame_shares(paddr_t frame); // pins not counted
// A pin keeps the frame without counting as a share: the owner may still write it in place.
// Copy-on-write clones copy pinned frames at once, so the owner keeps the frame that devices and
// the kernel know.
void frame_pin(paddr_t frame);
void frame_unpin(paddr_t frame);
bool frame_is_pinned(paddr_t frame);
bool frame_is_ram(paddr_t frame); // managed by this allocator
uint64_t frame_total(void);
uint64_t frame_free_count(void);

// Direct map: every frame has a kernel address.
void *frame_address(paddr_t frame);
paddr_t frame_of_address(const void *address);
void page_zero(void *page);
void page_copy(void *to, const void *from);

// Slab caches: sizes 64, 128, 192, 256, 384, 512, 768, 1024, 2048; memory is zeroed, 64-byte
// aligned.
tes_status_t slab_allocate(uint32_t size, void **out_memory) TES_MUST_CHECK;
void slab_free(void *memory, uint32_t size);
uint64_t slab_pages(void); // frames held by slabs
