// SPDX-License-Identifier: MIT OR Apache-2.0
// The local interrupt controller of each core, as xAPIC or x2APIC (Intel SDM vol. 3, chapter 10):
// end of interrupt, messages to other cores, the one-shot timer's counter. I/O controllers:
// ioapic.c.
#include "x86.h"

#include <kernel/log.h>

#define REG_ID          0x02u // in units of 16 bytes, as x2APIC numbers its registers
#define REG_PRIORITY    0x08u
#define REG_EOI         0x0bu
#define REG_SPURIOUS    0x0fu
#define REG_REQUESTS    0x20u // eight words
#define REG_COMMAND     0x30u
#define REG_COMMAND_TO  0x31u
#define REG_TIMER       0x32u
#define REG_TIMER_START 0x38u
#define REG_TIMER_COUNT 0x39u
#define REG_TIMER_SCALE 0x3eu

#define BASE_ENABLE     (1u << 11)
#define BASE_X2APIC     (1u << 10)
#define BASE_ADDRESS    0x000ffffffffff000ull
#define SPURIOUS_ENABLE 0x100u
#define TIMER_BY_ONE    0x0bu
#define TIMER_DEADLINE  (2u << 17)
#define COMMAND_PENDING (1u << 12)
#define COMMAND_NMI     0x400u
#define COMMAND_INIT    0x4500u // asserted
#define COMMAND_STARTUP 0x4600u
#define COMMAND_OTHERS  (3u << 18) // all but self
#define COMMAND_ROUNDS  100000u
#define DEFAULT_BASE    0xfee00000ull

paddr_t apic_base;
static uintptr_t registers; // 0: x2APIC

static inline uint32_t apic_read(uint32_t reg)
{
    return registers != 0 ? mmio_read32(registers + reg * 16ul)
                          : (uint32_t)msr_read(MSR_X2APIC + reg);
}

static inline void apic_write(uint32_t reg, uint32_t value)
{
    if (registers != 0) {
        mmio_write32(registers + reg * 16ul, value);
    } else {
        msr_write(MSR_X2APIC + reg, value);
    }
}

static void send(uint32_t to, uint32_t command)
{
    if (registers == 0) {
        __asm__ volatile("mfence\n\tlfence"
                         :
                         :
                         : "memory"); // 10.12.3: MSR writes do not wait for stores
        msr_write(MSR_X2APIC + REG_COMMAND, (uint64_t)to << 32 | command);
        return;
    }
    mmio_write32(registers + REG_COMMAND_TO * 16ul, to << 24);
    mmio_write32(registers + REG_COMMAND * 16ul, command);
    for (uint32_t i = 0; i < COMMAND_ROUNDS && (apic_read(REG_COMMAND) & COMMAND_PENDING) != 0;
         i++) {
        cpu_relax();
    }
}

void apic_init(paddr_t base)
{
    const bool has_x2apic = (cpuid(1, 0).c >> 21 & 1) != 0;
    apic_base = base.value != 0 ? base : paddr_make(DEFAULT_BASE);
    if (!has_x2apic) {
        registers = (uintptr_t)mmu_kernel_map_device(apic_base, PAGE_SIZE);
    }
}

void apic_init_core(void)
{
    uint64_t base = (msr_read(MSR_APIC_BASE) & ~BASE_ADDRESS) | apic_base.value | BASE_ENABLE;
    base |= registers == 0 ? BASE_X2APIC : 0;
    msr_write(MSR_APIC_BASE, base);
    apic_write(REG_PRIORITY, 0);
    apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

uint32_t apic_id(void)
{
    return registers != 0 ? apic_read(REG_ID) >> 24 : apic_read(REG_ID);
}

void apic_eoi(void)
{
    apic_write(REG_EOI, 0);
}

void apic_start_core(uint32_t to, uint32_t page, uint32_t attempt)
{
    send(to, attempt == 0 ? COMMAND_INIT : COMMAND_STARTUP | page);
}

void cpu_send_ipi(uint32_t core)
{
    counter_add(TES_COUNTER_IPIS_SENT, 1);
    send(cpus[core]->arch.apic_id, VECTOR_IPI);
}

void cpu_stop_others(void)
{
    if (cpu_count > 1) {
        send(0, COMMAND_OTHERS | COMMAND_NMI);
    }
}

// Only vectors that the kernel hands out can be requested: interrupts of devices, timer and IPI.
bool cpu_interrupt_pending(void)
{
    uint32_t any = apic_read(REG_REQUESTS + VECTOR_TIMER / 32);
    const uint32_t end = VECTOR_IRQ_FIRST + machine_irq_count();
    for (uint32_t vector = VECTOR_IRQ_FIRST; vector < end; vector += 32) {
        any |= apic_read(REG_REQUESTS + vector / 32);
    }
    return any != 0;
}

void apic_timer_init_core(void)
{
    apic_write(REG_TIMER_SCALE, TIMER_BY_ONE);
    apic_write(REG_TIMER, VECTOR_TIMER);
    apic_write(REG_TIMER_START, 0);
}

void apic_timer_deadline_init_core(void)
{
    apic_write(REG_TIMER, VECTOR_TIMER | TIMER_DEADLINE);
    __asm__ volatile("mfence" : : : "memory"); // 10.5.4.1: before the first deadline in xAPIC mode
}

uint32_t apic_timer_count(void)
{
    return apic_read(REG_TIMER_COUNT);
}

void apic_timer_set(uint32_t count)
{
    apic_write(REG_TIMER_START, count);
}
