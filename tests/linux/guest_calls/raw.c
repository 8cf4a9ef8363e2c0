// SPDX-License-Identifier: MIT OR Apache-2.0
// The implementation of raw.h; the parts in assembly are in start.S.

#include "raw.h"

#define SA_SIGINFO  4
#define SA_RESTORER 0x04000000
#define DIGITS      24
#define STAT_WORDS  18
#define STAT_LINKS  2

struct raw_action {
    void *handler;
    uint64_t flags;
    void (*restorer)(void);
    uint64_t mask;
};

__attribute__((noreturn)) void raw_exit(long status)
{
    for (;;) {
        (void)raw(SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
    }
}

long open_file(const char *path, int flags)
{
    return raw(SYS_OPEN, (long)path, flags, 0644, 0, 0, 0);
}

long file_links(long fd)
{
    long stat[STAT_WORDS];
    long result = raw(SYS_FSTAT, fd, (long)stat, 0, 0, 0, 0);
    return result == 0 ? stat[STAT_LINKS] : result;
}

void print_bytes(const char *bytes, size_t size)
{
    (void)raw(SYS_WRITE, 1, (long)bytes, (long)size, 0, 0, 0);
}

void print_text(const char *text)
{
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    print_bytes(text, size);
}

void print_number(long number)
{
    char digits[DIGITS];
    size_t place = sizeof(digits);
    uint64_t rest = number < 0 ? (uint64_t)0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--place] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        digits[--place] = '-';
    }
    print_bytes(digits + place, sizeof(digits) - place);
}

void ignore_signal(int number)
{
    const struct raw_action action = { (void *)1, SA_RESTORER, signal_restore, 0 };
    (void)raw(SYS_SIGACTION, number, (long)&action, 0, 8, 0, 0);
}

void catch_signal(int number, signal_handler handler, uint64_t flags)
{
    const struct raw_action action = { (void *)(uintptr_t)handler, SA_RESTORER | SA_SIGINFO | flags,
                                       signal_restore, 0 };
    (void)raw(SYS_SIGACTION, number, (long)&action, 0, 8, 0, 0);
}
