// SPDX-License-Identifier: MIT OR Apache-2.0
// Which thread a core runs, with the segment bases it has, and the slow ways into and out of
// guests. While a thread is in its guest, the guest's bases live in the CPU and, when it does not
// run, in the state page; the personality's own is thread_pointer. The state page is the
// personality's memory: every value is read once and checked. Entry code has the fast ways of the
// same.
#include "x86.h"

#include <abi/fault.h>
#include <abi_arch/registers.h>
#include <kernel/assert.h>
#include <kernel/thread.h>

static uint64_t fs_base_read(void)
{
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static void fs_base_write(uint64_t base)
{
    __asm__ volatile("wrfsbase %0" : : "r"(base));
}

// A base that is not a user address would fault here, in the kernel.
static uint64_t user_base(uint64_t base)
{
    return base < TES_USER_TOP ? base : 0;
}

static bool is_current(const struct thread *thread)
{
    return &thread->frame == cpu_current_frame();
}

// Gives the CPU the bases that the thread has, and takes away a guest's from one that is in none.
static void load_bases(struct cpu *cpu, const struct thread *thread)
{
    const bool had_guest = cpu->arch.in_guest != 0;
    cpu->arch.in_guest = thread->in_guest;
    if (thread->in_guest != 0) {
        const struct tes_registers *registers = &thread->guest_state->registers;
        fs_base_write(user_base(registers->fs_base));
        msr_write(MSR_KERNEL_GS, user_base(registers->gs_base));
        return;
    }
    fs_base_write(user_base(thread->thread_pointer));
    if (had_guest) {
        msr_write(MSR_KERNEL_GS, 0);
    }
}

static void save_guest_bases(const struct cpu *cpu, struct thread *thread)
{
    if (cpu->arch.in_guest != 0) {
        thread->guest_state->registers.fs_base = fs_base_read();
        thread->guest_state->registers.gs_base =
            msr_read(MSR_KERNEL_GS); // user's while the kernel runs
    }
}

void cpu_set_current(struct thread *thread)
{
    struct cpu *cpu = cpu_local();
    const uint64_t end = (uint64_t)(uintptr_t)(&thread->frame + 1);
    ASSERT(end % 16 == 0); // the CPU aligns its stack before it stores
    if (cpu->arch.in_guest != 0 && !is_current(thread)) {
        save_guest_bases(cpu, (struct thread *)(void *)cpu_current_frame());
    }
    cpu->arch.tss.rsp0_low = (uint32_t)end;
    cpu->arch.tss.rsp0_high = (uint32_t)(end >> 32);
    load_bases(cpu, thread);
}

static void load_root(struct thread *thread)
{
    struct cpu *cpu = cpu_local();
    if (cpu->arch.root != thread->address_space) {
        cpu->arch.root = thread->address_space;
        mmu_load_root(thread->address_space);
    }
    load_bases(cpu, thread);
}

tes_status_t machine_guest_enter(struct thread *thread)
{
    const struct tes_registers registers = thread->guest_state->registers;
    struct arch_frame frame;
    if (frame_set_registers(&frame, &registers) != TES_OK) {
        return TES_ERROR_BAD_ADDRESS;
    }
    thread->guest_resume_ip = thread->frame.rip;
    thread->guest_resume_sp = thread->frame.rsp;
    thread->guest_resume_flags = thread->frame.rflags;
    thread->guest_state->full_restore = 0; // the next exit says anew whether it matters
    thread->frame = frame;
    thread->in_guest = 1;
    thread->address_space = thread->guest_restricted_root;
    if (is_current(thread)) {
        load_root(thread);
    }
    return TES_ERROR_BLOCKED;
}

void machine_guest_leave(struct thread *thread, uint32_t reason, const struct tes_fault *fault)
{
    struct tes_guest_state *state = thread->guest_state;
    struct tes_registers registers;
    ASSERT(thread->in_guest != 0);
    frame_get_registers(&thread->frame, &registers);
    if (is_current(thread)) {
        save_guest_bases(cpu_local(), thread);
    }
    registers.fs_base = state->registers.fs_base;
    registers.gs_base = state->registers.gs_base;
    state->registers = registers;
    state->exit_reason = reason;
    state->full_restore = 1; // interrupted anywhere: rcx and r11 hold the guest's values
    if (fault != NULL) {
        state->fault_cause = fault->cause;
        state->fault_address = fault->address;
        state->fault_access = fault->access;
        state->fault_detail = fault->detail;
    }
    frame_init_user(&thread->frame, thread->guest_resume_ip, thread->guest_resume_sp, 0, 0);
    thread->frame.rflags = thread->guest_resume_flags;
    thread->in_guest = 0;
    thread->address_space = thread->guest_full_root;
    if (is_current(thread)) {
        load_root(thread);
    }
}
