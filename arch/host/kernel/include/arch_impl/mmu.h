// SPDX-License-Identifier: MIT OR Apache-2.0
// Host (unit tests of kernel objects): the Session window is a reserved range of this process's
// addresses.
#pragma once

#include <stdint.h>

extern char *fake_session_window;
#define MMU_SESSION_WINDOW fake_session_window
// Tests of kernel/mm: the address of frame 0 in this process.
extern char *fake_direct_map;
#define MMU_DIRECT_MAP ((uint64_t)(uintptr_t)fake_direct_map)
void mmu_load_root(uint64_t root);
