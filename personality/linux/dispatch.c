// SPDX-License-Identifier: MIT OR Apache-2.0
// The loop of a task. The short way is: event, bound, count, call, result; one word, attention,
// says whether anything else is to be done (tracing, signals, exit, registers replaced by the
// call).

#include <personality/dispatch.h>

#include <personality/errors.h>
#include <personality/memory.h>
#include <personality/signals.h>
#include <personality/trace.h>

#include "signal_frame.h"
#include "text.h"

#define VECTOR_PAGE_FAULT 14U

#define LIKELY(condition) __builtin_expect((condition), 1)

int64_t linux_call_unimplemented(struct linux_task *task)
{
    uint32_t number = (uint32_t)task->registers->rax;
    const struct linux_call_description *call = linux_call_describe(number);
    struct linux_container *container = task->container;
    if (number >= LINUX_CALL_COUNT || container->is_logged[number] != 0 ||
        (call != NULL && call->is_quiet)) {
        return -LINUX_ENOSYS;
    }
    container->is_logged[number] = 1;
    char line[96];
    struct linux_text text = { .buffer = line, .size = sizeof(line) };
    linux_text_string(&text, "linux: ");
    linux_text_string(&text, task->name);
    linux_text_string(&text, ": system call ");
    linux_text_string(&text, call == NULL ? "of no name" : call->name);
    linux_text_string(&text, " (");
    linux_text_unsigned(&text, number);
    linux_text_string(&text, ") is not implemented");
    (void)linux_text_end(&text); // a cut line is still a line
    platform_log(line);
    return -LINUX_ENOSYS;
}

static void task_finish_call(struct linux_task *task, uint32_t number, int64_t result)
{
    if ((task->attention & LINUX_ATTENTION_TRACE) != 0) {
        linux_trace_exit(task, number, result);
    }
    if ((task->attention & LINUX_ATTENTION_REPLACED) != 0) {
        task->attention &= ~LINUX_ATTENTION_REPLACED;
        platform_guest_restore_all(linux_task_guest(task));
        number = UINT32_MAX;
    } else {
        task->registers->rax = (uint64_t)result;
    }
    if ((task->attention & LINUX_ATTENTION_SIGNAL) != 0 || result == -LINUX_ERESTART ||
        result == -LINUX_ERESTARTNOHAND || task->has_saved_mask) {
        linux_signal_deliver(task, number == UINT32_MAX ? -1 : (int64_t)number);
    }
}

static void task_call_traced(struct linux_task *task, uint32_t number)
{
    linux_trace_enter(task, number);
    linux_invoke_t invoke =
        number < LINUX_CALL_COUNT ? linux_call_table[number] : linux_call_unimplemented;
    if (number < LINUX_CALL_COUNT) {
        task->container->call_counts[number]++;
    }
    task_finish_call(task, number, invoke(task));
}

static inline void task_call(struct linux_task *task)
{
    uint32_t number = (uint32_t)task->registers->rax;
    if (LIKELY(number < LINUX_CALL_COUNT && task->attention == 0)) {
        task->container->call_counts[number]++;
        int64_t result = linux_call_table[number](task);
        if (LIKELY(task->attention == 0 && result != -LINUX_ERESTART &&
                   result != -LINUX_ERESTARTNOHAND)) {
            task->registers->rax = (uint64_t)result;
        } else {
            task_finish_call(task, number, result);
        }
    } else {
        task_call_traced(task, number);
    }
}

static void task_fault(struct linux_task *task, const struct linux_event *event)
{
    struct linux_siginfo info;
    platform_guest_restore_all(linux_task_guest(task));
    if (event->is_out_of_memory) {
        platform_log("linux: the guest's memory is used up");
        linux_task_exit(task, LINUX_SIGKILL);
        return;
    }
    linux_fault_signal(task, event, &info);
    if (event->vector == VECTOR_PAGE_FAULT) {
        // SEGV_ACCERR where something is mapped, else SEGV_MAPERR.
        info.code = linux_memory_find(task->memory, event->address) != NULL ? 2 : 1;
    }
    linux_signal_force(task, info.number, info.code, info.fields[0]);
    linux_signal_deliver(task, -1);
}

static void task_kicked(struct linux_task *task)
{
    platform_guest_restore_all(linux_task_guest(task));
    linux_signal_poll(task);
    linux_signal_deliver(task, -1);
}

int32_t linux_task_run(struct linux_task *task)
{
    struct linux_event event = { .vector = 0 };
    while ((task->attention & LINUX_ATTENTION_EXIT) == 0) {
        enum linux_event_kind kind = platform_guest_run(linux_task_guest(task), &event);
        switch (kind) {
        case LINUX_EVENT_SYSCALL:
            task_call(task);
            break;
        case LINUX_EVENT_FAULT:
            task_fault(task, &event);
            break;
        case LINUX_EVENT_KICK:
            task_kicked(task);
            break;
        case LINUX_EVENT_KILL:
            linux_task_exit(task, LINUX_SIGKILL);
            break;
        }
    }
    linux_trace_end(task);
    return task->exit_status;
}
