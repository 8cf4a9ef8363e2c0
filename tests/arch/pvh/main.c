// SPDX-License-Identifier: MIT OR Apache-2.0
// The loader's information, whole and damaged, and the list of memory ranges under random
// statements.
#include <firmware/pvh.h>
#include <kernel/limits.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_START   0x40u
#define AT_MODULE  0x80u
#define AT_LINE    0xa0u
#define AT_MAP     0xc0u
#define SEEN_SIZE  0x140u
#define ROUNDS     200000u
#define MAGIC      0x336ec578u
#define KERNEL     0x200000u
#define KERNEL_END 0x280000u
#define IMAGE      0x400000u

static unsigned failures;

static void check(bool is_true, const char *what)
{
    if (!is_true) {
        printf("# wrong: %s\n", what);
        failures++;
    }
}

static void put(uint8_t *memory, uint32_t at, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        memory[at + i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_range(uint8_t *memory, uint32_t at, uint64_t base, uint64_t size, uint32_t type)
{
    put(memory, at, base, 8);
    put(memory, at + 8, size, 8);
    put(memory, at + 16, type, 4);
}

static void make(uint8_t *memory)
{
    memset(memory, 0, SEEN_SIZE);
    put(memory, AT_START, MAGIC, 4);
    put(memory, AT_START + 4, 1, 4);
    put(memory, AT_START + 12, 1, 4);
    put(memory, AT_START + 16, AT_MODULE, 8);
    put(memory, AT_START + 24, AT_LINE, 8);
    put(memory, AT_START + 32, 0xf1234, 8);
    put(memory, AT_START + 40, AT_MAP, 8);
    put(memory, AT_START + 48, 3, 4);
    put(memory, AT_MODULE, IMAGE, 8);
    put(memory, AT_MODULE + 8, 0x1234, 8);
    memcpy(memory + AT_LINE, "a nokaslr b=c", 14);
    put_range(memory, AT_MAP, 0, 0x9fc00, 1);
    put_range(memory, AT_MAP + 24, 0x100000, 0x7f00000, 1);
    put_range(memory, AT_MAP + 48, 0x7fe0000, 0x20000, 2);
}

static void check_ranges(const struct boot_info *info, const char *what)
{
    uint64_t end = 0;
    check(info->range_count <= BOOT_MEMORY_RANGES_MAX, what);
    for (uint32_t i = 0; i < info->range_count && i < BOOT_MEMORY_RANGES_MAX; i++) {
        const struct boot_range *range = &info->ranges[i];
        check(range->size != 0 && is_page_aligned(range->base) && is_page_aligned(range->size),
              what);
        check(range->base >= end && range->base + range->size > range->base, what);
        end = range->base + range->size;
    }
}

static tes_status_t read(const uint8_t *memory, uint64_t size, struct boot_info *info)
{
    const struct boot_window window = { (uintptr_t)memory, size, KERNEL, KERNEL_END };
    memset(info, 0, sizeof(*info));
    const tes_status_t status = boot_pvh_read(&window, AT_START, info);
    check_ranges(info, "ranges");
    check(memchr(info->command_line, 0, sizeof(info->command_line)) != NULL, "command line ends");
    check(info->image_size == 0 || info->image_base.value + info->image_size <= MEMORY_SIZE_MAX,
          "image in memory");
    const bool is_apart = info->image_size == 0 || info->image_base.value >= KERNEL_END ||
                          info->image_base.value + info->image_size <= KERNEL;
    check(is_apart, "image apart from the kernel");
    return status;
}

static void read_whole(void)
{
    struct boot_info info;
    uint8_t *memory = malloc(SEEN_SIZE);
    make(memory);
    check(read(memory, SEEN_SIZE, &info) == TES_OK, "read");
    check(info.image_base.value == IMAGE && info.image_size == 0x1234, "module");
    check(strcmp(info.command_line, "a nokaslr b=c") == 0, "command line");
    check(boot_has_word(&info, "nokaslr") && boot_has_word(&info, "a"), "words there");
    check(!boot_has_word(&info, "nokasl") && !boot_has_word(&info, "b") &&
              !boot_has_word(&info, "kaslr"),
          "not there");
    check(info.acpi_rsdp.value == 0xf1234, "rsdp");
    put(memory, AT_MODULE, KERNEL_END - 0x1000, 8);
    check(read(memory, SEEN_SIZE, &info) == TES_OK && info.image_size == 0,
          "module over the kernel is refused");
    free(memory);
}

static void read_damaged(void)
{
    struct boot_info info;
    uint32_t random = 1;
    for (uint64_t size = 0; size <= SEEN_SIZE; size++) {
        uint8_t *memory = malloc(SEEN_SIZE);
        make(memory);
        uint8_t *seen = malloc(size + 1);
        memcpy(seen, memory, size);
        (void)read(seen, size, &info);
        free(seen);
        free(memory);
    }
    uint8_t *memory = malloc(SEEN_SIZE);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        make(memory);
        for (uint32_t n = 0; n <= round % 6; n++) {
            random = random * 1664525u + 1013904223u;
            memory[AT_START + (random >> 8) % (SEEN_SIZE - AT_START)] = (uint8_t)(random >> 24);
        }
        (void)read(memory, SEEN_SIZE, &info);
    }
    free(memory);
}

// After any statement the page says what was stated last, or is gone from the list.
static void state_randomly(void)
{
    static struct boot_info info;
    uint32_t random = 7;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        if (round % 100 == 0) {
            memset(&info, 0, sizeof(info));
        }
        random = random * 1664525u + 1013904223u;
        const uint64_t base = (random >> 8) % 4096 * 2048ull;
        random = random * 1664525u + 1013904223u;
        const uint64_t size = (random >> 8) % 512 * 1024ull;
        const uint32_t kind = 1 + (random >> 28) % 5;
        (void)boot_range_set(&info, base, base + size, kind);
        check_ranges(&info, "random statements");
        const uint64_t page = (base + size / 2) & ~PAGE_MASK;
        for (uint32_t i = 0; i < info.range_count && size >= 4 * PAGE_SIZE; i++) {
            const bool is_inside =
                page >= info.ranges[i].base && page < info.ranges[i].base + info.ranges[i].size;
            check(!is_inside || info.ranges[i].kind == kind, "the last statement holds");
        }
        (void)boot_range_take(&info, 1 + round % 3, 0x100000, 1ull << 32);
        check_ranges(&info, "after taking");
    }
}

int main(void)
{
    read_whole();
    read_damaged();
    state_randomly();
    printf("%sok 1 - pvh with %u failures\n1..1\n", failures == 0 ? "" : "not ", failures);
    return failures == 0 ? 0 : 1;
}
