// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads struct hvm_start_info of a PVH loader (Xen public/arch-x86/hvm/start_info.h) into
// boot_info. The loader is trusted to describe memory, but nothing is followed that does not lie
// wholly inside the window. Runs before relocation on the target, and in a host test.
#include <firmware/pvh.h>
#include <kernel/limits.h>

#define PVH_MAGIC           0x336ec578u
#define PVH_MAP_ENTRIES_MAX 128u
#define E820_RAM            1u // ACPI 6.5, 15.2
#define LOW_MEMORY_END      0x100000ull

struct pvh_start_info {
    uint32_t magic;
    uint32_t version; // from 1 on there is a memory map
    uint32_t flags;
    uint32_t module_count;
    uint64_t module_list;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_map_entries;
    uint32_t reserved;
};
static_assert(sizeof(struct pvh_start_info) == 56, "start_info.h");

struct pvh_module {
    uint64_t base, size, command_line, reserved;
};

struct pvh_memory {
    uint64_t base, size;
    uint32_t type, reserved;
};
static_assert(sizeof(struct pvh_memory) == 24, "start_info.h");

static const void *look(const struct boot_window *window, uint64_t address, uint64_t size)
{
    if (address == 0 || size > window->size || address > window->size - size) {
        return NULL;
    }
    return (const void *)(window->base + (uintptr_t)address);
}

static void copy(void *to, const void *from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    for (size_t i = 0; i < size; i++) {
        out[i] = in[i];
    }
}

static void read_command_line(const struct boot_window *window, uint64_t address,
                              struct boot_info *info)
{
    size_t length = 0;
    while (length < BOOT_COMMAND_LINE_MAX - 1) {
        const char *c = look(window, address + length, 1);
        if (address == 0 || c == NULL || *c == '\0') {
            break;
        }
        info->command_line[length] = *c;
        length++;
    }
    info->command_line[length] = '\0';
}

// Entries of one class: RAM, or (later, so that it wins) everything else.
static void add_entries(const struct boot_window *window, const struct pvh_start_info *start,
                        bool is_ram, struct boot_info *info)
{
    for (uint32_t i = 0; i < start->memory_map_entries && i < PVH_MAP_ENTRIES_MAX; i++) {
        struct pvh_memory entry = { 0 };
        const void *source = look(window, start->memory_map + i * sizeof(struct pvh_memory),
                                  sizeof(struct pvh_memory));
        if (source == NULL) {
            return;
        }
        copy(&entry, source, sizeof(entry));
        if ((entry.type == E820_RAM) != is_ram || entry.base >= MEMORY_SIZE_MAX) {
            continue;
        }
        const uint64_t room = MEMORY_SIZE_MAX - entry.base;
        const uint64_t size = entry.size < room ? entry.size : room;
        (void)boot_range_set(info, entry.base, entry.base + size,
                             is_ram ? BOOT_MEMORY_FREE
                                    : BOOT_MEMORY_RESERVED); // full: memory is unused
    }
}

// True if all of [base, end) is RAM that nobody uses yet.
static bool is_free(const struct boot_info *info, uint64_t base, uint64_t end)
{
    for (uint32_t i = 0; i < info->range_count; i++) {
        const struct boot_range *range = &info->ranges[i];
        if (range->kind == BOOT_MEMORY_FREE && range->base <= base &&
            end <= range->base + range->size) {
            return true;
        }
    }
    return false;
}

static void read_module(const struct boot_window *window, const struct pvh_start_info *start,
                        struct boot_info *info)
{
    struct pvh_module module = { 0 };
    const void *source = look(window, start->module_list, sizeof(module));
    if (start->module_count == 0 || source == NULL) {
        return;
    }
    copy(&module, source, sizeof(module));
    if (module.size == 0 || module.base >= MEMORY_SIZE_MAX || module.size >= MEMORY_SIZE_MAX) {
        return;
    }
    const uint64_t base = module.base & ~PAGE_MASK;
    const uint64_t end = (module.base + module.size + PAGE_MASK) & ~PAGE_MASK;
    if (!is_free(info, base, end) || !boot_range_set(info, base, end, BOOT_MEMORY_IMAGE)) {
        return;
    }
    info->image_base = paddr_make(module.base);
    info->image_size = module.size;
}

tes_status_t boot_pvh_read(const struct boot_window *window, uint64_t start_info,
                           struct boot_info *out_info)
{
    struct pvh_start_info start = { 0 };
    const void *source = look(window, start_info, sizeof(start));
    if (source == NULL) {
        return TES_ERROR_INVALID;
    }
    copy(&start, source, sizeof(start));
    if (start.magic != PVH_MAGIC || start.version == 0 || start.memory_map >= window->size) {
        return TES_ERROR_INVALID;
    }
    add_entries(window, &start, true, out_info);
    add_entries(window, &start, false, out_info);
    (void)boot_range_set(out_info, 0, LOW_MEMORY_END,
                         BOOT_MEMORY_RESERVED); // firmware's, and the cores' trampoline
    if (!boot_range_set(out_info, window->kernel_base, window->kernel_end, BOOT_MEMORY_KERNEL)) {
        return TES_ERROR_INVALID;
    }
    read_module(window, &start, out_info);
    read_command_line(window, start.command_line, out_info);
    out_info->acpi_rsdp = paddr_make(start.rsdp);
    return TES_OK;
}

bool boot_has_word(const struct boot_info *info, const char *name)
{
    const char *line = info->command_line;
    for (size_t at = 0; line[at] != '\0';) {
        size_t n = 0;
        while (name[n] != '\0' && line[at + n] == name[n]) {
            n++;
        }
        if (name[n] == '\0' && (line[at + n] == '\0' || line[at + n] == ' ')) {
            return true;
        }
        while (line[at] != '\0' && line[at] != ' ') {
            at++;
        }
        at += line[at] == ' ' ? 1 : 0;
    }
    return false;
}
