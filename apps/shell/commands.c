// SPDX-License-Identifier: MIT OR Apache-2.0
// The table of commands, sorted by name.
#include <rt/string.h>

#include "commands.h"

static const struct command commands[] = {
    { "caps", command_caps, "caps [PROCESS-ID]",
      "handles of a process: type, rights, badge, Session" },
    { "cat", command_cat, "cat [FILE...]", "print files, or the input" },
    { "clear", command_clear, "clear", "clear the screen" },
    { "cpu", command_cpu, "cpu", "cores and their event counters" },
    { "date", command_date, "date", "the time of day, UTC" },
    { "echo", command_echo, "echo [-n] [WORDS]", "print words" },
    { "env", command_env, "env", "variables" },
    { "events", command_events, "events", "what happened to components" },
    { "export", command_export, "export NAME=VALUE...", "set variables" },
    { "false", command_false, "false", "fail" },
    { "help", command_help, "help [COMMAND]", "commands, or one of them" },
    { "history", command_history, "history", "lines typed before" },
    { "ipcbench", command_ipcbench, "ipcbench [ROUNDS]",
      "cost of a call and its reply between two threads" },
    { "irq", command_irq, "irq", "interrupt sources in use" },
    { "jobs", command_jobs, "jobs", "commands in the background" },
    { "kill", command_kill, "kill PROCESS-ID|NAME", "end a component or program" },
    { "linux", command_linux, "linux [--file FILE]... [-strace] PROGRAM [ARGUMENTS]",
      "run a Linux program" },
    { "log", command_log, "log", "the kernel's log" },
    { "ls", command_ls, "ls", "files in memory" },
    { "mem", command_mem, "mem", "the machine's memory" },
    { "objects", command_objects, "objects", "kernel objects by type" },
    { "poweroff", command_poweroff, "poweroff", "switch the machine off" },
    { "programs", command_programs, "programs", "components and programs of the composition" },
    { "ps", command_ps, "ps", "processes" },
    { "quota", command_quota, "quota", "accounts of pages, objects and handles" },
    { "reboot", command_reboot, "reboot", "start the machine again" },
    { "restart", command_restart, "restart NAME", "restart a component" },
    { "revoke", command_revoke, "revoke FILE...", "take back every handle given out for a file" },
    { "rm", command_rm, "rm FILE...", "remove files" },
    { "run", command_run_program, "run PROGRAM [ARGUMENTS]", "run a program of the composition" },
    { "selftest", command_selftest, "selftest", "run the test programs of the boot image" },
    { "sleep", command_sleep, "sleep SECONDS", "wait" },
    { "time", command_time, "time COMMAND [ARGUMENTS]",
      "run a command and print how long it took" },
    { "top", command_top, "top [ROUNDS]", "who uses the processors" },
    { "trace", command_trace, "trace [on|off|COUNT]", "the newest kernel events" },
    { "true", command_true, "true", "succeed" },
    { "unset", command_unset, "unset NAME...", "remove variables" },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

const struct command *command_at(unsigned index)
{
    return index < COMMAND_COUNT ? &commands[index] : NULL;
}

int command_usage(struct context *context, const char *name)
{
    io_error(&context->io, "usage: %s\n", command_find(name)->usage);
    return STATUS_USAGE;
}
