// SPDX-License-Identifier: MIT OR Apache-2.0
// ACPI tables (ACPI 6.5, chapter 5): root pointer, root tables, MADT and HPET. Every length is
// checked against what holds it and every table's checksum before anything of it is used; what is
// malformed is never followed. Also built for the host, where tests/arch/acpi damages every byte.
#include <firmware/acpi.h>

#define RSDP_SIZE_1        20u // ACPI 1.0; what follows is there from revision 2 on
#define RSDP_SIZE_2        36u
#define RSDP_AREA          0xe0000ull // 5.2.5.1: on a 16-byte boundary of the BIOS area
#define RSDP_AREA_SIZE     0x10000ull // looked at in two halves
#define RSDP_STEP          16u
#define HEADER_SIZE        36u
#define TABLE_SIZE_MAX     0x10000u
#define TABLES_MAX         64u
#define MADT_ENTRIES_START 44u
#define MADT_ENTRIES_MAX   1024u
#define HPET_SIZE          56u
#define HPET_SPACE_MEMORY  0u

enum madt_entry { // 5.2.12
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_NMI = 4,
    MADT_LOCAL_ADDRESS = 5,
    MADT_LOCAL_X2APIC = 9,
};

static uint64_t get(const uint8_t *at, uint32_t size) // little-endian, not aligned
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static bool is_summed(const uint8_t *at, uint32_t size)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++) {
        sum = (uint8_t)(sum + at[i]);
    }
    return sum == 0;
}

static bool is_named(const uint8_t *at, const char *name, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        if (at[i] != (uint8_t)name[i]) {
            return false;
        }
    }
    return true;
}

static bool is_rsdp(const uint8_t *at)
{
    return is_named(at, "RSD PTR ", 8) && is_summed(at, RSDP_SIZE_1);
}

static uint64_t find_rsdp(acpi_peek_t *peek)
{
    for (uint64_t area = RSDP_AREA; area < RSDP_AREA + 2 * RSDP_AREA_SIZE; area += RSDP_AREA_SIZE) {
        const uint8_t *at = peek(area, RSDP_AREA_SIZE);
        for (uint32_t i = 0; at != NULL && i + RSDP_SIZE_1 <= RSDP_AREA_SIZE; i += RSDP_STEP) {
            if (at[i] == 'R' && is_rsdp(at + i)) {
                return area + i;
            }
        }
    }
    return 0;
}

// The whole table at base, or null if any of it is not as it says. *out_size is its length.
static const uint8_t *table(acpi_peek_t *peek, uint64_t base, uint32_t *out_size)
{
    const uint8_t *header = base != 0 ? peek(base, HEADER_SIZE) : NULL;
    if (header == NULL) {
        return NULL;
    }
    const uint32_t size = (uint32_t)get(header + 4, 4);
    if (size < HEADER_SIZE || size > TABLE_SIZE_MAX) {
        return NULL;
    }
    const uint8_t *at = peek(base, size);
    if (at == NULL || get(at + 4, 4) != size || !is_summed(at, size)) {
        return NULL;
    }
    *out_size = size;
    return at;
}

static void add_core(struct acpi_info *info, uint64_t id, uint64_t flags)
{
    if ((flags & 1) == 0) { // neither enabled nor to be brought up by us
        return;
    }
    if (info->core_count < CORES_MAX) {
        info->core_ids[info->core_count] = (uint32_t)id;
    }
    info->core_count++;
}

static void add_io_apic(struct acpi_info *info, uint64_t base, uint64_t first_input)
{
    if (info->io_apic_count < ACPI_IO_APICS_MAX && base != 0 && first_input < IRQ_SOURCES_MAX) {
        info->io_apics[info->io_apic_count].base = base;
        info->io_apics[info->io_apic_count].first_input = (uint32_t)first_input;
        info->io_apic_count++;
    }
}

static void add_override(struct acpi_info *info, const uint8_t *entry)
{
    const uint64_t input = get(entry + 4, 4);
    const uint64_t inti = get(entry + 8, 2); // table 5.26: 2-bit fields; 0 is the bus's own
    if (info->override_count == ACPI_OVERRIDES_MAX || input >= IRQ_SOURCES_MAX) {
        return;
    }
    struct acpi_override *override = &info->overrides[info->override_count];
    override->source = entry[3];
    override->input = (uint32_t)input;
    override->flags =
        ((inti & 3) == 3 ? ACPI_POLARITY_LOW : 0) | ((inti >> 2 & 3) == 3 ? ACPI_LEVEL : 0);
    info->override_count++;
}

