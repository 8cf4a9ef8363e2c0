// SPDX-License-Identifier: MIT OR Apache-2.0
// Binding threads of a personality to guest Spaces, and the part of guest_enter that entry code
// does not do itself: bad state pages, pending kicks, and resuming with all registers.
#include "ipc.h"

#include <arch/machine.h>
#include <arch/mmu.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel_calls.h>

static void unbind(struct thread *thread)
{
    if (thread->guest_memory != NULL) {
        memory_unpin(thread->guest_memory, thread->guest_state);
    }
    thread->guest = NULL;
    thread->guest_memory = NULL;
    thread->guest_state = NULL;
    thread->guest_full_root = 0;
    thread->guest_restricted_root = 0;
    thread->address_space = thread->process->space->root;
    atomic_and_u32(&thread->slow_flags, ~(uint32_t)THREAD_SLOW_GUEST, ATOMIC_RELAXED);
}

tes_status_t guest_bind(struct thread *thread, const struct handle_view *view, uint64_t state)
{
    struct memory *memory = NULL;
    void *page = NULL;
    if (view == NULL || view->object == NULL) {
        unbind(thread);
        return TES_OK;
    }
    struct space *guest = container_of(view->object, struct space, object);
    if (guest->is_guest == 0 || guest->process != thread->process ||
        !object_is_live(&guest->object)) {
        return TES_ERROR_INVALID;
    }
    if (!is_page_aligned(state)) {
        return TES_ERROR_BAD_ADDRESS;
    }
    tes_status_t status = memory_pin_user(thread->process->space, state, true, &memory, &page);
    if (status != TES_OK) {
        return status == TES_ERROR_NO_MEMORY ? status : TES_ERROR_BAD_ADDRESS;
    }
    unbind(thread);
    thread->guest = guest;
    thread->guest_memory = memory;
    thread->guest_state = page;
    thread->guest_full_root = guest->root;
    thread->guest_restricted_root = guest->restricted_root;
    thread->address_space = guest->root;
    atomic_or_u32(&thread->slow_flags, THREAD_SLOW_GUEST, ATOMIC_RELAXED);
    return TES_OK;
}

void guest_unbind(struct thread *thread)
{
    if (thread->in_guest != 0) {
        machine_guest_leave(thread, TES_GUEST_EXIT_KICK, NULL);
    }
    unbind(thread);
    struct cpu *cpu = cpu_local();
    if (thread == current_thread() && cpu->arch.root != thread->address_space) {
        cpu->arch.root = thread->address_space;
        mmu_load_root(thread->address_space);
    }
}

tes_status_t sys_guest_enter(void)
{
    struct thread *self = current_thread();
    if (self->guest == NULL) {
        return TES_ERROR_INVALID;
    }
    if (self->kick_pending != 0) {
        self->kick_pending = 0;
        self->guest_state->exit_reason = TES_GUEST_EXIT_KICK;
        return TES_OK;
    }
    return machine_guest_enter(self); // BLOCKED: the frame now is the guest's
}
