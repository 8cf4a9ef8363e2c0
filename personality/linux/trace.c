// SPDX-License-Identifier: MIT OR Apache-2.0
// strace's output: NAME(ARGUMENTS), blanks to column 40, "= RESULT". Arguments are printed after
// the call, so that what it wrote can be shown; execve and exit_group are printed before. The
// printers of single types are in trace_argument.c.

#include <personality/trace.h>

#include <personality/errors.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "text.h"
#include "trace_argument.h"

#define TRACE_LINE_SIZE 2048U
#define TRACE_COLUMN    40U
#define CALL_EXECVE     59U
#define CALL_EXIT       60U
#define CALL_EXIT_GROUP 231U
#define SIGNAL_MASK     0x7f
#define EXIT_SHIFT      8

const struct linux_call_description *linux_call_describe(uint32_t number)
{
    if (number >= LINUX_CALL_COUNT || linux_call_descriptions[number].name == NULL) {
        return NULL;
    }
    return &linux_call_descriptions[number];
}

static void trace_result(struct linux_text *text, const struct linux_call_description *call,
                         int64_t result)
{
    const char *name = NULL;
    const char *explanation = NULL;
    linux_text_string(text, "= ");
    if (result == -LINUX_ERESTART || result == -LINUX_ERESTARTNOHAND) {
        linux_text_string(text, "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
    } else if (result < 0 && linux_error_text((int)-result, &name, &explanation)) {
        linux_text_string(text, "-1 ");
        linux_text_string(text, name);
        linux_text_string(text, " (");
        linux_text_string(text, explanation);
        linux_text_char(text, ')');
    } else if (call != NULL && call->is_pointer_result) {
        linux_text_string(text, "0x");
        linux_text_hex(text, (uint64_t)result, 1);
    } else {
        linux_text_signed(text, result);
    }
}

static void trace_call(struct linux_task *task, struct linux_text *text, uint32_t number,
                       int64_t result)
{
    const struct linux_call_description *call = linux_call_describe(number);
    if (call == NULL) {
        linux_text_string(text, "syscall_0x");
        linux_text_hex(text, number, 1);
    } else {
        linux_text_string(text, call->name);
    }
    linux_text_char(text, '(');
    for (uint32_t index = 0; call != NULL && index < call->argument_count; index++) {
        if (index != 0) {
            linux_text_string(text, ", ");
        }
        linux_trace_argument(task, text, &call->arguments[index], index, result);
    }
    linux_text_char(text, ')');
    linux_text_column(text, 0, TRACE_COLUMN - 1);
    linux_text_char(text, ' ');
}

void linux_trace_enter(struct linux_task *task, uint32_t number)
{
    const struct linux_registers *registers = task->registers;
    const uint64_t arguments[LINUX_ARGUMENTS_MAX] = { registers->rdi, registers->rsi,
                                                      registers->rdx, registers->r10,
                                                      registers->r8,  registers->r9 };
    if ((task->attention & LINUX_ATTENTION_TRACE) == 0) {
        return;
    }
    memcpy(task->traced_arguments, arguments, sizeof(arguments));
    task->is_traced_at_enter =
        number == CALL_EXECVE || number == CALL_EXIT || number == CALL_EXIT_GROUP;
    if (!task->is_traced_at_enter) {
        return;
    }
    char line[TRACE_LINE_SIZE];
    struct linux_text text = { .buffer = line, .size = sizeof(line) };
    trace_call(task, &text, number, 0);
    linux_text_string(&text, number == CALL_EXECVE ? "..." : "= ?");
    (void)linux_text_end(&text); // a cut line is still a line
    platform_trace(line);
}

void linux_trace_exit(struct linux_task *task, uint32_t number, int64_t result)
{
    char line[TRACE_LINE_SIZE];
    struct linux_text text = { .buffer = line, .size = sizeof(line) };
    if (task->is_traced_at_enter && number != CALL_EXECVE) {
        return;
    }
    if (task->is_traced_at_enter) {
        linux_text_string(&text, "<... execve resumed>) ");
    } else {
        trace_call(task, &text, number, result);
    }
    trace_result(&text, linux_call_describe(number), result);
    (void)linux_text_end(&text); // a cut line is still a line
    platform_trace(line);
}

void linux_trace_signal(struct linux_task *task, const struct linux_siginfo *info)
{
    char line[TRACE_LINE_SIZE];
    struct linux_text text = { .buffer = line, .size = sizeof(line) };
    if ((task->attention & LINUX_ATTENTION_TRACE) == 0) {
        return;
    }
    linux_text_string(&text, "--- ");
    linux_text_string(&text, linux_signal_name(info->number));
    linux_text_string(&text, " {si_signo=");
    linux_text_string(&text, linux_signal_name(info->number));
    linux_text_string(&text, ", si_code=");
    linux_text_signed(&text, info->code);
    if (info->code > 0) {
        linux_text_string(&text, ", si_addr=0x");
        linux_text_hex(&text, info->fields[0], 1);
    } else {
        linux_text_string(&text, ", si_pid=");
        linux_text_unsigned(&text, (uint32_t)info->fields[0]);
    }
    linux_text_string(&text, "} ---");
    (void)linux_text_end(&text); // a cut line is still a line
    platform_trace(line);
}

void linux_trace_end(const struct linux_task *task)
{
    char line[TRACE_LINE_SIZE];
    struct linux_text text = { .buffer = line, .size = sizeof(line) };
    if ((task->attention & LINUX_ATTENTION_TRACE) == 0) {
        return;
    }
    int32_t signal = task->exit_status & SIGNAL_MASK;
    if (signal != 0) {
        linux_text_string(&text, "+++ killed by ");
        linux_text_string(&text, linux_signal_name(signal));
    } else {
        linux_text_string(&text, "+++ exited with ");
        linux_text_signed(&text, task->exit_status >> EXIT_SHIFT);
    }
    linux_text_string(&text, " +++");
    (void)linux_text_end(&text); // a cut line is still a line
    platform_trace(line);
}
