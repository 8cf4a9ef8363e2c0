// SPDX-License-Identifier: MIT OR Apache-2.0
// Vector state: x87 and SSE, and AVX where there is XSAVE. CR0.TS is set for threads without it, so
// that their use of it faults. State is saved eagerly by the scheduler.
#include "x86.h"

#include <kernel/limits.h>
#include <kernel/thread.h>

#define CR0_TS        (1ull << 3)
#define CR4_XSAVE     (1ull << 18)
#define XCR0_X87_SSE  3u
#define XCR0_AVX      4u
#define FXSAVE_SIZE   512u
#define FXSAVE_FCW    0u // Intel SDM vol. 1, table 10-2
#define FXSAVE_MXCSR  24u
#define FCW_INITIAL   0x037fu
#define MXCSR_INITIAL 0x1f80u

static uint32_t area_size;  // 0 until the first core looked
static uint32_t state_mask; // XCR0; 0: fxsave

void vector_init_core(void)
{
    const bool has_xsave = (cpuid(1, 0).c >> 26 & 1) != 0;
    if (has_xsave) {
        const uint32_t mask = XCR0_X87_SSE | (cpuid(0xd, 0).a & XCR0_AVX);
        uint64_t cr4;
        __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
        __asm__ volatile("movq %0, %%cr4" : : "r"(cr4 | CR4_XSAVE));
        __asm__ volatile("xsetbv" : : "c"(0), "a"(mask), "d"(0));
        state_mask = mask;
        area_size = cpuid(0xd, 0).b; // of what XCR0 enables
    } else {
        area_size = FXSAVE_SIZE;
    }
    cpu_vector_disable();
}

uint32_t cpu_vector_size(void)
{
    return area_size;
}

void cpu_vector_init(void *area)
{
    const uint16_t control = FCW_INITIAL;
    const uint32_t mxcsr = MXCSR_INITIAL;
    __builtin_memset(area, 0, area_size); // an xsave header of zeros says: all in its initial state
    __builtin_memcpy((uint8_t *)area + FXSAVE_FCW, &control, sizeof(control));
    __builtin_memcpy((uint8_t *)area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

void cpu_vector_save(void *area)
{
    if (state_mask != 0) {
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(state_mask), "d"(0) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    }
}

void cpu_vector_restore(const void *area)
{
    __asm__ volatile("clts");
    if (state_mask != 0) {
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(state_mask), "d"(0) : "memory");
    } else {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    }
}

void cpu_vector_disable(void)
{
    uint64_t cr0;
    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_TS));
}

void cpu_vector_enable(struct thread *thread)
{
    cpu_vector_init(thread->vector_state);
    if (thread == current_thread()) {
        cpu_vector_restore(thread->vector_state);
    }
}
