// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel's log ring (also to the debug UART until user space owns it), trace ring and counters.
#pragma once

#include <abi/counters.h>
#include <abi/errors.h>
#include <arch/cpu.h>
#include <rt/atomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 0, LOG_WARN = 1, LOG_INFO = 2, LOG_DEBUG = 3 };
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_write_user(const char *line, size_t size); // RESOURCE LOG_WRITE
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
// Copies up to size bytes from monotonic position; what the ring has no longer reads as zeros.
// Returns how many.
size_t log_read(uint64_t position, char *to, size_t size);
// Ends the echo to the debug UART: it belongs to user space now. Panics take it back.
void log_console_leave(void);
// Console on, with the last lines it has not shown. No lock is waited for any more: the others may
// hold it for ever.
void log_panic_begin(void);

// The trace: off until the boot option `trace` or RESOURCE TRACE switches it on. Records are kept
// when it goes off.
tes_status_t trace_control(bool is_on) TES_MUST_CHECK; // NO_MEMORY: no room for the rings
void trace_event(uint16_t event, int32_t status, uint64_t argument);
extern uint32_t trace_is_on;

static inline void trace_point(uint16_t event, int32_t status, uint64_t argument)
{
    if (__builtin_expect(atomic_load_u32(&trace_is_on, ATOMIC_RELAXED) != 0, 0)) {
        trace_event(event, status, argument);
    }
}

struct tes_trace_record;
uint64_t trace_read(uint32_t core, uint64_t position, struct tes_trace_record *out_records,
                    uint64_t count);

// How long interrupts stay off: from an entry with all registers saved to the way out (or the idle
// loop's sleep).
static inline void irq_off_begin(void)
{
    cpu_local()->irq_off_since = cpu_ticks();
}

static inline void irq_off_end(void)
{
    struct cpu *cpu = cpu_local();
    uint64_t ticks = cpu_ticks() - cpu->irq_off_since;
    if (cpu->irq_off_since != 0 && ticks > cpu->counters[TES_COUNTER_IRQS_OFF_MAX_TICKS]) {
        cpu->counters[TES_COUNTER_IRQS_OFF_MAX_TICKS] = ticks;
    }
    cpu->irq_off_since = 0;
}

static inline void counter_add(enum tes_counter counter, uint64_t value)
{
    cpu_local()->counters[counter] += value;
}
