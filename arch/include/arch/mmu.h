// SPDX-License-Identifier: MIT OR Apache-2.0
// Contract: page tables. Entries are made and looked at only through these; locking and charging is
// the caller's (kernel/mm). Table frames come from frame_allocate_zeroed and are counted for the
// caller.
#pragma once

#include <abi/errors.h>
#include <kernel/types.h>

enum mmu_flag {
    MMU_READ = 1,
    MMU_WRITE = 2,
    MMU_EXECUTE = 4,
    MMU_USER = 8,
    MMU_DEVICE = 16, // uncached
    MMU_GLOBAL = 32,
};

struct mmu_tables { // table frames an operation took or gave back
    uint32_t allocated;
};

// A new root whose kernel half is the kernel's. shared_top: guest roots share the personality's top
// entries (0: none).
tes_status_t mmu_root_create(uint64_t *out_root) TES_MUST_CHECK;
void mmu_root_destroy(uint64_t root);
// Makes the last TES personality entries of the guest's root those of the personality's own root.
void mmu_root_share_personality(uint64_t guest_root, uint64_t personality_root);
tes_status_t mmu_preallocate_personality(uint64_t root, uint32_t *out_tables) TES_MUST_CHECK;
// The same lower half in both roots of a guest (full and restricted): called after tables were
// added below `address`.
void mmu_root_sync_low(uint64_t full_root, uint64_t restricted_root, uint64_t address);
// Enters one page, making tables (their number in *out_tables). Replaces what was there. NO_MEMORY
// (nothing changed).
tes_status_t mmu_map(uint64_t root, uint64_t address, paddr_t frame, uint32_t flags,
                     uint32_t *out_tables) TES_MUST_CHECK;
// Looks one up; false: not present.
bool mmu_lookup(uint64_t root, uint64_t address, paddr_t *out_frame, uint32_t *out_flags);
// Takes up to `limit` present entries of [at, end) away, or (is_kept) only their right to write.
// `at`: where it stopped; [lowered_start, lowered_end): the changes, for the shoot-down (end 0:
// none).
struct mmu_range {
    uint64_t root, at, end;
    bool is_kept;
    uint64_t lowered_start, lowered_end;
};
void mmu_lower(struct mmu_range *range, uint32_t limit);
// Frees table pages that are wholly inside [start, end) and hold no entry; returns how many. Their
// frames go to `free_table` (after shoot-down and quiescence).
uint32_t mmu_free_tables(uint64_t root, uint64_t start, uint64_t end,
                         void (*free_table)(paddr_t table));
// Frees all table pages below `end`, whatever they hold; no core has the root loaded.
uint32_t mmu_free_all_tables(uint64_t root, uint64_t end, void (*free_table)(paddr_t table));
// This core's TLB.
void mmu_flush_page(uint64_t address);
void mmu_flush_all(void);
// Kernel windows (Session table, device registers of the kernel): fixed range of kernel addresses.
tes_status_t mmu_kernel_map(uint64_t address, paddr_t frame, uint32_t flags) TES_MUST_CHECK;
void mmu_kernel_unmap(uint64_t address);
void *mmu_kernel_map_device(paddr_t base, uint64_t size); // at boot; null: no room
#include <arch_impl/mmu.h>
// #define MMU_SESSION_WINDOW …  kernel address of the Session table (SESSION_TABLE_MAX * 128 bytes)
// #define MMU_DIRECT_MAP …      expression: kernel address of physical address 0
// static inline void mmu_load_root(uint64_t root);
