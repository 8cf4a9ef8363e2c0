// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel's log: a ring of bytes with monotonic positions, read by user space (object_info LOG),
// echoed to the debug UART until user space owns that, and again in a panic. A line starts with the
// time and its level.
#include <kernel/limits.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <rt/format.h>

#include <arch/cpu.h>
#include <arch/machine.h>
#include <stdarg.h>

#define RING_SIZE     ((size_t)LOG_RING_SIZE)
#define NS_PER_US     1000u
#define PANIC_REPEATS 1024u // bytes of the log
#define US_PER_S      1000000u
#ifdef CONFIG_DEBUG
#define SHOWS_DEBUG 1
#else
#define SHOWS_DEBUG 0
#endif

static struct {
    struct spinlock lock;
    uint64_t end; // position behind the last byte
    int is_echoed;
    int is_panic;
    char ring[RING_SIZE];
} state = { .is_echoed = 1 };
static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "positions wrap with the ring");

static const char level_letters[] = {
    [LOG_ERROR] = 'E', [LOG_WARN] = 'W', [LOG_INFO] = 'I', [LOG_DEBUG] = 'D'
};

void log_console_leave(void)
{
    state.is_echoed = 0;
}

static void echo(char c)
{
    if (c == '\n') {
        machine_console_put('\r');
    }
    machine_console_put(c);
}

void log_panic_begin(void)
{
    uint64_t from = state.end > PANIC_REPEATS ? state.end - PANIC_REPEATS : 0;
    for (; state.is_echoed == 0 && from < state.end; from++) {
        echo(state.ring[from % RING_SIZE]);
    }
    state.is_echoed = 1;
    state.is_panic = 1;
}

static void put_locked(char c)
{
    state.ring[state.end++ % RING_SIZE] = c;
    if (state.is_echoed) {
        echo(c);
    }
}

static void put_line(const char *text, size_t size)
{
    bool is_locked = !state.is_panic;
    if (is_locked) {
        spinlock_acquire(&state.lock);
    }
    for (size_t index = 0; index < size; index++) {
        put_locked(text[index]);
    }
    if (size == 0 || text[size - 1] != '\n') {
        put_locked('\n');
    }
    if (is_locked) {
        spinlock_release(&state.lock);
    }
}

static size_t clamp(int length, size_t size)
{
    size_t wanted = length < 0 ? 0 : (size_t)length;
    return wanted < size ? wanted : size - 1;
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level == LOG_DEBUG && !SHOWS_DEBUG) {
        return;
    }
    char line[LOG_LINE_MAX];
    uint64_t now_us = cpu_time_ns() / NS_PER_US;
    size_t used = clamp(rt_format(line, sizeof(line), "[%5lu.%06lu] %c ", now_us / US_PER_S,
                                  now_us % US_PER_S, level_letters[level]),
                        sizeof(line));
    va_list arguments;
    va_start(arguments, format);
    used +=
        clamp(rt_vformat(line + used, sizeof(line) - used, format, arguments), sizeof(line) - used);
    va_end(arguments);
    put_line(line, used);
}

// Only what a terminal shows harmlessly.
void log_write_user(const char *line, size_t size)
{
    char clean[LOG_LINE_MAX];
    size_t count = size < sizeof(clean) ? size : sizeof(clean);
    for (size_t index = 0; index < count; index++) {
        unsigned char c = (unsigned char)line[index];
        clean[index] =
            (char)((c >= ' ' && c != 0x7f) || c == '\t' || c == '\n' ? c : '?'); // 0x7f: DEL
    }
    put_line(clean, count);
}

size_t log_read(uint64_t position, char *to, size_t size)
{
    size_t copied = 0;
    spinlock_acquire(&state.lock);
    while (copied < size && position + copied < state.end) {
        uint64_t at = position + copied;
        to[copied] = '\0';
        if (state.end - at <= RING_SIZE) {
            to[copied] = state.ring[at % RING_SIZE];
        }
        copied++;
    }
    spinlock_release(&state.lock);
    return copied;
}
