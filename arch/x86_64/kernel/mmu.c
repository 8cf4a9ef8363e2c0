// SPDX-License-Identifier: MIT OR Apache-2.0
// Page tables of four levels (Intel SDM vol. 3, 4.5), reached through the direct map. Locking and
// charging is the caller's. Only the direct map has large entries, and nothing here walks that.
// boot/early.c makes the kernel half.
#include "x86.h"

#include <abi_arch/registers.h>
#include <arch_boot/early.h>
#include <kernel/assert.h>
#include <kernel/frame.h>

#define ROOT_LEVEL          3u
#define ROOT_KERNEL_FIRST   256u
#define PERSONALITY_FIRST   mmu_index(TES_PERSONALITY_BASE, ROOT_LEVEL)
#define PERSONALITY_ENTRIES 4u
#define STACK_STRIDE_PAGES  ((uint32_t)(STACK_STRIDE >> PAGE_SHIFT))

static uint32_t device_pages_used;

static inline uint64_t *table_at(uint64_t entry)
{
    return (uint64_t *)(MMU_DIRECT_MAP + (entry & PTE_FRAME));
}

static inline uint64_t level_size(uint32_t level)
{
    return 1ull << (PAGE_SHIFT + 9 * level);
}

static inline uint64_t entry_make(paddr_t frame, uint32_t flags)
{
    uint64_t entry = frame.value | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;
    entry |= flags & MMU_WRITE;
    entry |= (flags & MMU_USER) >> 1;
    entry |= (flags & MMU_DEVICE) | (flags & MMU_DEVICE) >> 1;
    entry |= (flags & MMU_GLOBAL) << 3;
    return (flags & MMU_EXECUTE) != 0 ? entry : entry | PTE_NO_EXECUTE;
}
static_assert(MMU_WRITE == PTE_WRITE && MMU_USER >> 1 == PTE_USER, "entry_make");
static_assert((MMU_DEVICE | MMU_DEVICE >> 1) == PTE_UNCACHED && MMU_GLOBAL << 3 == PTE_GLOBAL,
              "entry_make");

static uint32_t entry_flags(uint64_t entry)
{
    uint32_t flags = MMU_READ;
    flags |= (uint32_t)(entry & PTE_WRITE);
    flags |= (entry & PTE_USER) != 0 ? MMU_USER : 0;
    flags |= (entry & PTE_UNCACHED) != 0 ? MMU_DEVICE : 0;
    flags |= (entry & PTE_GLOBAL) != 0 ? MMU_GLOBAL : 0;
    return (entry & PTE_NO_EXECUTE) == 0 ? flags | MMU_EXECUTE : flags;
}

// The entry for address in its page table; null if a table is missing.
static inline uint64_t *leaf_of(uint64_t root, uint64_t address)
{
    const uint64_t third = table_at(root)[mmu_index(address, 3)];
    if ((third & PTE_PRESENT) == 0) {
        return NULL;
    }
    const uint64_t second = table_at(third)[mmu_index(address, 2)];
    if ((second & PTE_PRESENT) == 0) {
        return NULL;
    }
    const uint64_t first = table_at(second)[mmu_index(address, 1)];
    return (first & PTE_PRESENT) == 0 ? NULL : &table_at(first)[mmu_index(address, 0)];
}

// Follows address down to the table of `level`. Returns its entry there, or null with the level of
// the absent one.
static uint64_t *entry_at(uint64_t root, uint64_t address, uint32_t level, uint32_t *out_absent)
{
    uint64_t *table = table_at(root);
    for (uint32_t at = ROOT_LEVEL; at > level; at--) {
        const uint64_t entry = table[mmu_index(address, at)];
        if ((entry & PTE_PRESENT) == 0) {
            *out_absent = at;
            return NULL;
        }
        table = table_at(entry);
    }
    return &table[mmu_index(address, level)];
}

