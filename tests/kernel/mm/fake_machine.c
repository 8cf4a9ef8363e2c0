// SPDX-License-Identifier: MIT OR Apache-2.0
// RAM as one allocation, page tables in it walked in software (entry: frame | flags << 1 |
// present), a TLB that remembers until it is told to forget, one core.
#include "fake.h"

#include <kernel/boot.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES    32768u
#define TLB_SLOTS 64u
#define LEVELS    4u

struct fake fake;
char *fake_direct_map;
char *fake_session_window;
static struct cpu core_data[CORES_MAX];
struct cpu *cpus[CORES_MAX];
uint32_t cpu_count = 1;
struct boot_info boot_info;
static struct {
    uint64_t root, page, entry;
} tlb[TLB_SLOTS];

void fake_machine_init(void)
{
    fake_direct_map = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    memset(fake_direct_map, 0xa5, FRAMES * PAGE_SIZE);
    boot_info.range_count = 2;
    boot_info.ranges[0] =
        (struct boot_range){ .base = PAGE_SIZE, .size = 99 * PAGE_SIZE, .kind = BOOT_MEMORY_FREE };
    boot_info.ranges[1] = (struct boot_range){ .base = 128 * PAGE_SIZE,
                                               .size = (FRAMES - 128) * PAGE_SIZE,
                                               .kind = BOOT_MEMORY_FREE };
    for (uint32_t core = 0; core < CORES_MAX; core++) {
        core_data[core].id = core;
        cpus[core] = &core_data[core];
    }
    frame_init(&boot_info);
}

struct cpu *cpu_local(void)
{
    return &core_data[fake.core];
}

void cpu_relax(void)
{
}

// The other core takes the interrupt at once.
void cpu_send_ipi(uint32_t core)
{
    uint32_t self = fake.core;
    fake.core = core;
    tlb_ipi();
    fake.core = self;
}

bool cpu_random(uint64_t *out)
{
    *out = fake_random(UINT64_MAX);
    return true;
}

uint64_t fake_random(uint64_t below)
{
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the interface is for those that have options
const char *boot_option(const char *name, char *buffer, size_t size)
{
    (void)name;
    (void)buffer;
    (void)size;
    return NULL;
}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    abort();
}

void assert_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "assertion %s at %s:%d\n", condition, file, line);
    abort();
}

void spinlock_acquire_slow(struct spinlock *lock)
{
    (void)lock;
    panic("a lock is taken twice\n");
}

bool machine_is_io_range(uint64_t base, uint64_t size);
bool machine_is_io_range(uint64_t base, uint64_t size)
{
    return base >= FRAMES * PAGE_SIZE && size != 0;
}

// Page tables:

static uint64_t *table_at(uint64_t entry)
{
    return frame_address(paddr_make(entry & ~PAGE_MASK));
}

static uint32_t index_of(uint64_t address, uint32_t level)
{
    return (uint32_t)(address >> (12 + 9 * level)) & 511;
}

static uint64_t *slot_of(uint64_t root, uint64_t address, uint32_t level)
{
    uint64_t *table = table_at(root);
    for (uint32_t at = LEVELS - 1; at > level; at--) {
        uint64_t entry = table[index_of(address, at)];
        if (entry == 0) {
            return NULL;
        }
        table = table_at(entry);
    }
    return &table[index_of(address, level)];
}

tes_status_t mmu_root_create(uint64_t *out_root)
{
    paddr_t frame;
    tes_status_t status = frame_allocate_zeroed(&frame);
    *out_root = status == TES_OK ? frame.value : 0;
    return status;
}

void mmu_root_destroy(uint64_t root)
{
    frame_free(paddr_make(root));
}

void mmu_root_share_personality(uint64_t guest_root, uint64_t personality_root)
{
    memcpy(table_at(guest_root) + 252, table_at(personality_root) + 252, 4 * sizeof(uint64_t));
}

tes_status_t mmu_preallocate_personality(uint64_t root, uint32_t *out_tables)
{
    *out_tables = 0;
    for (uint32_t i = 252; i < 256; i++) {
        paddr_t frame;
        if (table_at(root)[i] == 0) {
            CHECK(frame_allocate_zeroed(&frame) == TES_OK);
            table_at(root)[i] = frame.value | 1;
            ++*out_tables;
        }
    }
    return TES_OK;
}

void mmu_root_sync_low(uint64_t full_root, uint64_t restricted_root, uint64_t address)
{
    table_at(restricted_root)[index_of(address, 3)] = table_at(full_root)[index_of(address, 3)];
}

tes_status_t mmu_map(uint64_t root, uint64_t address, paddr_t frame, uint32_t flags,
                     uint32_t *out_tables)
{
    *out_tables = 0;
    for (uint32_t level = LEVELS - 1; level > 0; level--) {
        uint64_t *slot = slot_of(root, address, level);
        if (*slot == 0) {
            paddr_t table;
            CHECK(frame_allocate_zeroed(&table) == TES_OK);
            *slot = table.value | 1;
            ++*out_tables;
        }
    }
    *slot_of(root, address, 0) = frame.value | (uint64_t)flags << 1 | 1;
    return TES_OK;
}

bool mmu_lookup(uint64_t root, uint64_t address, paddr_t *out_frame, uint32_t *out_flags)
{
    const uint64_t *slot = slot_of(root, address, 0);
    if (slot == NULL || *slot == 0) {
        return false;
    }
    *out_frame = paddr_make(*slot & ~PAGE_MASK);
    *out_flags = (uint32_t)(*slot & PAGE_MASK) >> 1;
    return true;
}

