// SPDX-License-Identifier: MIT OR Apache-2.0
// The boot core's way from the jump into the upper half to kernel_main: its own structures, the
// firmware's tables, interrupt controllers, clock.
#include "machine.h"
#include "x86.h"

#include <arch_boot/early.h>
#include <kernel/assert.h>
#include <kernel/log.h>

struct acpi_info machine_acpi;

// Without usable tables: one core and the addresses that PCs have.
static void read_firmware(void)
{
    uint32_t refused = 0;
    const tes_status_t status =
        acpi_read(mmu_kernel_peek, boot_info.acpi_rsdp.value, &machine_acpi, &refused);
    if (status != TES_OK) {
        log_warn("ACPI: %s; one core, standard addresses",
                 status == TES_ERROR_NOT_FOUND ? "no tables" : "root tables are malformed");
    } else if (refused != 0) {
        log_warn("ACPI: %u malformed tables left out", refused);
    }
}

// The boot core first, whatever place the firmware gave it.
static void list_cores(void)
{
    const uint32_t found =
        machine_acpi.core_count < CORES_MAX ? machine_acpi.core_count : CORES_MAX;
    boot_info.core_hardware_ids[0] = boot_cpu.arch.apic_id;
    boot_info.core_count = 1;
    for (uint32_t i = 0; i < found && boot_info.core_count < CORES_MAX; i++) {
        if (machine_acpi.core_ids[i] != boot_cpu.arch.apic_id) {
            boot_info.core_hardware_ids[boot_info.core_count] = machine_acpi.core_ids[i];
            boot_info.core_count++;
        }
    }
    if (machine_acpi.core_count > CORES_MAX) {
        log_warn("%u cores found, %u used", machine_acpi.core_count, CORES_MAX);
    }
}

// Not protected by a canary: it is set here.
__attribute__((no_stack_protector)) _Noreturn void start_main(void)
{
    uint64_t canary = 0;
    cpu_init_core(&boot_cpu, 0, 0);
    cpu_build_traps();
    const char *missing = cpu_missing_feature(); // loading the control registers would fault
    if (missing != NULL) {
        panic("this CPU has no %s", missing);
    }
    cpu_load_core(&boot_cpu);
    mmu_kernel_root_table[0] = 0; // the identity map
    mmu_flush_all();
    if (cpu_random(&canary)) {
        boot_cpu.arch.canary = canary;
    }
    cpu_count = 1;
    read_firmware();
    apic_init(paddr_make(machine_acpi.local_apic));
    apic_init_core();
    boot_cpu.arch.apic_id = apic_id();
    list_cores();
    ioapic_init();
    apic_timer_init_core();
    clock_init(paddr_make(machine_acpi.hpet));
    timer_init_core();
    boot_info.realtime_ns = clock_realtime_ns();
    kernel_main();
}
