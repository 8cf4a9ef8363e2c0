// SPDX-License-Identifier: MIT OR Apache-2.0
// The slow path of spinlocks: waits while another core holds the lock. A core that waits far longer
// than any holder may take has found a deadlock: that is a panic that says which lock, not a silent
// machine.
#include <kernel/lock.h>
#include <kernel/memory.h>

#include <arch/cpu.h>

#define DEADLOCK_NS                                                                                \
    4000000000ull // holders keep a lock for microseconds; an emulator's pauses are far shorter
#define SPINS_PER_LOOK 4096u

void spinlock_acquire_slow(struct spinlock *lock)
{
    uint64_t give_up_ns = 0;
    for (uint32_t spins = 1; !spinlock_try(lock); spins++) {
        while (spinlock_is_held(lock) && spins % SPINS_PER_LOOK != 0) {
            cpu_relax();
            tlb_ipi(); // the holder may wait for this core's
            spins++;
        }
        if (spins % SPINS_PER_LOOK == 0) {
            uint64_t now_ns = cpu_time_ns();
            give_up_ns = give_up_ns != 0 ? give_up_ns : now_ns + DEADLOCK_NS;
            if (now_ns > give_up_ns) {
                panic("deadlock: core %u waits for lock %p", cpu_local()->id, (void *)lock);
            }
        }
    }
}
