// SPDX-License-Identifier: MIT OR Apache-2.0
// What the boot code offers: reading a PVH loader's information, and the list of memory ranges.
#pragma once

#include <abi/errors.h>
#include <kernel/boot.h>

// Physical memory as the reader sees it: [0, size) at base.
struct boot_window {
    uintptr_t base;
    uint64_t size;
    uint64_t kernel_base, kernel_end; // where the kernel itself was loaded
};

// Fills the memory map, command line, module and RSDP. INVALID: not a PVH structure, or no memory
// map in it. Whatever points outside the window is left out.
tes_status_t boot_pvh_read(const struct boot_window *window, uint64_t start_info,
                           struct boot_info *out_info) TES_MUST_CHECK;

// Gives [base, end) the kind, in place of what was said before of any part of it. False: no room in
// the list; then nothing is lost but FREE memory.
bool boot_range_set(struct boot_info *info, uint64_t base, uint64_t end, uint32_t kind);
// Takes `pages` pages from the lowest FREE range at or above `floor` and below `ceiling`; 0: there
// are none.
uint64_t boot_range_take(struct boot_info *info, uint64_t pages, uint64_t floor, uint64_t ceiling);

// True if the command line has `name` as a word of its own.
bool boot_has_word(const struct boot_info *info, const char *name);
