// SPDX-License-Identifier: MIT OR Apache-2.0
// I/O interrupt controllers (Intel 82093AA). A source's number is its input over all controllers
// ("global system interrupt"); numbers below 16 that the firmware moved are followed to where they
// went. All go to the boot core.
#include "machine.h"
#include "x86.h"

#include <abi/calls.h>
#include <kernel/assert.h>
#include <kernel/irq.h>
#include <kernel/limits.h>
#include <kernel/lock.h>
#include <kernel/log.h>

#define DEFAULT_BASE    0xfec00000ull
#define SELECT          0x00u
#define WINDOW          0x10u
#define REG_VERSION     0x01u
#define REG_REDIRECTION 0x10u
#define REDIRECT_MASKED (1u << 16)
#define REDIRECT_LEVEL  (1u << 15)
#define REDIRECT_LOW    (1u << 13)
#define ISA_SOURCES     16u
#define PIC_MASTER_DATA 0x21u
#define PIC_SLAVE_DATA  0xa1u

struct controller {
    uintptr_t registers;
    uint64_t base;
    uint32_t first_input, input_count;
};

static struct controller controllers[ACPI_IO_APICS_MAX];
static uint32_t controller_count;
static uint32_t source_count;
static struct spinlock lock; // registers are reached through a window; innermost of all
static uint32_t redirections[IRQ_SOURCES_MAX]; // low words as written; guarded by lock

static uint32_t controller_read(const struct controller *controller, uint32_t reg)
{
    mmio_write32(controller->registers + SELECT, reg);
    return mmio_read32(controller->registers + WINDOW);
}

static void controller_write(const struct controller *controller, uint32_t reg, uint32_t value)
{
    mmio_write32(controller->registers + SELECT, reg);
    mmio_write32(controller->registers + WINDOW, value);
}

static void add(uint64_t base, uint32_t first_input)
{
    struct controller *controller = &controllers[controller_count];
    controller->registers = (uintptr_t)mmu_kernel_map_device(paddr_make(base), PAGE_SIZE);
    const uint32_t version =
        controller->registers != 0 ? controller_read(controller, REG_VERSION) : UINT32_MAX;
    if (version == UINT32_MAX || version == 0) {
        log_warn("no I/O interrupt controller at %lx", base);
        return;
    }
    const uint32_t room = VECTOR_IRQ_LAST - VECTOR_IRQ_FIRST + 1 - first_input;
    const uint32_t inputs = (version >> 16 & 0xff) + 1;
    if (first_input > VECTOR_IRQ_LAST - VECTOR_IRQ_FIRST) {
        return; // there are no vectors for it
    }
    controller->base = base;
    controller->first_input = first_input;
    controller->input_count = inputs < room ? inputs : room;
    for (uint32_t i = 0; i < controller->input_count; i++) {
        redirections[first_input + i] = REDIRECT_MASKED | (VECTOR_IRQ_FIRST + first_input + i);
        controller_write(controller, REG_REDIRECTION + 2 * i, redirections[first_input + i]);
        controller_write(controller, REG_REDIRECTION + 2 * i + 1, cpus[0]->arch.apic_id << 24);
    }
    const uint32_t end = first_input + controller->input_count;
    source_count = end > source_count ? end : source_count;
    controller_count++;
}

void ioapic_init(void)
{
    port_out8(PIC_MASTER_DATA, 0xff); // the old controllers stay silent
    port_out8(PIC_SLAVE_DATA, 0xff);
    for (uint32_t i = 0; i < machine_acpi.io_apic_count; i++) {
        add(machine_acpi.io_apics[i].base, machine_acpi.io_apics[i].first_input);
    }
    if (machine_acpi.io_apic_count == 0) {
        add(DEFAULT_BASE, 0);
    }
}

uint32_t machine_irq_count(void)
{
    return source_count;
}

bool ioapic_owns(uint64_t base, uint64_t end)
{
    for (uint32_t i = 0; i < controller_count; i++) {
        if (base < controllers[i].base + PAGE_SIZE && end > controllers[i].base) {
            return true;
        }
    }
    return false;
}

// Where the firmware says that an ISA source goes; *out_flags: how it is triggered.
static uint32_t input_of(uint32_t number, uint32_t *out_flags)
{
    for (uint32_t i = 0; i < machine_acpi.override_count; i++) {
        const struct acpi_override *override = &machine_acpi.overrides[i];
        if (override->source == number && number < ISA_SOURCES) {
            *out_flags = override->flags;
            return override->input;
        }
    }
    *out_flags = number < ISA_SOURCES ? 0 : ACPI_LEVEL | ACPI_POLARITY_LOW; // ISA and PCI
    return number;
}

// Null: no controller has the input.
static const struct controller *controller_of(uint32_t input)
{
    for (uint32_t i = 0; i < controller_count; i++) {
        const struct controller *controller = &controllers[i];
        if (input >= controller->first_input &&
            input - controller->first_input < controller->input_count) {
            return controller;
        }
    }
    return NULL;
}

static void redirect(uint32_t input, uint32_t value)
{
    const struct controller *controller = controller_of(input);
    if (controller == NULL) {
        return;
    }
    spinlock_acquire(&lock);
    if (redirections[input] != value) {
        redirections[input] = value;
        controller_write(controller, REG_REDIRECTION + 2 * (input - controller->first_input),
                         value);
    }
    spinlock_release(&lock);
}

tes_status_t machine_irq_enable(uint32_t number, uint32_t flags)
{
    uint32_t said;
    const uint32_t input = input_of(number, &said);
    if (controller_of(input) == NULL) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    if (flags != 0) {
        said = (flags & TES_IRQ_CREATE_LEVEL) != 0 ? ACPI_LEVEL : 0;
        said |= (flags & TES_IRQ_CREATE_LOW) != 0 ? ACPI_POLARITY_LOW : 0;
    }
    uint32_t value = REDIRECT_MASKED | (VECTOR_IRQ_FIRST + input);
    value |= (said & ACPI_LEVEL) != 0 ? REDIRECT_LEVEL : 0;
    value |= (said & ACPI_POLARITY_LOW) != 0 ? REDIRECT_LOW : 0;
    redirect(input, value);
    return TES_OK;
}

void machine_irq_disable(uint32_t number)
{
    machine_irq_mask(number);
}

void machine_irq_mask(uint32_t number)
{
    uint32_t flags;
    const uint32_t input = input_of(number, &flags);
    if (input < IRQ_SOURCES_MAX) {
        redirect(input, redirections[input] | REDIRECT_MASKED);
    }
}

void machine_irq_unmask(uint32_t number)
{
    uint32_t flags;
    const uint32_t input = input_of(number, &flags);
    if (input < IRQ_SOURCES_MAX) {
        redirect(input, redirections[input] & ~REDIRECT_MASKED);
    }
}

// The number under which the source of an input was enabled.
static uint32_t number_of(uint32_t input)
{
    for (uint32_t i = 0; i < machine_acpi.override_count; i++) {
        if (machine_acpi.overrides[i].input == input &&
            machine_acpi.overrides[i].source < ISA_SOURCES) {
            return machine_acpi.overrides[i].source;
        }
    }
    return input;
}

// Masked first, so that a level that stays up does not come again after the end of interrupt.
void apic_interrupt_irq(uint32_t vector)
{
    const uint32_t number = number_of(vector - VECTOR_IRQ_FIRST);
    machine_irq_mask(number);
    irq_deliver(number);
    apic_eoi();
}
