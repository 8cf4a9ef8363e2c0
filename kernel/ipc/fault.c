// SPDX-License-Identifier: MIT OR Apache-2.0
// Faults that the kernel does not resolve: to the personality (in a guest), to the thread's own
// vector, to its fault endpoint, or else into a crash report and the end of the process. Page
// requests to pagers travel the same way.
#include "ipc.h"

#include <arch/machine.h>
#include <kernel/log.h>
#include <kernel/memory.h>

static const char *const cause_names[] = {
    [TES_FAULT_PAGE] = "page fault",
    [TES_FAULT_NO_MEMORY] = "no memory",
    [TES_FAULT_INSTRUCTION] = "undefined or privileged instruction",
    [TES_FAULT_DIVIDE] = "division error",
    [TES_FAULT_BREAKPOINT] = "breakpoint",
    [TES_FAULT_DEBUG] = "debug exception",
    [TES_FAULT_FLOAT] = "floating-point exception",
    [TES_FAULT_ALIGNMENT] = "alignment check",
    [TES_FAULT_PROTECTION] = "protection fault",
    [TES_FAULT_OVERFLOW] = "overflow or bound exception",
    [TES_FAULT_BUS] = "page lost",
    [TES_FAULT_OTHER] = "exception",
};

void fault_report(const struct thread *thread, const struct tes_fault *fault)
{
    const char *name = fault->cause < sizeof(cause_names) / sizeof(cause_names[0])
                           ? cause_names[fault->cause]
                           : NULL;
    log_error("crash: %.16s (process %lu, thread %lu): %s at 0x%lx, address 0x%lx, access %lu, "
              "detail 0x%lx",
              thread->process->name, thread->process->object.id, thread->object.id,
              name == NULL ? "fault" : name, frame_instruction_pointer(&thread->frame),
              fault->address, fault->access, fault->detail);
    frame_log(&thread->frame);
}

// The area is the thread's own memory, so a bad one only means that the vector cannot be used.
static bool deliver_to_vector(struct thread *thread, const struct tes_fault *fault)
{
    struct tes_fault_area area = { 0 };
    struct space *space = thread->process->space;
    if (thread->fault_vector == 0 ||
        copy_in(space, &area, (uaddr_t){ thread->fault_area }, sizeof(area)) != TES_OK ||
        area.in_use != 0 || area.vector_stack == 0 || area.vector_stack >= TES_USER_TOP) {
        return false;
    }
    frame_get_registers(&thread->frame, &area.registers);
    area.registers.fs_base = thread->thread_pointer;
    area.cause = fault->cause;
    area.address = fault->address;
    area.access = fault->access;
    area.detail = fault->detail;
    area.in_use = 1;
    if (copy_out(space, (uaddr_t){ thread->fault_area }, &area, sizeof(area)) != TES_OK) {
        return false;
    }
    frame_init_user(&thread->frame, thread->fault_vector, area.vector_stack, thread->fault_area,
                    fault->cause);
    return true;
}

static tes_status_t start_kernel_message(struct thread *thread, const struct fault_target *target,
                                         enum tes_message_kind kind)
{
    if (target->endpoint == NULL || !session_is_live(target->session, target->epoch)) {
        return TES_ERROR_REVOKED;
    }
    thread->message_kind = kind;
    thread->slow_flags |= THREAD_SLOW_FAULT; // its answer is not a message: no fast reply
    thread->call_session = target->session;
    thread->wait_epoch = target->epoch;
    thread->wait_badge = target->badge;
    thread->lease_count = 0;
    thread->lent_count = 0;
    tes_status_t status = message_start(target->endpoint, thread);
    if (status != TES_ERROR_BLOCKED) {
        thread->message_kind = TES_MESSAGE_CALL;
        thread->slow_flags &= ~(uint32_t)THREAD_SLOW_FAULT;
    }
    return status;
}

void fault_deliver(struct thread *thread, const struct tes_fault *fault)
{
    counter_add(TES_COUNTER_FAULTS_DELIVERED, 1);
    if (thread->in_guest != 0) {
        counter_add(TES_COUNTER_GUEST_FAULTS, 1);
        machine_guest_leave(thread, TES_GUEST_EXIT_FAULT, fault);
        return;
    }
    if (deliver_to_vector(thread, fault)) {
        return;
    }
    thread->fault = *fault;
    thread->fault.instruction_pointer = frame_instruction_pointer(&thread->frame);
    thread->fault.stack_pointer = frame_stack_pointer(&thread->frame);
    thread->fault.thread_id = thread->object.id;
    if (start_kernel_message(thread, &thread->fault_endpoint, TES_MESSAGE_FAULT) ==
        TES_ERROR_BLOCKED) {
        return;
    }
    fault_report(thread, fault);
    process_end(thread->process, PROCESS_STATUS_CRASHED);
    thread_post(thread, THREAD_OP_KILL); // done on the way out: it does not run again
}

tes_status_t ipc_page_request(struct memory *memory, struct thread *thread, uint64_t page,
                              uint64_t count, uint32_t access)
{
    struct fault_target target = {
        .endpoint = memory->pager,
        .session = memory->pager_session,
        .epoch = memory->pager_epoch,
        .badge = memory->pager_badge,
    };
    // The fault's fields are the words of the message: badge, first page, count, access.
    thread->fault = (struct tes_fault){
        .cause = memory->pager_badge,
        .address = page,
        .access = count,
        .detail = access,
    };
    tes_status_t status = start_kernel_message(thread, &target, TES_MESSAGE_PAGE);
    return status == TES_ERROR_BLOCKED ? TES_ERROR_BLOCKED : TES_ERROR_FAULT;
}
