// SPDX-License-Identifier: MIT OR Apache-2.0
// What the firmware's tables say about cores, interrupt controllers and the HPET.
#pragma once

#include <abi/errors.h>
#include <kernel/limits.h>
#include <kernel/types.h>

#define ACPI_IO_APICS_MAX  4u
#define ACPI_OVERRIDES_MAX 32u

#define ACPI_POLARITY_LOW 1u
#define ACPI_LEVEL        2u

struct acpi_override { // an ISA interrupt that is not edge-triggered, active-high, on the input of
                       // its number
    uint32_t source, input, flags;
};

struct acpi_info {
    uint32_t core_count; // as found; ids of the first CORES_MAX
    uint32_t core_ids[CORES_MAX];
    uint32_t io_apic_count;
    struct {
        uint64_t base;
        uint32_t first_input;
    } io_apics[ACPI_IO_APICS_MAX];
    uint32_t override_count;
    struct acpi_override overrides[ACPI_OVERRIDES_MAX];
    uint32_t nmi_inputs; // bit mask of local inputs that are NMI
    uint64_t local_apic; // 0: not said
    uint64_t hpet;       // 0: there is none
};

// A read-only look at physical memory, valid until the next one. Null: cannot be seen.
typedef const void *acpi_peek_t(uint64_t base, uint64_t size);

// Reads MADT and HPET. rsdp 0: searched for where a BIOS puts it. NOT_FOUND: no tables. INVALID:
// the root tables are malformed; a malformed table below them is left out and counted in
// *out_refused.
tes_status_t acpi_read(acpi_peek_t *peek, uint64_t rsdp, struct acpi_info *out_info,
                       uint32_t *out_refused) TES_MUST_CHECK;
