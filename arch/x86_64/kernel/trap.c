// SPDX-License-Identifier: MIT OR Apache-2.0
// What exceptions and interrupts mean: faults of user code go to the Space or to fault_deliver,
// interrupts to their owners. A fault of the kernel is a panic. The stubs are in trap.S.
#include "x86.h"

#include <abi/fault.h>
#include <abi/info.h>
#include <arch_boot/early.h>
#include <kernel/assert.h>
#include <kernel/endpoint.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/symbols.h>

#define VECTOR_DEBUG       1u
#define VECTOR_NMI         2u
#define VECTOR_PAGE        14u
#define PAGE_ERROR_PRESENT 1u // Intel SDM vol. 3, 4.7
#define PAGE_ERROR_WRITE   2u
#define PAGE_ERROR_RSVD    8u
#define PAGE_ERROR_EXECUTE 16u
#define BACKTRACE_MAX      16u
#define BACKTRACE_WORDS    512u

// Intel SDM vol. 3, table 6-1. What is not named is OTHER.
static const uint8_t causes[VECTOR_EXCEPTIONS] = {
    [0] = TES_FAULT_DIVIDE,      [1] = TES_FAULT_DEBUG,       [3] = TES_FAULT_BREAKPOINT,
    [4] = TES_FAULT_OVERFLOW,    [5] = TES_FAULT_OVERFLOW,    [6] = TES_FAULT_INSTRUCTION,
    [7] = TES_FAULT_INSTRUCTION, [11] = TES_FAULT_PROTECTION, [12] = TES_FAULT_PROTECTION,
    [13] = TES_FAULT_PROTECTION, [14] = TES_FAULT_PAGE,       [16] = TES_FAULT_FLOAT,
    [17] = TES_FAULT_ALIGNMENT,  [19] = TES_FAULT_FLOAT,
};

static uint64_t page_fault_address(void)
{
    uint64_t address;
    __asm__ volatile("movq %%cr2, %0" : "=r"(address));
    return address;
}

void frame_log(const struct arch_frame *frame)
{
    log_error("rip %016lx rsp %016lx flags %06lx vector %lu error %lx", frame->rip, frame->rsp,
              frame->rflags, frame->vector, frame->error_code);
    log_error("rax %016lx rbx %016lx rcx %016lx rdx %016lx", frame->rax, frame->rbx, frame->rcx,
              frame->rdx);
    log_error("rsi %016lx rdi %016lx rbp %016lx cr2 %016lx", frame->rsi, frame->rdi, frame->rbp,
              page_fault_address());
    log_error("r8  %016lx r9  %016lx r10 %016lx r11 %016lx", frame->r8, frame->r9, frame->r10,
              frame->r11);
    log_error("r12 %016lx r13 %016lx r14 %016lx r15 %016lx", frame->r12, frame->r13, frame->r14,
              frame->r15);
}

static _Noreturn void trap_panic(const struct arch_frame *frame)
{
    frame_log(frame);
    machine_frame_backtrace(frame->rsp);
    uint64_t offset = 0;
    const char *name = symbol_find(frame->rip, &offset);
    panic("exception %lu in the kernel at %lx (%s+%lx)", frame->vector, frame->rip,
          name != NULL ? name : "?", offset);
}

// Without frame pointers: what on the stack points into the kernel's text, as addresses in
// kernel.elf. from 0: the caller's stack.
void machine_frame_backtrace(uint64_t from)
{
    const uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    const uint64_t stack = (from != 0 ? from : here) & ~7ull;
    uint32_t found = 0;
    if (stack < MMU_STACK_WINDOW || stack >= MMU_STACK_WINDOW + CORES_MAX * STACK_STRIDE) {
        return;
    }
    for (uint64_t at = stack; at < stack + BACKTRACE_WORDS * 8ull && found < BACKTRACE_MAX;
         at += 8) {
        paddr_t frame;
        uint32_t flags;
        if ((at == stack || (at & PAGE_MASK) == 0) &&
            !mmu_lookup(mmu_kernel_root(), at, &frame, &flags)) {
            break; // the guard page
        }
        const uint64_t word = *(const uint64_t *)(uintptr_t)at;
        if (word >= (uintptr_t)image_start && word < (uintptr_t)image_rodata) {
            uint64_t offset = 0;
            const char *name = symbol_find(word, &offset);
            log_error("  %016lx %s+%lx", (uint64_t)(word - mmu_image_offset() + MMU_IMAGE_BASE),
                      name != NULL ? name : "?", offset);
            found++;
        }
    }
}

_Noreturn void
__stack_chk_fail(void); // NOLINT(readability-identifier-naming): the compiler names it
_Noreturn void __stack_chk_fail(void) // NOLINT(readability-identifier-naming)
{
    panic("stack overwritten");
}

