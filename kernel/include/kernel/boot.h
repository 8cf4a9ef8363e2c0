// SPDX-License-Identifier: MIT OR Apache-2.0
// What every boot path hands to kernel_main.
#pragma once

#include <kernel/types.h>

#define BOOT_MEMORY_RANGES_MAX 64u
#define BOOT_COMMAND_LINE_MAX  256u

enum boot_memory_kind {
    BOOT_MEMORY_FREE = 1,
    BOOT_MEMORY_RESERVED = 2,
    BOOT_MEMORY_KERNEL = 3,
    BOOT_MEMORY_IMAGE = 4,
    BOOT_MEMORY_TABLES = 5
};

struct boot_range {
    uint64_t base, size;
    uint32_t kind, reserved;
};

struct boot_info {
    struct boot_range
        ranges[BOOT_MEMORY_RANGES_MAX]; // sorted, not overlapping, page-aligned inwards
    uint32_t range_count;
    uint32_t core_count;           // present cores, at most CORES_MAX
    uint32_t core_hardware_ids[8]; // [0] is the boot core
    paddr_t image_base;            // boot image; size 0: none
    uint64_t image_size;
    uint64_t start_ticks; // cycle counter at the kernel's first instruction
    uint64_t realtime_ns; // UTC at boot, 0 unknown
    paddr_t acpi_rsdp;
    char command_line[BOOT_COMMAND_LINE_MAX];
};

extern struct boot_info boot_info;
_Noreturn void
kernel_main(void); // boot_info is filled, kernel page tables and the boot core's struct cpu are set
_Noreturn void kernel_main_core(void); // other cores
// Boot options, from the command line: words or name=value. Null if absent; "" if without a value.
const char *boot_option(const char *name, char *buffer, size_t size);
