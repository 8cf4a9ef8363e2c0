// SPDX-License-Identifier: MIT OR Apache-2.0
// Host (unit tests of kernel objects): the core that the test says it is.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tes_time_page;
struct arch_frame;
struct thread;

struct cpu *cpu_local(void);
uint64_t cpu_ticks(void);
uint64_t cpu_time_ns(void);
void cpu_relax(void);
void cpu_send_ipi(uint32_t core);
void cpu_time_page_fill(struct tes_time_page *page);
struct arch_frame *cpu_current_frame(void);
void cpu_set_current(struct thread *thread);
void cpu_set_current_native(struct cpu *cpu, struct arch_frame *frame, uint64_t thread_pointer);
void cpu_timer_arm(uint64_t deadline_ns);
bool cpu_interrupt_pending(void);
void cpu_idle(void);
bool cpu_random(uint64_t *out);
uint32_t cpu_vector_size(void);
void cpu_vector_enable(struct thread *thread);
void cpu_vector_save(void *area);
void cpu_vector_restore(const void *area);
void cpu_vector_disable(void);
