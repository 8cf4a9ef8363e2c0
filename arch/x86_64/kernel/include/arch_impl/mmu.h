// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: the kernel half of every root (4-level paging), the same in all of them:
//   entry 256…507  all RAM (and nothing else) from physical address 0, never executable
//   entry 508      windows: kernel devices, core stacks with guard pages, at 1 GiB the Session
//   table entry 511      the kernel image in the last 2 GiB, moved by a random multiple of 2 MiB
#pragma once

#include <stdint.h>

#define MMU_DIRECT_MAP     0xffff800000000000ull
#define MMU_WINDOWS        0xfffffe0000000000ull
#define MMU_DEVICE_WINDOW  MMU_WINDOWS
#define MMU_DEVICE_PAGES   512u // one static page table
#define MMU_STACK_WINDOW   (MMU_WINDOWS + 0x200000ull)
#define MMU_SESSION_WINDOW (MMU_WINDOWS + 0x40000000ull)
// Each core's part of the stack window: a guard page below each of its stacks.
#define STACK_STRIDE         0x20000ull
#define STACK_PAGES_MAIN     4u // KERNEL_STACK_PAGES
#define STACK_PAGES_SPECIAL  2u
#define STACK_SPECIALS       4u // NMI, double fault, machine check, debug (cpu.c)
#define STACK_PAGES          (STACK_PAGES_MAIN + STACK_PAGES_SPECIAL * STACK_SPECIALS)
#define STACK_TOP_MAIN       ((1u + STACK_PAGES_MAIN) * 4096ull)
#define STACK_TOP_SPECIAL(n) (STACK_TOP_MAIN + ((n) + 1ull) * (1u + STACK_PAGES_SPECIAL) * 4096u)
#define MMU_IMAGE_BASE       0xffffffff80000000ull

// Page-table entries (Intel SDM vol. 3, 4.5).
#define PTE_PRESENT    1ull
#define PTE_WRITE      2ull
#define PTE_USER       4ull
#define PTE_UNCACHED   0x18ull // PCD and PWT
#define PTE_ACCESSED   0x20ull
#define PTE_DIRTY      0x40ull
#define PTE_LARGE      0x80ull
#define PTE_GLOBAL     0x100ull
#define PTE_NO_EXECUTE (1ull << 63)
#define PTE_FRAME      0x000ffffffffff000ull
#define PTE_DATA       (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NO_EXECUTE)
#define PTE_TABLE      (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define PT_ENTRIES     512u

static inline uint32_t mmu_index(uint64_t address, uint32_t level) // level 0: page table … 3: root
{
    return (uint32_t)(address >> (12 + 9 * level)) & (PT_ENTRIES - 1);
}

// Tables that are part of the image (boot/early.c fills them).
extern uint64_t mmu_kernel_root_table[PT_ENTRIES];
extern uint64_t mmu_device_table[PT_ENTRIES]; // of the device window
extern uint64_t mmu_stack_table[PT_ENTRIES];  // of the stack window

extern uint8_t image_start[], image_rodata[], image_data[], image_end[]; // kernel.ld

uint64_t mmu_kernel_root(void); // of cores that run no Space
// What is added to a physical address of the image to have its own one.
static inline uint64_t mmu_image_offset(void)
{
    return (uint64_t)(uintptr_t)image_start - 0x200000ull; // kernel.ld: loaded at 2 MiB
}
#define MMU_PEEK_PAGES 17u
// At boot: a read-only look at up to 64 KiB of physical memory, until the next call. Null: too
// large.
const void *mmu_kernel_peek(uint64_t base, uint64_t size);

static inline void mmu_load_root(uint64_t root)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}