// Makes the missing tables: all are allocated before the first is linked.
static tes_status_t make_tables(uint64_t root, uint64_t address, uint32_t *out_tables)
{
    uint64_t *table = table_at(root);
    uint32_t level = ROOT_LEVEL;
    while (level > 0 && (table[mmu_index(address, level)] & PTE_PRESENT) != 0) {
        table = table_at(table[mmu_index(address, level)]);
        level--;
    }
    paddr_t frames[ROOT_LEVEL] = { { 0 } };
    for (uint32_t i = 0; i < level; i++) {
        if (frame_allocate_zeroed(&frames[i]) != TES_OK) {
            while (i > 0) {
                i--;
                frame_free(frames[i]);
            }
            return TES_ERROR_NO_MEMORY;
        }
    }
    *out_tables = level;
    const uint64_t user = mmu_index(address, ROOT_LEVEL) < ROOT_KERNEL_FIRST ? PTE_USER : 0;
    for (; level > 0; level--) {
        const uint64_t entry = frames[level - 1].value | PTE_TABLE | user;
        table[mmu_index(address, level)] = entry;
        table = table_at(entry);
    }
    return TES_OK;
}

tes_status_t mmu_map(uint64_t root, uint64_t address, paddr_t frame, uint32_t flags,
                     uint32_t *out_tables)
{
    uint64_t *entry = leaf_of(root, address);
    *out_tables = 0;
    if (__builtin_expect(entry == NULL, 0)) {
        const tes_status_t status = make_tables(root, address, out_tables);
        if (status != TES_OK) {
            return status;
        }
        entry = leaf_of(root, address);
    }
    *entry = entry_make(frame, flags);
    return TES_OK;
}

bool mmu_lookup(uint64_t root, uint64_t address, paddr_t *out_frame, uint32_t *out_flags)
{
    const uint64_t *entry = leaf_of(root, address);
    if (entry == NULL || (*entry & PTE_PRESENT) == 0) {
        return false;
    }
    *out_frame = paddr_make(*entry & PTE_FRAME);
    *out_flags = entry_flags(*entry);
    return true;
}

void mmu_lower(struct mmu_range *range, uint32_t limit)
{
    const uint64_t keep = range->is_kept ? ~(uint64_t)PTE_WRITE : 0;
    uint64_t at = range->at;
    while (at < range->end && limit != 0) {
        uint32_t absent = 0;
        uint64_t *entry = entry_at(range->root, at, 0, &absent);
        const uint64_t size = level_size(entry == NULL ? absent : 1);
        const uint64_t next = (at & ~(size - 1)) + size;
        const uint64_t stop = next < range->end ? next : range->end;
        for (; entry != NULL && at < stop && limit != 0; at += PAGE_SIZE, entry++) {
            if ((*entry & ~keep) == 0) {
                continue;
            }
            *entry &= keep;
            range->lowered_start = range->lowered_end == 0 ? at : range->lowered_start;
            range->lowered_end = at + PAGE_SIZE;
            limit--;
        }
        at = entry == NULL ? stop : at;
    }
    range->at = at;
}

static bool table_is_empty(const uint64_t *table)
{
    for (uint32_t i = 0; i < PT_ENTRIES; i++) {
        if (table[i] != 0) {
            return false;
        }
    }
    return true;
}

// Tables that entries of `level` point to: 1 page tables, 2 and 3 those above.
static uint32_t free_level(uint64_t root, uint64_t start, uint64_t end, uint32_t level,
                           void (*free_table)(paddr_t table))
{
    const uint64_t size = level_size(level);
    uint64_t at = (start + size - 1) & ~(size - 1);
    uint32_t freed = 0;
    while (at < end && end - at >= size) {
        uint32_t absent = level;
        uint64_t *entry = entry_at(root, at, level, &absent);
        if (entry != NULL && (*entry & PTE_PRESENT) != 0 && table_is_empty(table_at(*entry))) {
            const paddr_t table = paddr_make(*entry & PTE_FRAME);
            *entry = 0;
            free_table(table);
            freed++;
        }
        at = (at & ~(level_size(absent) - 1)) + level_size(absent);
    }
    return freed;
}

