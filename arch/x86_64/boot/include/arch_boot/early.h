// SPDX-License-Identifier: MIT OR Apache-2.0
// Between the boot code and the kernel proper.
#pragma once

#include <arch/cpu.h>
#include <arch/machine.h>
#include <kernel/boot.h>

struct image_rela { // Elf64_Rela: what the linker leaves in a static PIE
    uint64_t offset, info, addend;
};

extern struct image_rela image_rela[], image_rela_end[]; // kernel.ld
extern struct cpu boot_cpu;
extern uint64_t boot_start_ticks;
extern uint64_t boot_identity_pdpt[512]; // 4 GiB, for cores that are being started

// Called by start.S in the identity map, with GS at boot_cpu. Returns the distance from physical
// addresses of the image to those it runs at.
uint64_t boot_early(uint64_t start_info) __attribute__((no_stack_protector));
_Noreturn void start_main(void);

extern const int32_t patch_smap_start[],
    patch_smap_end[];       // kernel.ld: distances to what clac replaces
void trap_patch_smap(void); // before text is read-only
void machine_console_init(void);
// Enters the n-th of the STACK_PAGES frames of a core's stacks into the stack window.
void mmu_map_core_stack(uint32_t core, uint32_t n, uint64_t frame);
