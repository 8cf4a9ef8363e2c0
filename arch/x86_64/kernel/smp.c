// SPDX-License-Identifier: MIT OR Apache-2.0
// Starting the other cores, one after another (INIT-SIPI-SIPI, Intel SDM vol. 3, 8.4.4): each gets
// its structures and stacks, runs the trampoline, says that it lives and enters the kernel. Waits
// are by time, not by rounds.
#include "x86.h"

#include <arch_boot/early.h>
#include <kernel/boot.h>
#include <kernel/frame.h>
#include <kernel/log.h>
#include <rt/atomic.h>

#define TRAMPOLINE_PAGE                                                                            \
    0x8000ull // conventional memory, out of the firmware's way; boot_info has it reserved
#define WAIT_INIT_US  20u
#define WAIT_STEP_US  5u
#define WAIT_FIRST_US 500u    // for the first SIPI
#define WAIT_ALIVE_US 100000u // for the second

struct trampoline_data { // end of trampoline.S
    uint64_t root, cpu, entry;
};

static tes_status_t make_core(uint32_t id, uint32_t apic_id_of_core, struct cpu **out_cpu)
{
    paddr_t frames[STACK_PAGES + 1];
    for (uint32_t i = 0; i <= STACK_PAGES; i++) {
        const tes_status_t status = frame_allocate_zeroed(&frames[i]);
        if (status != TES_OK) {
            while (i > 0) {
                i--;
                frame_free(frames[i]);
            }
            return status;
        }
    }
    for (uint32_t i = 0; i < STACK_PAGES; i++) {
        mmu_map_core_stack(id, i, frames[i].value);
    }
    struct cpu *cpu = frame_address(frames[STACK_PAGES]);
    uint64_t canary = cpu_ticks() * 0x9e3779b97f4a7c15ull; // 2^64 divided by the golden ratio
    (void)cpu_random(&canary);                             // else what the cycle counter gave
    cpu->arch.canary = canary;
    cpu_init_core(cpu, id, apic_id_of_core);
    *out_cpu = cpu;
    return TES_OK;
}

static void place_trampoline(const struct cpu *cpu)
{
    uint8_t *page = frame_address(paddr_make(TRAMPOLINE_PAGE));
    const size_t size = (size_t)(trampoline_end - trampoline_start);
    const struct trampoline_data data = { .root = mmu_kernel_root(),
                                          .cpu = (uint64_t)(uintptr_t)cpu,
                                          .entry = (uint64_t)(uintptr_t)start_core };
    __builtin_memcpy(page, trampoline_start, size);
    __builtin_memcpy(page + size - sizeof(data), &data, sizeof(data));
}

static bool wait_alive(const struct cpu *cpu, uint32_t us)
{
    for (uint32_t waited = 0; waited < us; waited += WAIT_STEP_US) {
        if (atomic_load_u32(&cpu->arch.is_alive, ATOMIC_ACQUIRE) !=
            0) { // pairs with the store in start_core
            return true;
        }
        clock_wait_us(WAIT_STEP_US);
    }
    return false;
}

static bool start(const struct cpu *cpu)
{
    place_trampoline(cpu);
    apic_start_core(cpu->arch.apic_id, 0, 0);
    clock_wait_us(WAIT_INIT_US);
    apic_start_core(cpu->arch.apic_id, TRAMPOLINE_PAGE >> PAGE_SHIFT, 1);
    if (wait_alive(cpu, WAIT_FIRST_US)) {
        return true;
    }
    apic_start_core(cpu->arch.apic_id, TRAMPOLINE_PAGE >> PAGE_SHIFT, 2);
    return wait_alive(cpu, WAIT_ALIVE_US);
}

uint32_t machine_start_cores(void)
{
    if (boot_info.core_count < 2) {
        return cpu_count;
    }
    mmu_kernel_root_table[0] =
        ((uint64_t)(uintptr_t)boot_identity_pdpt - mmu_image_offset()) | PTE_TABLE;
    for (uint32_t i = 1; i < boot_info.core_count; i++) {
        struct cpu *cpu = NULL;
        if (make_core(cpu_count, boot_info.core_hardware_ids[i], &cpu) != TES_OK) {
            log_warn("no memory for core %u", boot_info.core_hardware_ids[i]);
            break;
        }
        if (!start(cpu)) {
            // Its structures stay: it may still come alive, and then halts.
            log_warn("core %u does not start", boot_info.core_hardware_ids[i]);
            break;
        }
        cpu_count++;
        atomic_store_u32(&cpu->arch.is_alive, 2,
                         ATOMIC_RELEASE); // pairs with the load in start_core
    }
    mmu_kernel_root_table[0] = 0;
    mmu_flush_all(); // others flush when they leave start_core
    return cpu_count;
}

// A core's first C code, on its own stack and the kernel's root.
__attribute__((no_stack_protector)) _Noreturn void start_core(struct cpu *cpu)
{
    cpu_load_core(cpu);
    apic_init_core();
    timer_init_core();
    atomic_store_u32(&cpu->arch.is_alive, 1, ATOMIC_RELEASE); // pairs with the load in wait_alive
    while (atomic_load_u32(&cpu->arch.is_alive, ATOMIC_ACQUIRE) !=
           2) { // pairs with the store in machine_start_cores
        cpu_relax();
    }
    kernel_main_core();
}
