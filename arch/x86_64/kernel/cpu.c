// SPDX-License-Identifier: MIT OR Apache-2.0
// A core's own structures and registers: descriptor tables, task state with the stacks of special
// exceptions, protection features, system-call entry. Also what the contract asks of a CPU and fits
// nowhere else.
#include "x86.h"

#include <arch_boot/early.h>
#include <kernel/assert.h>
#include <kernel/frame.h>
#include <kernel/limits.h>
#include <kernel/sched.h>
#include <kernel/session.h>

#define CR0_PROTECTION 0x80010033ull // PG WP NE ET MP PE (Intel SDM vol. 3, 2.5)
#define CR4_PAE        (1ull << 5)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_FXSR       (1ull << 9)
#define CR4_XMM        (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)
#define EFER_VALUE     0x901ull   // NXE LME SCE
#define SFMASK_VALUE   0x47700ull // AC NT IOPL DF IF TF: clear in the kernel
#define GDT_ENTRIES    8u
#define SELECTOR_CODE  0x08u
#define SELECTOR_DATA  0x10u
#define SELECTOR_TSS   0x30u
#define GATE_INTERRUPT 0x8eu // present, ring 0, 64-bit interrupt gate
#define GATE_USER      0xeeu // int3 and into may come from user space
#define RANDOM_RETRIES 10u   // Intel SDM vol. 1, 7.3.17.1

static_assert(STACK_PAGES_MAIN == KERNEL_STACK_PAGES,
              "arch_impl/mmu.h has its own constant for assembly");
static_assert(sizeof(struct cpu) <= PAGE_SIZE, "smp.c gives each core one page");

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};
static_assert(sizeof(struct gate) == 16, "Intel SDM vol. 3, figure 6-8");

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

struct cpu boot_cpu;
struct cpu *cpus[CORES_MAX];
uint32_t cpu_count;
static struct gate traps[256] __attribute__((aligned(4096)));

// Exceptions with a stack of their own, in the order of their stacks: the index + 1 is the IST
// number.
static const uint8_t special_vectors[STACK_SPECIALS] = { 2, 8, 18, 1 };

void cpu_build_traps(void)
{
    for (uint32_t vector = 0; vector < sizeof(traps) / sizeof(traps[0]); vector++) {
        const uint64_t stub = (uint64_t)(uintptr_t)(trap_stubs + vector * 16ul);
        traps[vector] =
            (struct gate){ .offset_low = (uint16_t)stub,
                           .selector = SELECTOR_CODE,
                           .type = vector == 3 || vector == 4 ? GATE_USER : GATE_INTERRUPT,
                           .offset_middle = (uint16_t)(stub >> 16),
                           .offset_high = (uint32_t)(stub >> 32) };
    }
    for (uint32_t i = 0; i < STACK_SPECIALS; i++) {
        traps[special_vectors[i]].stack = (uint8_t)(i + 1);
    }
}