static void interrupt(uint32_t vector)
{
    trace_point(TES_TRACE_INTERRUPT, 0, vector);
    switch (vector) {
    case VECTOR_TIMER:
        timer_interrupt();
        break;
    case VECTOR_IPI:
        apic_eoi();
        sched_ipi();
        break;
    case VECTOR_SPURIOUS: // no end of interrupt (Intel SDM vol. 3, 10.9)
        break;
    default:
        if (vector >= VECTOR_IRQ_FIRST && vector <= VECTOR_IRQ_LAST) {
            counter_add(TES_COUNTER_INTERRUPTS, 1);
            apic_interrupt_irq(vector);
        } else {
            log_warn("unexpected interrupt vector %u", vector);
        }
        break;
    }
}

static struct tes_fault fault_of(const struct arch_frame *frame)
{
    const uint8_t cause = causes[cpu_index_clamp(frame->vector, VECTOR_EXCEPTIONS)];
    return (struct tes_fault){ .cause = cause != 0 ? cause : TES_FAULT_OTHER,
                               .detail = frame->vector << 32 | (uint32_t)frame->error_code,
                               .instruction_pointer = frame->rip,
                               .stack_pointer = frame->rsp,
                               .thread_id = current_thread()->object.id };
}

static void page_fault(const struct arch_frame *frame)
{
    struct thread *thread = current_thread();
    const uint64_t error = frame->error_code;
    const uint64_t address = page_fault_address();
    if ((error & PAGE_ERROR_RSVD) != 0) {
        trap_panic(frame); // an entry of ours is malformed
    }
    uint32_t access = (error & PAGE_ERROR_WRITE) != 0 ? TES_FAULT_ACCESS_WRITE : 0;
    access |= (error & PAGE_ERROR_EXECUTE) != 0 ? TES_FAULT_ACCESS_EXECUTE : 0;
    access |= (error & PAGE_ERROR_PRESENT) != 0 ? TES_FAULT_ACCESS_PRESENT : 0;
    counter_add(TES_COUNTER_PAGE_FAULTS, 1);
    struct tes_fault fault;
    // Addresses that are not user space have no region: space_fault says so.
    const tes_status_t status = space_fault(thread, address, access, &fault);
    if (status == TES_OK || status == TES_ERROR_BLOCKED) {
        return;
    }
    const struct tes_fault resolved = fault;
    fault = fault_of(frame);
    fault.cause = resolved.cause;
    fault.access = resolved.access;
    fault.address = address;
    fault_deliver(thread, &fault);
}

static void debug_clear(void)
{
    __asm__ volatile("movq %0, %%dr6"
                     :
                     : "r"(0xffff0ff0ull)); // Intel SDM vol. 3, 17.2.3: not cleared by the CPU
}

void trap_handle(struct arch_frame *frame)
{
    const uint32_t vector = (uint32_t)frame->vector;
    if (vector < VECTOR_EXCEPTIONS) {
        trace_point(TES_TRACE_FAULT, (int32_t)vector, frame->rip);
    }
    if (vector >= VECTOR_EXCEPTIONS) {
        interrupt(vector);
    } else if (vector == VECTOR_PAGE) {
        page_fault(frame);
    } else if (vector == VECTOR_NMI) {
        cpu_halt(); // another core panics
    } else if (causes[vector] == 0) {
        trap_panic(frame); // machine check, double fault: the hardware's, not the program's
    } else {
        if (vector == VECTOR_DEBUG) {
            debug_clear();
        }
        const struct tes_fault fault = fault_of(frame);
        fault_deliver(current_thread(), &fault);
    }
}

// From kernel code on its own stack: interrupts are on only in the idle loop.
void trap_handle_kernel(struct arch_frame *frame)
{
    if (frame->vector < VECTOR_EXCEPTIONS) {
        trap_panic(frame);
    }
    interrupt((uint32_t)frame->vector);
}

// From kernel code on a stack of its own.
void trap_handle_special(struct arch_frame *frame)
{
    if (frame->vector == VECTOR_NMI) {
        cpu_halt();
    }
    if (frame->vector != VECTOR_DEBUG) {
        trap_panic(frame);
    }
    debug_clear(); // a user's breakpoint or single step that reached the entry code: dropped
    frame->rflags &= ~0x100ull;
}

void trap_patch_smap(void)
{
    static const uint8_t clac[3] = { 0x0f, 0x01, 0xca };
    if ((cpuid(7, 0).b >> 20 & 1) == 0) {
        return;
    }
    for (const int32_t *patch = patch_smap_start; patch < patch_smap_end; patch++) {
        __builtin_memcpy((uint8_t *)(uintptr_t)((intptr_t)patch + *patch), clac, sizeof(clac));
    }
}
