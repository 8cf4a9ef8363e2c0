// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs in the identity map, before relocation: reads what the loader left, chooses where the kernel
// runs, applies its relocations and builds the kernel half of the address space (layout:
// arch_impl/mmu.h). Here the address of a variable is its physical address; constants that hold
// pointers must not be used.
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch_boot/early.h>
#include <firmware/pvh.h>

#define IDENTITY_SIZE     (4ull << 30)
#define IMAGE_PHYSICAL    0x200000ull // kernel.ld
#define IMAGE_TABLES      2u
#define LARGE_PAGE        (2ull << 20)
#define HUGE_PAGE         (1ull << 30)
#define SLIDE_STEPS       ((HUGE_PAGE - IMAGE_PHYSICAL) / LARGE_PAGE - IMAGE_TABLES)
#define DIRECT_ROOT       mmu_index(MMU_DIRECT_MAP, 3)
#define R_X86_64_RELATIVE 8u

uint64_t boot_start_ticks;
uint8_t boot_stacks[STACK_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));
uint64_t mmu_device_table[PT_ENTRIES] __attribute__((aligned(4096)));
uint64_t mmu_stack_table[PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t direct_pdpt[PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t direct_image_table[IMAGE_TABLES * PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t image_pdpt[PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t image_pd[PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t image_table[IMAGE_TABLES * PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t window_pdpt[PT_ENTRIES] __attribute__((aligned(4096)));
static uint64_t window_pd[PT_ENTRIES] __attribute__((aligned(4096)));

static uint64_t physical(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

static void link_table(uint64_t *table, uint32_t index, const uint64_t *below)
{
    table[index] = physical(below) | PTE_TABLE;
}

// A random multiple of 2 MiB; the cycle counter is the poor source of a machine without RDRAND.
static uint64_t choose_slide(const struct boot_info *info)
{
    uint64_t random = 0;
    if (boot_has_word(info, "nokaslr") || boot_has_word(info, "norandom")) {
        return 0;
    }
    if (!cpu_random(&random)) {
        random = cpu_ticks() * 0x9e3779b97f4a7c15ull >>
                 32; // spread the low bits: 2^64 divided by the golden ratio
    }
    return random % SLIDE_STEPS * LARGE_PAGE;
}

static bool relocate(uint64_t slide)
{
    for (const struct image_rela *rela = image_rela; rela < image_rela_end; rela++) {
        if ((uint32_t)rela->info != R_X86_64_RELATIVE) {
            return false;
        }
        *(uint64_t *)(uintptr_t)(rela->offset - MMU_IMAGE_BASE) = rela->addend + slide;
    }
    return true;
}

static void map_image(uint64_t slide)
{
    link_table(mmu_kernel_root_table, mmu_index(MMU_IMAGE_BASE, 3), image_pdpt);
    link_table(image_pdpt, mmu_index(MMU_IMAGE_BASE, 2), image_pd);
    const uint32_t first = mmu_index(MMU_IMAGE_BASE + IMAGE_PHYSICAL + slide, 1);
    for (uint32_t i = 0; i < IMAGE_TABLES; i++) {
        link_table(image_pd, first + i, &image_table[(size_t)i * PT_ENTRIES]);
    }
    const uint64_t read_only = PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL;
    for (uint64_t page = physical(image_start); page < physical(image_end); page += PAGE_SIZE) {
        uint64_t flags = read_only;
        if (page >= physical(image_data)) {
            flags = PTE_DATA;
        } else if (page >= physical(image_rodata)) {
            flags = read_only | PTE_NO_EXECUTE;
        }
        image_table[(page - IMAGE_PHYSICAL) >> PAGE_SHIFT] = page | flags;
    }
}

// The direct map's alias of the image: what is not data stays read-only there too.
static void map_direct_image(uint64_t *pd)
{
    for (uint32_t i = 0; i < IMAGE_TABLES * PT_ENTRIES; i++) {
        const uint64_t page = IMAGE_PHYSICAL + i * PAGE_SIZE;
        const bool is_writable = page >= physical(image_data) || page < physical(image_start);
        direct_image_table[i] =
            page | (is_writable ? PTE_DATA : PTE_DATA & ~(PTE_WRITE | PTE_DIRTY));
    }
    for (uint32_t i = 0; i < IMAGE_TABLES; i++) {
        link_table(pd, (uint32_t)(IMAGE_PHYSICAL / LARGE_PAGE) + i,
                   &direct_image_table[(size_t)i * PT_ENTRIES]);
    }
}

static bool is_ram(const struct boot_range *range)
{
    return range->kind != BOOT_MEMORY_RESERVED;
}

static bool has_huge_pages(void)
{
    uint32_t a = 0x80000001u;
    uint32_t b;
    uint32_t c = 0;
    uint32_t d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (d >> 26 & 1) != 0; // Page1GB (AMD APM vol. 3, E.4.2)
}

// Pages for tables come out of FREE memory inside the identity map, and are zeroed.
static uint64_t *new_table(struct boot_info *info)
{
    uint64_t *table =
        (uint64_t *)(uintptr_t)boot_range_take(info, 1, IMAGE_PHYSICAL, IDENTITY_SIZE);
    for (uint32_t i = 0; table != NULL && i < PT_ENTRIES; i++) {
        table[i] = 0;
    }
    return table;
}

static uint64_t *table_below(struct boot_info *info, uint64_t *table, uint32_t index)
{
    if (table[index] == 0) {
        uint64_t *below = new_table(info);
        if (below == NULL) {
            return NULL;
        }
        link_table(table, index, below);
    }
    return (uint64_t *)(uintptr_t)(table[index] & PTE_FRAME);
}

// One run of RAM. The map is rounded outwards to 2 MiB: what lies in the rounding keeps the type
// that the MTRRs give it (Intel SDM vol. 3, table 12-7), and nobody has its address.
static bool map_direct_run(struct boot_info *info, uint64_t base, uint64_t end, bool has_huge)
{
    uint64_t at = base & ~(LARGE_PAGE - 1);
    while (at < end) {
        uint64_t *pdpt = table_below(info, mmu_kernel_root_table, DIRECT_ROOT + mmu_index(at, 3));
        if (pdpt == NULL) {
            return false;
        }
        uint64_t *entry = &pdpt[mmu_index(at, 2)];
        if (has_huge && *entry == 0 && (at & (HUGE_PAGE - 1)) == 0 && at >= HUGE_PAGE &&
            end - at >= HUGE_PAGE) {
            *entry = at | PTE_DATA | PTE_LARGE;
            at += HUGE_PAGE;
            continue;
        }
        uint64_t *pd = table_below(info, pdpt, mmu_index(at, 2));
        if (pd == NULL) {
            return false;
        }
        pd[mmu_index(at, 1)] = at | PTE_DATA | PTE_LARGE;
        at += LARGE_PAGE;
    }
    return true;
}

// Taking pages for tables changes the list (FREE becomes TABLES, both RAM), never where a run of
// RAM ends.
static bool map_direct(struct boot_info *info)
{
    const bool has_huge = has_huge_pages();
    uint64_t end = 0;
    link_table(mmu_kernel_root_table, DIRECT_ROOT, direct_pdpt);
    for (uint32_t i = 0; i < info->range_count; i++) {
        const struct boot_range *range = &info->ranges[i];
        if (!is_ram(range) || range->base < end) {
            continue;
        }
        const uint64_t base = range->base;
        end = range->base + range->size;
        for (uint32_t j = i + 1; j < info->range_count; j++) {
            const struct boot_range *next = &info->ranges[j];
            if (!is_ram(next) || next->base != end) {
                break;
            }
            end = next->base + next->size;
        }
        if (!map_direct_run(info, base, end, has_huge)) {
            return false;
        }
    }
    uint64_t *pd = table_below(info, direct_pdpt, 0);
    if (pd != NULL) {
        map_direct_image(pd);
    }
    return pd != NULL;
}

static void map_windows(void)
{
    link_table(mmu_kernel_root_table, mmu_index(MMU_WINDOWS, 3), window_pdpt);
    link_table(window_pdpt, mmu_index(MMU_WINDOWS, 2), window_pd);
    link_table(window_pd, mmu_index(MMU_DEVICE_WINDOW, 1), mmu_device_table);
    link_table(window_pd, mmu_index(MMU_STACK_WINDOW, 1), mmu_stack_table);
    for (uint32_t i = 0; i < STACK_PAGES; i++) {
        mmu_map_core_stack(0, i, physical(boot_stacks) + i * PAGE_SIZE);
    }
}

static _Noreturn void refuse(const char *why)
{
    for (const char *c = why; *c != '\0'; c++) {
        machine_console_put(*c);
    }
    machine_panic_exit();
}

uint64_t boot_early(uint64_t start_info)
{
    struct boot_info *info = &boot_info;
    const struct boot_window window = { .base = 0,
                                        .size = IDENTITY_SIZE,
                                        .kernel_base = IMAGE_PHYSICAL,
                                        .kernel_end = physical(image_end) };
    boot_cpu.arch.canary =
        cpu_ticks() * 0x9e3779b97f4a7c15ull; // replaced in start.c when there is better
    info->start_ticks = boot_start_ticks;
    machine_console_init();
    if (boot_pvh_read(&window, start_info, info) != TES_OK) {
        refuse("tessera: the loader left no valid PVH information\n");
    }
    const uint64_t slide = choose_slide(info);
    if (!relocate(slide)) {
        refuse("tessera: the kernel image is damaged\n");
    }
    trap_patch_smap();
    map_image(slide);
    map_windows();
    if (!map_direct(info)) {
        refuse("tessera: no memory for page tables\n");
    }
    return MMU_IMAGE_BASE + slide;
}
