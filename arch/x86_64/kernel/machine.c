// SPDX-License-Identifier: MIT OR Apache-2.0
// Ports, power, I/O ranges, and leaving a guest.
#include "x86.h"

#include <abi/fault.h>
#include <abi_arch/registers.h>
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/thread.h>

#define EXIT_PORT        0xf4u // isa-debug-exit: the emulator ends with 2 * value + 1
#define EXIT_PANIC       0x20u
#define ACPI_PM1_Q35     0x604u // SLP_TYP 0 with SLP_EN: soft off on emulated PCs
#define ACPI_SLEEP_OFF   0x2000u
#define RESET_PORT       0xcf9u
#define RESET_HARD       0x06u // full reset (Intel ICH9, 13.7.5)
#define RESET_PREPARE    0x02u
#define KEYBOARD_COMMAND 0x64u
#define KEYBOARD_RESET   0xfeu
#define WAIT_US          10000u

tes_status_t machine_port_read(uint16_t port, uint32_t size, uint32_t *out_value)
{
    switch (size) {
    case 1:
        *out_value = port_in8(port);
        return TES_OK;
    case 2: {
        uint16_t value;
        __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
        *out_value = value;
        return TES_OK;
    }
    case 4:
        __asm__ volatile("inl %1, %0" : "=a"(*out_value) : "Nd"(port) : "memory");
        return TES_OK;
    default:
        return TES_ERROR_INVALID;
    }
}

tes_status_t machine_port_write(uint16_t port, uint32_t size, uint32_t value)
{
    if (console_has_port(port)) {
        log_console_leave();
    }
    switch (size) {
    case 1:
        port_out8(port, (uint8_t)value);
        return TES_OK;
    case 2:
        port_out16(port, (uint16_t)value);
        return TES_OK;
    case 4:
        __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
        return TES_OK;
    default:
        return TES_ERROR_INVALID;
    }
}

// Returns only if none of the ways is there.
tes_status_t machine_power_off(uint32_t code)
{
    __asm__ volatile("outl %0, %1" : : "a"(code), "Nd"((uint16_t)EXIT_PORT));
    port_out16(ACPI_PM1_Q35, ACPI_SLEEP_OFF);
    clock_wait_us(WAIT_US);
    return TES_ERROR_NOT_SUPPORTED;
}

tes_status_t machine_reboot(void)
{
    port_out8(RESET_PORT, RESET_PREPARE);
    port_out8(RESET_PORT, RESET_HARD);
    clock_wait_us(WAIT_US);
    port_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    clock_wait_us(WAIT_US);
    return TES_ERROR_NOT_SUPPORTED;
}

_Noreturn void machine_panic_exit(void)
{
    port_out8(EXIT_PORT, EXIT_PANIC);
    cpu_halt();
}

// Neither RAM nor the registers that the kernel itself relies on.
bool machine_is_io_range(uint64_t base, uint64_t size)
{
    const uint64_t end = base + size;
    if (size == 0 || end < base || end > MEMORY_SIZE_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        if (range->kind != BOOT_MEMORY_RESERVED && base < range->base + range->size &&
            end > range->base) {
            return false;
        }
    }
    const bool is_apic = base < apic_base.value + PAGE_SIZE && end > apic_base.value;
    const bool is_hpet = clock_hpet_base.value != 0 && base < clock_hpet_base.value + PAGE_SIZE &&
                         end > clock_hpet_base.value;
    return !is_apic && !is_hpet && !ioapic_owns(base, end);
}
