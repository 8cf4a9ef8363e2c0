// SPDX-License-Identifier: MIT OR Apache-2.0
// Contract: the core's own data and what the portable kernel may ask of a CPU.
// An architecture provides arch_impl/cpu.h with: struct arch_cpu; cpu_local() (this core's struct
// cpu, one instruction); the static inlines declared below.
#pragma once

#include <abi/counters.h>
#include <abi/info.h>
#include <kernel/limits.h>
#include <kernel/types.h>
#include <rt/list.h>

struct thread;
struct space;

// Per-core data. `arch` is first: entry code addresses it with fixed offsets (stack protector
// canary included).
#include <arch_impl/cpu_data.h> // struct arch_cpu

struct cpu {
    struct arch_cpu arch;
    uint32_t id;
    uint32_t need_reschedule; // look at the run queue on the way out
    struct thread *idle;
    struct sched_core *sched; // run queue, timers (kernel/sched)
    struct thread *inbox;     // lock-free list of threads with operations posted
    uint64_t deferrals;       // how often kernel/object put something off
    struct space *space;      // whose root is loaded; null: kernel's
    uint64_t epoch_next;      // Session epochs given out by this core
    uint64_t object_id_next;
    uint64_t counters[TES_COUNTERS_MAX];
    uint64_t object_counts[32]; // by type; sums over cores are exact, single values may wrap
    struct frame_cache *frames;
    struct trace_ring *trace;
    uint64_t irq_off_since;
};

extern struct cpu *cpus[CORES_MAX];
extern uint32_t cpu_count;

#include <arch_impl/cpu.h>
// static inline struct cpu *cpu_local(void);
//
// static inline uint64_t cpu_ticks(void);
//     cycle counter; counting instructions, a tick is one of them
//
// static inline void cpu_relax(void);
//     in a spin-wait
//
// static inline bool cpu_interrupt_pending(void);
//     an interrupt waits (interrupts go on for a moment and off again)
//
// static inline void cpu_idle(void);
//     enables interrupts, waits for one, disables them
//
// _Noreturn void cpu_halt(void);
//
// void cpu_send_ipi(uint32_t core);
//     makes the core call sched_ipi
//
// void cpu_timer_arm(uint64_t deadline_ns);
//     one shot on this core; 0 disarms
//
// uint64_t cpu_time_ns(void);
//     monotonic, since boot
//
// void cpu_stop_others(void);
//     panic: NMI to all other cores, does not wait for ever
//
// bool cpu_random(uint64_t *out);
//     hardware entropy; false: there is none
//
// void cpu_vector_enable(struct thread *); void cpu_vector_disable(void);
// void cpu_vector_save(void *area); void cpu_vector_restore(void *area);
// uint32_t cpu_vector_size(void);
//
// void cpu_vector_init(void *area);
//     the state of a fresh thread
//
// struct arch_frame *cpu_current_frame(void);
//     of the thread this core runs
//
// void cpu_set_current(struct thread *);
//     switches to it, all but address space and vector state
//
// void cpu_set_current_native(struct cpu *, struct arch_frame *, uint64_t thread_pointer);
//     the same by frame, if neither the thread nor the one before is in a guest
//
// size_t cpu_index_clamp(size_t index, size_t size);
//     index if below size, else 0, without a branch
//
// void cpu_time_page_fill(struct tes_time_page *);
//     all but realtime_ns and core_count
