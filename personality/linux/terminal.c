// SPDX-License-Identifier: MIT OR Apache-2.0
// The terminal as the guest sees it: always in canonical mode with echo, for the platform's own
// line editing does that. A change of the settings is refused until job control comes.

#include "terminal.h"

#include <personality/errors.h>
#include <rt/string.h>

#include "guest.h"
#include "special.h"

// Linux's tty_std_termios (drivers/tty/tty_io.c) at 115200 baud.
static const struct linux_termios standard_termios = {
    .input = 0x500,    // ICRNL IXON
    .output = 0x5,     // OPOST ONLCR
    .control = 0x1cb2, // B115200 CS8 CREAD HUPCL CLOCAL
    .local = 0x8a3b,   // ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN
    .characters = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22 },
};

static int64_t terminal_set(const struct linux_task *task, uint64_t argument)
{
    struct linux_termios wanted;
    if (linux_guest_read(task, &wanted, argument, sizeof(wanted)) != 0) {
        return -LINUX_EFAULT;
    }
    if (wanted.local == standard_termios.local && wanted.input == standard_termios.input &&
        wanted.output == standard_termios.output) {
        return 0;
    }
    task->container->refused_flags++;
    return -LINUX_EINVAL;
}

static int64_t terminal_size(const struct linux_task *task, uint32_t stream, uint64_t argument)
{
    struct linux_winsize size = { .rows = 0 };
    (void)platform_stream_size(stream, &size.rows, &size.columns); // unknown stays 0, as on Linux
    return linux_guest_write(task, argument, &size, sizeof(size));
}

int64_t linux_terminal_control(struct linux_task *task, struct linux_file *file, uint32_t request,
                               uint64_t argument)
{
    uint32_t group = task->group;
    int32_t stream = linux_special_stream(file->entry->inode);
    switch (request) {
    case LINUX_TCGETS:
        return linux_guest_write(task, argument, &standard_termios, sizeof(standard_termios));
    case LINUX_TCSETS:
    case LINUX_TCSETSW:
    case LINUX_TCSETSF:
        return terminal_set(task, argument);
    case LINUX_TIOCGWINSZ:
        return terminal_size(task, stream < 0 ? 0 : (uint32_t)stream, argument);
    case LINUX_TIOCGPGRP:
        return linux_guest_write(task, argument, &group, sizeof(group));
    default:
        return -LINUX_ENOTTY;
    }
}