uint32_t mmu_free_tables(uint64_t root, uint64_t start, uint64_t end,
                         void (*free_table)(paddr_t table))
{
    uint32_t freed = free_level(root, start, end, 1, free_table);
    freed += free_level(root, start, end, 2, free_table);
    return freed;
}

static uint32_t free_children(uint64_t entry, void (*free_table)(paddr_t table))
{
    const uint64_t *table = table_at(entry);
    uint32_t freed = 0;
    for (uint32_t i = 0; i < PT_ENTRIES; i++) {
        if (table[i] != 0) {
            free_table(paddr_make(table[i] & PTE_FRAME));
            freed++;
        }
    }
    return freed;
}

uint32_t mmu_free_all_tables(uint64_t root, uint64_t end, void (*free_table)(paddr_t table))
{
    uint64_t *third = table_at(root);
    uint32_t freed = 0;
    for (uint32_t i = 0; i < mmu_index(end - 1, ROOT_LEVEL) + 1; i++) {
        if (third[i] == 0) {
            continue;
        }
        const uint64_t *second = table_at(third[i]);
        for (uint32_t j = 0; j < PT_ENTRIES; j++) {
            freed += second[j] == 0 ? 0 : free_children(second[j], free_table);
        }
        freed += free_children(third[i], free_table) + 1;
        free_table(paddr_make(third[i] & PTE_FRAME));
    }
    return freed;
}

// The kernel half is fixed once the boot code has built it: the direct map's entries, the windows,
// the image.
tes_status_t mmu_root_create(uint64_t *out_root)
{
    paddr_t frame;
    const tes_status_t status = frame_allocate_zeroed(&frame);
    if (status != TES_OK) {
        return status;
    }
    uint64_t *root = table_at(frame.value);
    for (uint32_t i = ROOT_KERNEL_FIRST; mmu_kernel_root_table[i] != 0; i++) {
        root[i] = mmu_kernel_root_table[i];
    }
    root[mmu_index(MMU_WINDOWS, ROOT_LEVEL)] =
        mmu_kernel_root_table[mmu_index(MMU_WINDOWS, ROOT_LEVEL)];
    root[mmu_index(MMU_IMAGE_BASE, ROOT_LEVEL)] =
        mmu_kernel_root_table[mmu_index(MMU_IMAGE_BASE, ROOT_LEVEL)];
    *out_root = frame.value;
    return TES_OK;
}

// The caller has freed the tables below it.
void mmu_root_destroy(uint64_t root)
{
    frame_free(paddr_make(root));
}

void mmu_root_share_personality(uint64_t guest_root, uint64_t personality_root)
{
    for (uint32_t i = PERSONALITY_FIRST; i < PERSONALITY_FIRST + PERSONALITY_ENTRIES; i++) {
        table_at(guest_root)[i] = table_at(personality_root)[i];
    }
}

tes_status_t mmu_preallocate_personality(uint64_t root, uint32_t *out_tables)
{
    paddr_t frames[PERSONALITY_ENTRIES];
    uint64_t *table = table_at(root);
    for (uint32_t i = 0; i < PERSONALITY_ENTRIES; i++) {
        if (frame_allocate_zeroed(&frames[i]) != TES_OK) {
            while (i > 0) {
                i--;
                frame_free(frames[i]);
            }
            return TES_ERROR_NO_MEMORY;
        }
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < PERSONALITY_ENTRIES; i++) {
        if (table[PERSONALITY_FIRST + i] == 0) {
            table[PERSONALITY_FIRST + i] = frames[i].value | PTE_TABLE | PTE_USER;
            used++;
        } else {
            frame_free(frames[i]);
        }
    }
    *out_tables = used;
    return TES_OK;
}

