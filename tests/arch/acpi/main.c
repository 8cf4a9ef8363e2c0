// SPDX-License-Identifier: MIT OR Apache-2.0
// ACPI tables, whole and damaged. Each look returns a fresh heap copy of exactly what was asked
// for, so that reading beyond it, or after the next look, is an error of the sanitizer.
#include <firmware/acpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BASE 0xf0000u
#define MEMORY_SIZE 0x400u
#define AT_RSDP     0x00u
#define AT_RSDT     0x40u
#define AT_XSDT     0x80u
#define AT_MADT     0xc0u
#define AT_HPET     0x180u
#define MADT_SIZE   100u
#define USED_SIZE   0x1c0u

static uint8_t memory[MEMORY_SIZE];
static uint64_t visible = MEMORY_SIZE;
static void *last_look;
static unsigned failures;

static const void *peek(uint64_t base, uint64_t size)
{
    free(last_look);
    last_look = NULL;
    if (base < MEMORY_BASE || size > visible || base - MEMORY_BASE > visible - size) {
        return NULL;
    }
    last_look = malloc(size);
    if (last_look != NULL) {
        memcpy(last_look, memory + (base - MEMORY_BASE), size);
    }
    return last_look;
}

static void check(bool is_true, const char *what)
{
    if (!is_true) {
        printf("# wrong: %s\n", what);
        failures++;
    }
}

static void put(uint32_t at, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        memory[at + i] = (uint8_t)(value >> (8 * i));
    }
}

static void sum(uint32_t at, uint32_t size, uint32_t field)
{
    uint8_t total = 0;
    memory[at + field] = 0;
    for (uint32_t i = 0; i < size; i++) {
        total = (uint8_t)(total + memory[at + i]);
    }
    memory[at + field] = (uint8_t)-total;
}

static void header(uint32_t at, const char *name, uint32_t size)
{
    memcpy(memory + at, name, 4);
    put(at + 4, size, 4);
}

static void make_madt(void)
{
    static const uint8_t entries[] = {
        0, 8,  0, 0, 1, 0, 0,    0,                   // core 0
        0, 8,  1, 3, 1, 0, 0,    0,                   // core with id 3
        0, 8,  2, 4, 0, 0, 0,    0,                   // absent core
        1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0,    0, 0, 0, // I/O controller at 0xfec00000
        2, 10, 0, 0, 2, 0, 0,    0,    0,    0,       // 0 goes to 2
        2, 10, 0, 9, 9, 0, 0,    0,    0x0f, 0,       // 9: level, low
    };
    header(AT_MADT, "APIC", MADT_SIZE);
    put(AT_MADT + 36, 0xfee00000u, 4);
    memcpy(memory + AT_MADT + 44, entries, sizeof(entries));
    sum(AT_MADT, MADT_SIZE, 9);
    _Static_assert(44 + sizeof(entries) == MADT_SIZE, "size of the table");
}

static void make_tables(void)
{
    memset(memory, 0, sizeof(memory));
    memcpy(memory + AT_RSDP, "RSD PTR ", 8);
    memory[AT_RSDP + 15] = 2;
    put(AT_RSDP + 16, MEMORY_BASE + AT_RSDT, 4);
    put(AT_RSDP + 20, 36, 4);
    put(AT_RSDP + 24, MEMORY_BASE + AT_XSDT, 8);
    sum(AT_RSDP, 20, 8);
    sum(AT_RSDP, 36, 32);
    header(AT_RSDT, "RSDT", 44);
    put(AT_RSDT + 36, MEMORY_BASE + AT_MADT, 4);
    put(AT_RSDT + 40, MEMORY_BASE + AT_HPET, 4);
    sum(AT_RSDT, 44, 9);
    header(AT_XSDT, "XSDT", 52);
    put(AT_XSDT + 36, MEMORY_BASE + AT_MADT, 8);
    put(AT_XSDT + 44, MEMORY_BASE + AT_HPET, 8);
    sum(AT_XSDT, 52, 9);
    make_madt();
    header(AT_HPET, "HPET", 56);
    put(AT_HPET + 44, 0xfed00000u, 8);
    sum(AT_HPET, 56, 9);
}

static bool is_right(const struct acpi_info *info)
{
    return info->core_count == 2 && info->core_ids[1] == 3 && info->io_apic_count == 1 &&
           info->io_apics[0].base == 0xfec00000u && info->override_count == 2 &&
           info->overrides[0].input == 2 &&
           info->overrides[1].flags == (ACPI_LEVEL | ACPI_POLARITY_LOW) &&
           info->local_apic == 0xfee00000u && info->hpet == 0xfed00000u;
}

