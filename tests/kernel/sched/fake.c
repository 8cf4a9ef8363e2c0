// SPDX-License-Identifier: MIT OR Apache-2.0
// Cores and time for the tests of the scheduler, and what the tests use to play them (fake.h).
#include "fake.h"
#include <arch/machine.h>
#include <kernel/boot.h>
#include <kernel/frame.h>
#include <kernel/irq.h>
#include <kernel/log.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake fake;
struct quota fake_quota;
struct process fake_process;
struct space fake_space;
struct session fake_session = { .epoch = 1 };
static struct cpu cores[FAKE_CORES];
static struct thread *current[FAKE_CORES];
static jmp_buf idle_exit;
struct cpu *cpus[CORES_MAX] = { &cores[0], &cores[1], &cores[2], &cores[3] };
uint32_t cpu_count = FAKE_CORES;
struct boot_info boot_info;

// The machine.
struct cpu *cpu_local(void)
{
    return &cores[fake.core];
}

uint64_t cpu_ticks(void)
{
    return fake.now_ns;
}

uint64_t cpu_time_ns(void)
{
    return fake.now_ns;
}

void cpu_relax(void)
{
}

void cpu_send_ipi(uint32_t core)
{
    fake.ipis[core]++;
}

void cpu_time_page_fill(struct tes_time_page *page)
{
    (void)page;
}

struct arch_frame *cpu_current_frame(void)
{
    return &current[fake.core]->frame;
}

void cpu_set_current(struct thread *thread)
{
    current[fake.core] = thread;
}

void cpu_set_current_native(struct cpu *cpu, struct arch_frame *frame, uint64_t thread_pointer)
{
    struct thread *thread = container_of(frame, struct thread, frame);
    CHECK(cpu == cpu_local() && thread_pointer == thread->thread_pointer);
    current[fake.core] = thread;
}

void cpu_timer_arm(uint64_t deadline_ns)
{
    fake.armed_ns[fake.core] = deadline_ns;
    fake.timer_writes++;
}

bool cpu_interrupt_pending(void)
{
    return fake.preempts;
}

// Nothing can come from outside while a test runs one core: time passes to the timer, or the test
// goes on.
void cpu_idle(void)
{
    uint64_t armed = fake.armed_ns[fake.core];
    if (armed == 0 || armed > fake.now_ns) {
        longjmp(idle_exit, 1);
    }
    fake.armed_ns[fake.core] = 0;
    sched_timer_interrupt();
}

uint32_t cpu_vector_size(void)
{
    return PAGE_SIZE;
}

void cpu_vector_enable(struct thread *thread)
{
    (void)thread;
}

void cpu_vector_save(void *area)
{
    (void)area;
}

void cpu_vector_restore(const void *area)
{
    (void)area;
}

void cpu_vector_disable(void)
{
}

void mmu_load_root(uint64_t root)
{
    CHECK(cores[fake.core].arch.root == root);
}

_Noreturn void exit_kernel(void);
_Noreturn void exit_kernel(void)
{
    abort();
}

uint32_t machine_irq_count(void)
{
    return 24;
}

tes_status_t machine_irq_enable(uint32_t number, uint32_t flags)
{
    (void)flags;
    fake.irq_enabled |= 1ull << number;
    fake.irq_masked |= 1ull << number;
    return TES_OK;
}

void machine_irq_disable(uint32_t number)
{
    fake.irq_enabled &= ~(1ull << number);
}

void machine_irq_mask(uint32_t number)
{
    fake.irq_masked |= number < 64 ? 1ull << number : 0;
}

void machine_irq_unmask(uint32_t number)
{
    fake.irq_masked &= ~(1ull << number);
}

void machine_guest_leave(struct thread *thread, uint32_t reason, const struct tes_fault *fault)
{
    (void)reason;
    (void)fault;
    thread->in_guest = 0;
}

void frame_get_registers(const struct arch_frame *frame, struct tes_registers *out_registers)
{
    out_registers->rip = frame->entry;
}

tes_status_t frame_set_registers(struct arch_frame *frame, const struct tes_registers *registers)
{
    frame->entry = registers->rip;
    return TES_OK;
}

// Assertions, locks, log.
void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

void assert_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

void spinlock_acquire_slow(struct spinlock *lock)
{
    (void)lock;
    panic("lock taken twice");
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

// What tests use.
void fake_init(void)
{
    fake.now_ns = MS;
    fake_process.space = &fake_space;
    fake_process.quota = &fake_quota;
    list_init(&fake_process.threads);
    fake_session.epoch = 1;
    for (uint32_t core = FAKE_CORES; core-- > 0;) {
        fake.core = core;
        cores[core].id = core;
        sched_init_core();
    }
}

struct thread *fake_current(void)
{
    return current[fake.core];
}

struct thread *fake_leave(void)
{
    if (setjmp(idle_exit) != 0) {
        return NULL;
    }
    if (fake_current() == cores[fake.core].idle) {
        sched_block_current();
    }
    return sched_leave_kernel();
}

void fake_take_ipis(void)
{
    uint32_t self = fake.core;
    bool is_done = false;
    (void)fake_leave();
    while (!is_done) {
        is_done = true;
        for (uint32_t core = 0; core < FAKE_CORES; core++) {
            if (fake.ipis[core] != 0) {
                is_done = false;
                fake.core = core;
                fake.ipis[core] = 0;
                sched_ipi();
                (void)fake_leave();
            }
        }
    }
    fake.core = self;
}

void fake_run(uint64_t duration_ns)
{
    uint64_t end = fake.now_ns + duration_ns;
    (void)fake_leave();
    while (fake.now_ns < end) {
        uint64_t armed = fake.armed_ns[fake.core];
        bool is_due = armed != 0 && armed <= end;
        fake.now_ns = is_due ? (armed > fake.now_ns ? armed : fake.now_ns) : end;
        if (is_due) {
            fake.armed_ns[fake.core] = 0;
            sched_timer_interrupt();
        }
        (void)fake_leave();
    }
}

struct sched_context *fake_context(uint64_t budget_ns, uint64_t period_ns, uint32_t priority)
{
    const struct sched_parameters parameters = { budget_ns, period_ns, UINT64_MAX, priority };
    struct sched_context *context = NULL;
    CHECK(context_create(&fake_quota, &parameters, &context) == TES_OK);
    return context;
}

struct thread *fake_thread(struct sched_context *context)
{
    struct thread *thread = NULL;
    CHECK(thread_create(&fake_process, context, &thread) == TES_OK);
    CHECK(thread_start(thread, PAGE_SIZE, PAGE_SIZE, 0, 0) == TES_OK);
    return thread;
}

struct thread *fake_simple_thread(uint32_t priority)
{
    return fake_thread(fake_context(MS, 0, priority));
}

struct notification *fake_notification(void)
{
    struct object *object = NULL;
    CHECK(object_create(&fake_quota, TES_TYPE_NOTIFICATION, &object) == TES_OK);
    return container_of(object, struct notification, object);
}

struct endpoint *fake_endpoint(void)
{
    struct object *object = NULL;
    CHECK(object_create(&fake_quota, TES_TYPE_ENDPOINT, &object) == TES_OK);
    struct endpoint *endpoint = container_of(object, struct endpoint, object);
    list_init(&endpoint->servers);
    tree_init(&endpoint->callers);
    return endpoint;
}

uint64_t fake_random(uint64_t limit)
{
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}