void mmu_root_sync_low(uint64_t full_root, uint64_t restricted_root, uint64_t address)
{
    const uint32_t index = mmu_index(address, ROOT_LEVEL);
    ASSERT(index < PERSONALITY_FIRST);
    table_at(restricted_root)[index] = table_at(full_root)[index];
}

void mmu_flush_page(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

void mmu_flush_all(void)
{
    uint64_t root;
    __asm__ volatile("movq %%cr3, %0" : "=r"(root));
    mmu_load_root(root);
}

uint64_t mmu_kernel_root(void)
{
    return (uint64_t)(uintptr_t)mmu_kernel_root_table - mmu_image_offset();
}

tes_status_t mmu_kernel_map(uint64_t address, paddr_t frame, uint32_t flags)
{
    uint32_t tables; // the kernel's own: never counted to anybody
    ASSERT(mmu_index(address, ROOT_LEVEL) == mmu_index(MMU_WINDOWS, ROOT_LEVEL));
    return mmu_map(mmu_kernel_root(), address, frame, flags, &tables);
}

void mmu_kernel_unmap(uint64_t address)
{
    ASSERT(mmu_index(address, ROOT_LEVEL) == mmu_index(MMU_WINDOWS, ROOT_LEVEL));
    uint64_t *entry = leaf_of(mmu_kernel_root(), address);
    if (entry != NULL) {
        *entry = 0;
        mmu_flush_page(address);
    }
}

// Boot core only, before the others run.
void *mmu_kernel_map_device(paddr_t base, uint64_t size)
{
    const uint64_t first = base.value & ~PAGE_MASK;
    const uint64_t pages = ((base.value & PAGE_MASK) + size + PAGE_MASK) >> PAGE_SHIFT;
    if (size == 0 || size > MMU_DEVICE_PAGES * PAGE_SIZE ||
        pages > MMU_DEVICE_PAGES - device_pages_used) {
        return NULL;
    }
    const uint64_t address = MMU_DEVICE_WINDOW + device_pages_used * PAGE_SIZE;
    for (uint64_t i = 0; i < pages; i++) {
        mmu_device_table[device_pages_used + i] = entry_make(
            paddr_make(first + i * PAGE_SIZE), MMU_READ | MMU_WRITE | MMU_DEVICE | MMU_GLOBAL);
    }
    device_pages_used += (uint32_t)pages;
    return (void *)(address + (base.value & PAGE_MASK));
}

const void *mmu_kernel_peek(uint64_t base, uint64_t size)
{
    const uint32_t first = MMU_DEVICE_PAGES - MMU_PEEK_PAGES;
    const uint64_t pages = ((base & PAGE_MASK) + size + PAGE_MASK) >> PAGE_SHIFT;
    if (size > MMU_PEEK_PAGES * PAGE_SIZE || pages > MMU_PEEK_PAGES || base >= MEMORY_SIZE_MAX ||
        device_pages_used > first) {
        return NULL;
    }
    for (uint32_t i = 0; i < pages; i++) {
        mmu_device_table[first + i] =
            entry_make(paddr_make((base & ~PAGE_MASK) + i * PAGE_SIZE), MMU_READ);
        mmu_flush_page(MMU_DEVICE_WINDOW + (first + i) * PAGE_SIZE);
    }
    return (const void *)(MMU_DEVICE_WINDOW + first * PAGE_SIZE + (base & PAGE_MASK));
}

// Pages of a core's part, from below: guard, main stack, then guard and stack for each special one.
void mmu_map_core_stack(uint32_t core, uint32_t n, uint64_t frame)
{
    uint32_t page = 1 + n;
    if (n >= STACK_PAGES_MAIN) {
        page += 1 + (n - STACK_PAGES_MAIN) / STACK_PAGES_SPECIAL;
    }
    mmu_stack_table[core * STACK_STRIDE_PAGES + page] = frame | PTE_DATA;
}