static void read_madt_entry(struct acpi_info *info, const uint8_t *entry, uint32_t size)
{
    const uint8_t type = entry[0];
    if (type == MADT_LOCAL_APIC && size >= 8) {
        add_core(info, entry[3], get(entry + 4, 4));
    } else if (type == MADT_LOCAL_X2APIC && size >= 16) {
        add_core(info, get(entry + 4, 4), get(entry + 8, 4));
    } else if (type == MADT_IO_APIC && size >= 12) {
        add_io_apic(info, get(entry + 4, 4), get(entry + 8, 4));
    } else if (type == MADT_OVERRIDE && size >= 10) {
        add_override(info, entry);
    } else if (type == MADT_LOCAL_NMI && size >= 6 && entry[5] < 2) {
        info->nmi_inputs |= 1u << entry[5];
    } else if (type == MADT_LOCAL_ADDRESS && size >= 12) {
        info->local_apic = get(entry + 4, 8);
    }
}

// False: an entry's length cannot be right; none of the table is used then.
static bool read_madt(struct acpi_info *info, const uint8_t *madt, uint32_t size)
{
    struct acpi_info read = *info;
    if (size < MADT_ENTRIES_START) {
        return false;
    }
    read.local_apic = get(madt + HEADER_SIZE, 4);
    uint32_t at = MADT_ENTRIES_START;
    for (uint32_t i = 0; at < size && i < MADT_ENTRIES_MAX; i++) {
        if (size - at < 2 || madt[at + 1] < 2 || madt[at + 1] > size - at) {
            return false;
        }
        read_madt_entry(&read, madt + at, madt[at + 1]);
        at += madt[at + 1];
    }
    *info = read;
    return true;
}

static bool read_hpet(struct acpi_info *info, const uint8_t *hpet, uint32_t size)
{
    if (size < HPET_SIZE || hpet[40] != HPET_SPACE_MEMORY) { // IA-PC HPET 1.0a, 3.2.4
        return false;
    }
    info->hpet = get(hpet + 44, 8);
    return true;
}

static bool read_table(acpi_peek_t *peek, uint64_t base, struct acpi_info *info)
{
    uint32_t size = 0;
    const uint8_t *header = base != 0 ? peek(base, HEADER_SIZE) : NULL;
    if (header == NULL) {
        return false;
    }
    const bool is_madt = is_named(header, "APIC", 4) && info->core_count == 0;
    const bool is_hpet = is_named(header, "HPET", 4);
    if (!is_madt && !is_hpet) {
        return true; // not ours to judge
    }
    const uint8_t *at = table(peek, base, &size);
    return at != NULL && (is_madt ? read_madt(info, at, size) : read_hpet(info, at, size));
}

// The root table's pointers, copied: looking at one table ends the look at another.
static uint32_t read_root(acpi_peek_t *peek, uint64_t base, bool is_wide,
                          uint64_t pointers[TABLES_MAX])
{
    uint32_t size = 0;
    uint32_t count = 0;
    const uint32_t width = is_wide ? 8 : 4;
    const uint8_t *root = table(peek, base, &size);
    if (root == NULL || !is_named(root, is_wide ? "XSDT" : "RSDT", 4)) {
        return 0;
    }
    for (uint32_t at = HEADER_SIZE; size - at >= width && count < TABLES_MAX; at += width) {
        pointers[count] = get(root + at, width);
        count++;
    }
    return count;
}

tes_status_t acpi_read(acpi_peek_t *peek, uint64_t rsdp, struct acpi_info *out_info,
                       uint32_t *out_refused)
{
    const uint64_t place = rsdp != 0 ? rsdp : find_rsdp(peek);
    const uint8_t *root = place != 0 ? peek(place, RSDP_SIZE_1) : NULL;
    if (root == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    if (!is_rsdp(root)) {
        return TES_ERROR_INVALID;
    }
    const uint64_t rsdt = get(root + 16, 4);
    const bool is_second = root[15] >= 2;
    uint64_t xsdt = 0;
    if (is_second) {
        root = peek(place, RSDP_SIZE_2);
        xsdt = root != NULL && is_summed(root, RSDP_SIZE_2) ? get(root + 24, 8) : 0;
    }
    static uint64_t pointers[TABLES_MAX]; // too large for a stack; only the boot core is here
    uint32_t count = xsdt != 0 ? read_root(peek, xsdt, true, pointers) : 0;
    if (count == 0) {
        count = read_root(peek, rsdt, false, pointers);
    }
    if (count == 0) {
        return TES_ERROR_INVALID;
    }
    *out_info = (struct acpi_info){ 0 };
    *out_refused = 0;
    for (uint32_t i = 0; i < count; i++) {
        *out_refused += read_table(peek, pointers[i], out_info) ? 0 : 1;
    }
    return TES_OK;
}
