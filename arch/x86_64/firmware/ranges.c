// SPDX-License-Identifier: MIT OR Apache-2.0
// The list of memory ranges in boot_info: sorted, not overlapping, whole pages. Later statements
// win, so callers state RAM first, then what is reserved, then what is used. Runs before
// relocation: no pointers in constants.
#include <firmware/pvh.h>

static bool insert_at(struct boot_info *info, uint32_t index, const struct boot_range *range)
{
    if (info->range_count == BOOT_MEMORY_RANGES_MAX) {
        return false;
    }
    for (uint32_t i = info->range_count; i > index; i--) {
        info->ranges[i] = info->ranges[i - 1];
    }
    info->ranges[index] = *range;
    info->range_count++;
    return true;
}

static void remove_at(struct boot_info *info, uint32_t index)
{
    info->range_count--;
    for (uint32_t i = index; i < info->range_count; i++) {
        info->ranges[i] = info->ranges[i + 1];
    }
}

// Takes [base, end) out of the range at index. Returns how many ranges stand there afterwards (0 to
// 2). Without room for two, the upper part is given up.
static uint32_t cut(struct boot_info *info, uint32_t index, uint64_t base, uint64_t end)
{
    struct boot_range *range = &info->ranges[index];
    const uint64_t range_end = range->base + range->size;
    const struct boot_range upper = { .base = end, .size = range_end - end, .kind = range->kind };
    const bool has_upper = range_end > end;
    if (range->base < base) {
        range->size = base - range->base;
        return has_upper && insert_at(info, index + 1, &upper) ? 2 : 1;
    }
    if (has_upper) {
        *range = upper;
        return 1;
    }
    remove_at(info, index);
    return 0;
}

bool boot_range_set(struct boot_info *info, uint64_t base, uint64_t end, uint32_t kind)
{
    if (kind == BOOT_MEMORY_FREE) {
        base = (base + PAGE_MASK) & ~PAGE_MASK;
        end &= ~PAGE_MASK;
    } else {
        base &= ~PAGE_MASK;
        end = (end + PAGE_MASK) & ~PAGE_MASK;
    }
    if (base >= end) {
        return true;
    }
    uint32_t index = 0;
    while (index < info->range_count && info->ranges[index].base < end) {
        const bool is_apart = info->ranges[index].base + info->ranges[index].size <= base;
        index += is_apart ? 1 : cut(info, index, base, end);
    }
    index = 0;
    while (index < info->range_count && info->ranges[index].base < base) {
        index++;
    }
    const struct boot_range range = { .base = base, .size = end - base, .kind = kind };
    return insert_at(info, index, &range);
}

uint64_t boot_range_take(struct boot_info *info, uint64_t pages, uint64_t floor, uint64_t ceiling)
{
    for (uint32_t i = 0; i < info->range_count; i++) {
        const struct boot_range *range = &info->ranges[i];
        const uint64_t start = range->base > floor ? range->base : floor;
        const uint64_t end =
            range->base + range->size < ceiling ? range->base + range->size : ceiling;
        if (range->kind == BOOT_MEMORY_FREE && start < end &&
            (end - start) >> PAGE_SHIFT >= pages) {
            const bool is_set =
                boot_range_set(info, start, start + (pages << PAGE_SHIFT), BOOT_MEMORY_TABLES);
            return is_set ? start : 0;
        }
    }
    return 0;
}