static void fill_gdt(struct cpu *cpu)
{
    const uint64_t tss = (uint64_t)(uintptr_t)&cpu->arch.tss;
    const uint64_t entries[GDT_ENTRIES] = {
        [1] = 0x00af9b000000ffffull, // kernel code, 64-bit (Intel SDM vol. 3, figure 5-1)
        [2] = 0x00cf93000000ffffull, // kernel data
        [3] = 0x00cffb000000ffffull, // user code, 32-bit: where sysret's selectors start; nobody
                                     // uses it
        [4] = 0x00cff3000000ffffull, // user data
        [5] = 0x00affb000000ffffull, // user code, 64-bit
        [6] = (sizeof(struct x86_tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
              (tss >> 24 & 0xff) << 56,
        [7] = tss >> 32,
    };
    static_assert(sizeof(entries) <= sizeof(cpu->arch.gdt), "task state takes two entries");
    __builtin_memcpy(cpu->arch.gdt, entries, sizeof(entries));
}

void cpu_init_core(struct cpu *cpu, uint32_t id, uint32_t apic_id_of_core)
{
    const uint64_t stacks = MMU_STACK_WINDOW + id * STACK_STRIDE;
    cpu->id = id;
    cpu->arch.self = cpu;
    cpu->arch.index = id;
    cpu->arch.core_tag = id;
    cpu->arch.apic_id = apic_id_of_core;
    cpu->arch.kernel_stack = stacks + STACK_TOP_MAIN;
    for (uint32_t i = 0; i < STACK_SPECIALS; i++) {
        // The word behind the frame tells the entry code whose core it is: GS cannot be trusted
        // there.
        const uint64_t top = stacks + STACK_TOP_SPECIAL(i) - 2 * sizeof(uint64_t);
        *(uint64_t *)(uintptr_t)top = (uint64_t)(uintptr_t)cpu;
        cpu->arch.tss.ist[2ul * i] = (uint32_t)top;
        cpu->arch.tss.ist[2ul * i + 1] = (uint32_t)(top >> 32);
    }
    cpu->arch.tss.io_map_base = sizeof(struct x86_tss); // none: no ports for user space
    fill_gdt(cpu);
    cpus[id] = cpu;
}

static void load_tables(struct cpu *cpu)
{
    const struct table_pointer gdt = { GDT_ENTRIES * 8 - 1, (uint64_t)(uintptr_t)cpu->arch.gdt };
    const struct table_pointer idt = { sizeof(traps) - 1, (uint64_t)(uintptr_t)traps };
    const uint32_t code = SELECTOR_CODE;
    __asm__ volatile(
        "lgdt %0\n\t"
        "lidt %1\n\t"
        "lldt %w4\n\t" // none: a selector of it faults instead of reading descriptors at 0
        "movl %3, %%ds\n\tmovl %3, %%es\n\tmovl %3, %%ss\n\tmovl %4, %%fs\n\tmovl %4, %%gs\n\t"
        "pushq %q2\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:\tltr %w5"
        :
        : "m"(gdt), "m"(idt), "r"(code), "r"(SELECTOR_DATA), "r"(0), "r"(SELECTOR_TSS)
        : "rax", "memory");
}

static void load_control(void)
{
    const struct cpuid features = cpuid(7, 0);
    uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_PGE | CR4_FXSR | CR4_XMM | CR4_FSGSBASE;
    cr4 |= (features.b >> 7 & 1) != 0 ? CR4_SMEP : 0;
    cr4 |= (features.b >> 20 & 1) != 0 ? CR4_SMAP : 0;
    cr4 |= (features.c >> 2 & 1) != 0 ? CR4_UMIP : 0;
    __asm__ volatile("movq %0, %%cr0" : : "r"(CR0_PROTECTION) : "memory");
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
}

// Not protected by a canary: GS moves.
__attribute__((no_stack_protector)) void cpu_load_core(struct cpu *cpu)
{
    load_tables(cpu);
    msr_write(MSR_GS_BASE, (uint64_t)(uintptr_t)cpu);
    msr_write(MSR_KERNEL_GS, 0);
    msr_write(MSR_EFER, EFER_VALUE);
    msr_write(MSR_STAR,
              (uint64_t)(X86_SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)(uintptr_t)system_call_entry);
    msr_write(MSR_SFMASK, SFMASK_VALUE);
    load_control();
    cpu->arch.root = mmu_kernel_root();
    vector_init_core();
}

const char *cpu_missing_feature(void)
{
    if ((cpuid(7, 0).b & 1) == 0) {
        return "FSGSBASE";
    }
    return (cpuid(1, 0).d >> 24 & 1) == 0 ? "FXSR" : NULL;
}

bool cpu_random(uint64_t *out)
{
    if ((cpuid(1, 0).c >> 30 & 1) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < RANDOM_RETRIES; i++) {
        uint64_t value;
        uint8_t is_valid;
        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(value), "=qm"(is_valid) : : "cc");
        if (is_valid != 0) {
            *out = value;
            return true;
        }
    }
    return false;
}

_Noreturn void cpu_halt(void)
{
    for (;;) {
        __asm__ volatile("cli\n\thlt" : : : "memory");
    }
}

// The saved registers of a thread.

#define FLAGS_USER   0x240dd5ull // ID AC OF DF TF SF ZF AF PF CF (Intel SDM vol. 1, 3.4.3)
#define FLAGS_FIXED  0x2ull
#define FLAGS_ALWAYS 0x202ull   // and interrupts stay on
#define FLAG_RESUME  0x10000ull // the CPU sets it in what exceptions save

void frame_get_registers(const struct arch_frame *frame, struct tes_registers *out)
{
    *out = (struct tes_registers){
        .rax = frame->rax,
        .rbx = frame->rbx,
        .rcx = frame->rcx,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rbp = frame->rbp,
        .rsp = frame->rsp,
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rip = frame->rip,
        .rflags = frame->rflags,
    };
}

tes_status_t frame_set_registers(struct arch_frame *frame, const struct tes_registers *registers)
{
    const uint64_t allowed = FLAGS_USER | FLAGS_ALWAYS | FLAG_RESUME;
    if (registers->rip >= TES_USER_TOP || registers->rsp > TES_USER_TOP ||
        registers->fs_base >= TES_USER_TOP || registers->gs_base >= TES_USER_TOP ||
        (registers->rflags & ~allowed) != 0) {
        return TES_ERROR_INVALID;
    }
    *frame = (struct arch_frame){
        .rax = registers->rax,
        .rbx = registers->rbx,
        .rcx = registers->rcx,
        .rdx = registers->rdx,
        .rsi = registers->rsi,
        .rdi = registers->rdi,
        .rbp = registers->rbp,
        .rsp = registers->rsp,
        .r8 = registers->r8,
        .r9 = registers->r9,
        .r10 = registers->r10,
        .r11 = registers->r11,
        .r12 = registers->r12,
        .r13 = registers->r13,
        .r14 = registers->r14,
        .r15 = registers->r15,
        .rip = registers->rip,
        .rflags = (registers->rflags & FLAGS_USER) | FLAGS_ALWAYS,
        .cs = X86_SELECTOR_USER_CODE,
        .ss = X86_SELECTOR_USER_DATA,
    };
    return TES_OK;
}