// Whatever was read keeps its bounds.
static void read_damaged(const char *what)
{
    struct acpi_info info = { 0 };
    uint32_t refused = 0;
    const tes_status_t status = acpi_read(peek, MEMORY_BASE + AT_RSDP, &info, &refused);
    check(status == TES_OK || status == TES_ERROR_INVALID || status == TES_ERROR_NOT_FOUND, what);
    check(info.io_apic_count <= ACPI_IO_APICS_MAX && info.override_count <= ACPI_OVERRIDES_MAX,
          what);
}

// One damaged byte inside a table is always noticed: nothing that the checksum covers is believed.
static void damage_each_byte(void)
{
    static const uint8_t patterns[] = { 0x01, 0x80, 0xff, 0x55 };
    for (uint32_t at = AT_MADT; at < AT_MADT + MADT_SIZE; at++) {
        for (uint32_t p = 0; p < sizeof(patterns); p++) {
            struct acpi_info info = { 0 };
            uint32_t refused = 0;
            make_tables();
            memory[at] ^= patterns[p];
            check(acpi_read(peek, MEMORY_BASE, &info, &refused) == TES_OK, "other tables are read");
            check(info.core_count == 0 && info.io_apic_count == 0, "a damaged MADT is not used");
        }
    }
    for (uint32_t at = 0; at < USED_SIZE; at++) {
        for (uint32_t value = 0; value < 256; value++) {
            make_tables();
            memory[at] = (uint8_t)value;
            read_damaged("one byte");
        }
    }
}

// Damage with correct checksums: what a hostile table can say.
static void damage_summed(void)
{
    uint32_t random = 12345;
    for (uint32_t round = 0; round < 200000; round++) {
        make_tables();
        for (uint32_t n = 0; n <= round % 4; n++) {
            random = random * 1664525u + 1013904223u;
            memory[(random >> 8) % USED_SIZE] = (uint8_t)(random >> 24);
        }
        sum(AT_RSDP, 20, 8);
        sum(AT_RSDP, 36, 32);
        sum(AT_RSDT, 44, 9);
        sum(AT_XSDT, 52, 9);
        sum(AT_MADT, MADT_SIZE, 9);
        sum(AT_HPET, 56, 9);
        read_damaged("random damage");
    }
}

static void truncate_everywhere(void)
{
    make_tables();
    for (visible = 0; visible <= USED_SIZE; visible++) {
        read_damaged("truncated memory");
    }
    visible = MEMORY_SIZE;
    for (uint32_t size = 0; size < MADT_SIZE; size++) {
        struct acpi_info info = { 0 };
        uint32_t refused = 0;
        make_tables();
        put(AT_MADT + 4, size, 4);
        if (size > 9) {
            sum(AT_MADT, size, 9);
        }
        check(acpi_read(peek, MEMORY_BASE, &info, &refused) == TES_OK,
              "short MADT: others are read");
        check(info.core_count < 2 || size >= 44 + 16, "short MADT: only whole entries");
    }
}

static void read_whole(void)
{
    struct acpi_info info = { 0 };
    uint32_t refused = 0;
    make_tables();
    check(acpi_read(peek, MEMORY_BASE, &info, &refused) == TES_OK && refused == 0 &&
              is_right(&info),
          "XSDT");
    put(AT_XSDT + 4, 0, 4); // falls back
    check(acpi_read(peek, MEMORY_BASE, &info, &refused) == TES_OK && is_right(&info), "RSDT");
    make_tables();
    memory[AT_RSDP] = 'X';
    check(acpi_read(peek, MEMORY_BASE, &info, &refused) == TES_ERROR_INVALID, "no signature");
    check(acpi_read(peek, 0, &info, &refused) == TES_ERROR_NOT_FOUND, "nothing to find");
    check(acpi_read(peek, UINT64_MAX, &info, &refused) == TES_ERROR_NOT_FOUND,
          "address out of memory");
}

int main(void)
{
    read_whole();
    damage_each_byte();
    truncate_everywhere();
    damage_summed();
    free(last_look);
    printf("%sok 1 - acpi with %u failures\n1..1\n", failures == 0 ? "" : "not ", failures);
    return failures == 0 ? 0 : 1;
}
