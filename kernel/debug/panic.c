// SPDX-License-Identifier: MIT OR Apache-2.0
// The end: stops the other cores, says what broke and how it came there, leaves with the emulator's
// failure code. What it calls takes no lock that another core may hold.
#include <kernel/assert.h>
#include <kernel/limits.h>
#include <kernel/log.h>
#include <rt/atomic.h>
#include <rt/format.h>

#include <arch/cpu.h>
#include <arch/machine.h>
#include <stdarg.h>

static uint32_t is_panicking;

static _Noreturn void finish(const char *message)
{
    log_error("PANIC on core %u: %s", cpu_local()->id, message);
    machine_frame_backtrace(0);
    machine_panic_exit();
}

static void begin(void)
{
    if (atomic_exchange_u32(&is_panicking, 1, ATOMIC_ACQ_REL) !=
        0) { // pairs with itself: one panic is told
        cpu_halt();
    }
    cpu_stop_others();
    log_panic_begin();
}

void panic(const char *format, ...)
{
    char message[LOG_LINE_MAX];
    begin();
    va_list arguments;
    va_start(arguments, format);
    rt_vformat(message, sizeof(message), format, arguments);
    va_end(arguments);
    finish(message);
}

void assert_fail(const char *condition, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, condition);
}
