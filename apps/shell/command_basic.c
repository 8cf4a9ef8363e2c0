// SPDX-License-Identifier: MIT OR Apache-2.0
// Commands that concern the shell itself, and clocks.
#include <rt/format.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/heap.h>
#include <tes/memory.h>
#include <tes/startup.h>
#include <tes/text.h>
#include <tes/time.h>

#include "commands.h"

int command_help(struct context *context, int argc, char **argv)
{
    if (argc > 1) {
        const struct command *command = command_find(argv[1]);
        if (command == NULL) {
            io_error(&context->io, "help: there is no command %s\n", argv[1]);
            return STATUS_FAILED;
        }
        io_print(&context->io, "%s\n    %s\n", command->usage, command->help);
        return 0;
    }
    for (unsigned i = 0; command_at(i) != NULL; i++) {
        io_print(&context->io, "%-10s %s\n", command_at(i)->name, command_at(i)->help);
    }
    io_print(&context->io, "\nA | B  A && B  A || B  A; B  A &  < FILE  > FILE  >> FILE  2> FILE\n"
                           "'...' \"...\" \\x $NAME ${NAME} $?  NAME=VALUE\n");
    return 0;
}

int command_echo(struct context *context, int argc, char **argv)
{
    bool has_newline = !(argc > 1 && strcmp(argv[1], "-n") == 0);
    int first = has_newline ? 1 : 2;
    for (int i = first; i < argc; i++) {
        io_write(&context->io, " ", i > first ? 1 : 0);
        io_write(&context->io, argv[i], strlen(argv[i]));
    }
    io_write(&context->io, "\n", has_newline ? 1 : 0);
    return 0;
}

int command_true(struct context *context, int argc, char **argv)
{
    (void)context;
    (void)argc;
    (void)argv;
    return 0;
}

int command_false(struct context *context, int argc, char **argv)
{
    (void)context;
    (void)argc;
    (void)argv;
    return STATUS_FAILED;
}

int command_env(struct context *context, int argc, char **argv)
{
    const char *list[VARIABLES_MAX + 1];
    (void)argc;
    (void)argv;
    variables_list(context->shell, list);
    for (const char **at = list; *at != NULL; at++) {
        io_print(&context->io, "%s\n", *at);
    }
    return 0;
}

int command_export(struct context *context, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL || equals == argv[i]) {
            return command_usage(context, "export");
        }
        *equals = 0;
        if (!variable_set(context->shell, argv[i], equals + 1)) {
            io_error(&context->io, "export: no room for another variable\n");
            return STATUS_FAILED;
        }
    }
    return 0;
}

int command_unset(struct context *context, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        variable_unset(context->shell, argv[i]);
    }
    return 0;
}

int command_history(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct history *history = &context->shell->history;
    for (unsigned i = 0; i < history->count; i++) {
        io_print(&context->io, "%4u  %s\n", i + 1, history->lines[i]);
    }
    return 0;
}

int command_clear(struct context *context, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (!context->shell->is_plain) {
        io_print(&context->io, "\x1b[H\x1b[2J");
    }
    return 0;
}

bool command_wait(struct context *context, uint64_t ns)
{
    uint64_t end = tes_time_monotonic_ns() + ns;
    tes_notification_t never;
    if (tes_notification_create(tes_self()->quota, &never) != TES_OK) {
        return false;
    }
    uint64_t now = tes_time_monotonic_ns();
    while (now < end && !job_is_interrupted(context->job)) {
        uint64_t slice = end - now < CLOCK_SLICE_NS ? end - now : CLOCK_SLICE_NS;
        uint64_t bits = 0;
        tes_deadline_set(now + slice);
        (void)!tes_notification_wait(never, 1, 0, &bits); // ends by time or ^C
        now = tes_time_monotonic_ns();
    }
    tes_deadline_set(0);
    tes_destroy(tes_notification_any(never));
    return !job_is_interrupted(context->job);
}

// Seconds with up to nine decimals, as ns.
static bool parse_seconds(const char *text, uint64_t *out_ns)
{
    uint64_t ns = 0;
    uint64_t unit = TES_NS_PER_SECOND;
    uint64_t whole = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        whole = whole * 10 + (uint64_t)(*text - '0');
        if (whole > UINT32_MAX) {
            return false;
        }
    }
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++) {
            unit /= 10;
            ns += (uint64_t)(*text - '0') * unit;
        }
    }
    *out_ns = whole * TES_NS_PER_SECOND + ns;
    return *text == 0;
}

int command_sleep(struct context *context, int argc, char **argv)
{
    uint64_t ns = 0;
    if (argc != 2 || argv[1][0] == 0 || !parse_seconds(argv[1], &ns)) {
        return command_usage(context, "sleep");
    }
    return command_wait(context, ns) ? 0 : STATUS_INTERRUPTED;
}

int command_date(struct context *context, int argc, char **argv)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    (void)argc;
    (void)argv;
    uint64_t now = tes_time_realtime_ns();
    if (now == 0) {
        io_error(&context->io, "date: the machine's clock is not known\n");
        return STATUS_FAILED;
    }
    struct tes_date d = tes_date_from_seconds(now / TES_NS_PER_SECOND);
    io_print(&context->io, "%s %04u-%02u-%02u %02u:%02u:%02u UTC\n", days[d.weekday], d.year,
             d.month, d.day, d.hour, d.minute, d.second);
    return 0;
}

int command_time(struct context *context, int argc, char **argv)
{
    const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
    if (command == NULL) {
        return command_usage(context, "time");
    }
    uint64_t begin = tes_time_monotonic_ns();
    int status = command->run(context, argc - 1, argv + 1);
    uint64_t us = (tes_time_monotonic_ns() - begin) / TES_NS_PER_US;
    io_error(&context->io, "real %llu.%06llu s\n", (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000));
    return status;
}