void mmu_lower(struct mmu_range *range, uint32_t limit)
{
    while (range->at < range->end && limit > 0) {
        uint32_t level = 0;
        while (level < LEVELS - 1 && slot_of(range->root, range->at, level) == NULL) {
            level++;
        }
        uint64_t *slot = slot_of(range->root, range->at, level);
        uint64_t bits = range->is_kept ? (uint64_t)MMU_WRITE << 1 : UINT64_MAX;
        if (level == 0 && (*slot & bits) != 0) {
            *slot &= ~bits;
            range->lowered_start = range->lowered_end == 0 ? range->at : range->lowered_start;
            range->lowered_end = range->at + PAGE_SIZE;
            limit--;
        }
        uint64_t span = PAGE_SIZE << (9 * level);
        range->at = (range->at & ~(span - 1)) + span;
    }
    range->at = range->at < range->end ? range->at : range->end;
}

uint32_t mmu_free_tables(uint64_t root, uint64_t start, uint64_t end,
                         void (*free_table)(paddr_t table))
{
    uint32_t count = 0;
    for (uint32_t level = 1; level < LEVELS; level++) {
        uint64_t span = PAGE_SIZE << (9 * level);
        for (uint64_t at = (start + span - 1) & ~(span - 1); at + span <= end;) {
            uint32_t above = level;
            while (above < LEVELS - 1 && slot_of(root, at, above) == NULL) {
                above++;
            }
            uint64_t *slot = slot_of(root, at, above);
            static const uint64_t none[512];
            if (above == level && *slot != 0 && memcmp(table_at(*slot), none, PAGE_SIZE) == 0) {
                paddr_t table = paddr_make(*slot & ~PAGE_MASK);
                *slot = 0;
                free_table(table);
                count++;
            }
            uint64_t step = PAGE_SIZE << (9 * above);
            at = (at & ~(step - 1)) + step;
        }
    }
    return count;
}

static uint32_t free_below(uint64_t entry, uint32_t level, uint32_t limit,
                           void (*free_table)(paddr_t table))
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < limit && level > 0; i++) {
        uint64_t below = table_at(entry)[i];
        if (below != 0) {
            count += free_below(below, level - 1, 512, free_table) + 1;
            free_table(paddr_make(below & ~PAGE_MASK));
        }
    }
    return count;
}

uint32_t mmu_free_all_tables(uint64_t root, uint64_t end, void (*free_table)(paddr_t table))
{
    return free_below(root, LEVELS - 1, index_of(end - 1, LEVELS - 1) + 1, free_table);
}

// TLB and accesses:

void fake_tlb_drop(void)
{
    memset(tlb, 0, sizeof(tlb));
}

void mmu_flush_all(void)
{
    fake.flushes[fake.core]++;
    fake_tlb_drop();
}

void mmu_flush_page(uint64_t address)
{
    fake.flushes[fake.core]++;
    if (tlb[(address >> PAGE_SHIFT) % TLB_SLOTS].page == address) {
        tlb[(address >> PAGE_SHIFT) % TLB_SLOTS].entry = 0;
    }
}

uint64_t fake_fault_cause;

static char *translate(struct space *space, uint64_t address, uint32_t needed)
{
    uint64_t page = address & ~PAGE_MASK;
    uint64_t root = space->root;
    size_t i = (page >> PAGE_SHIFT) % TLB_SLOTS;
    if (cpu_local()->arch.root != root) {
        fake_tlb_drop();
        cpu_local()->arch.root = root;
    }
    for (uint32_t turn = 0; turn < 3; turn++) {
        uint32_t flags = 0;
        paddr_t frame;
        if (tlb[i].root == root && tlb[i].page == page && (tlb[i].entry >> 1 & needed) == needed) {
            return (char *)frame_address(paddr_make(tlb[i].entry & ~PAGE_MASK)) +
                   (address & PAGE_MASK);
        }
        if (mmu_lookup(root, page, &frame, &flags) && (flags & needed) == needed) {
            tlb[i].root = root;
            tlb[i].page = page;
            tlb[i].entry = frame.value | (uint64_t)flags << 1 | 1;
            continue;
        }
        tlb[i].entry = 0; // a fault drops the translation
        uint32_t access = needed == MMU_WRITE     ? TES_FAULT_ACCESS_WRITE
                          : needed == MMU_EXECUTE ? TES_FAULT_ACCESS_EXECUTE
                                                  : 0;
        struct tes_fault fault = { 0 };
        fake.process.space = space->is_guest ? fake.process.space : space;
        fake.thread.guest = space->is_guest ? space : NULL;
        if (space_fault(&fake.thread, address, access, &fault) != TES_OK) {
            fake_fault_cause = fault.cause;
            return NULL;
        }
    }
    panic("a resolved fault comes again\n");
}

bool user_read(struct space *space, uint64_t address, uint8_t *out_byte)
{
    const char *byte = translate(space, address, MMU_READ);
    if (byte != NULL) {
        *out_byte = (uint8_t)*byte;
    }
    return byte != NULL;
}

bool user_write(struct space *space, uint64_t address, uint8_t value)
{
    char *byte = translate(space, address, MMU_WRITE);
    if (byte != NULL) {
        *byte = (char)value;
    }
    return byte != NULL;
}

bool user_execute(struct space *space, uint64_t address)
{
    return translate(space, address, MMU_EXECUTE) != NULL;
}
