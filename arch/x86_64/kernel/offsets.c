// SPDX-License-Identifier: MIT OR Apache-2.0
// Offsets of C structures for assembly: compiled to text with -S, from which arch.mk extracts
// <asm_offsets.h> (lines "#OFFSET name value", comments to the assembler). In the kernel itself
// these functions are empty. Add a line here and the name exists there.
#include <abi_arch/registers.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/call.h>
#include <kernel/endpoint.h>
#include <kernel/handle.h>
#include <kernel/limits.h>
#include <kernel/memory.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/session.h>
#include <kernel/thread.h>

#define VALUE(name, value)         __asm__ volatile("#OFFSET " #name " %0" : : "i"((uint64_t)(value)))
#define OFFSET(name, type, member) VALUE(name, offsetof(struct type, member))
#define SIZE(name, type)           VALUE(name##_SIZE, sizeof(struct type))

static_assert(offsetof(struct thread, frame) == 0, "rsp0 stands behind the frame");
static_assert(offsetof(struct object, lock) == 0, "the fast path locks whatever a slot points to");
static_assert(offsetof(struct thread, lend_depth) % 8 == 0, "copied with priority as one word");

static __attribute__((used)) void frame_offsets(void)
{
    SIZE(FRAME, arch_frame);
}

static __attribute__((used)) void thread_frame_offsets(void)
{
    OFFSET(THREAD_FRAME_R15, thread, frame.r15);
    OFFSET(THREAD_FRAME_R14, thread, frame.r14);
    OFFSET(THREAD_FRAME_R13, thread, frame.r13);
    OFFSET(THREAD_FRAME_R12, thread, frame.r12);
    OFFSET(THREAD_FRAME_R10, thread, frame.r10);
    OFFSET(THREAD_FRAME_R9, thread, frame.r9);
    OFFSET(THREAD_FRAME_R8, thread, frame.r8);
    OFFSET(THREAD_FRAME_RBP, thread, frame.rbp);
    OFFSET(THREAD_FRAME_RDI, thread, frame.rdi);
    OFFSET(THREAD_FRAME_RSI, thread, frame.rsi);
    OFFSET(THREAD_FRAME_RDX, thread, frame.rdx);
    OFFSET(THREAD_FRAME_RBX, thread, frame.rbx);
    OFFSET(THREAD_FRAME_RAX, thread, frame.rax);
    OFFSET(THREAD_FRAME_VECTOR, thread, frame.vector);
    OFFSET(THREAD_FRAME_RIP, thread, frame.rip);
    OFFSET(THREAD_FRAME_RFLAGS, thread, frame.rflags);
    OFFSET(THREAD_FRAME_RSP, thread, frame.rsp);
}

static __attribute__((used)) void cpu_offsets(void)
{
    OFFSET(CPU_KERNEL_STACK, cpu, arch.kernel_stack);
    OFFSET(CPU_USER_STACK, cpu, arch.user_stack);
    OFFSET(CPU_CORE_TAG, cpu, arch.core_tag);
    OFFSET(CPU_IN_GUEST, cpu, arch.in_guest);
    OFFSET(CPU_ROOT, cpu, arch.root);
    OFFSET(CPU_TSS_RSP0, cpu, arch.tss.rsp0_low);
    OFFSET(CPU_NEED_RESCHEDULE, cpu, need_reschedule);
    VALUE(SCHED_YIELD, SCHED_YIELD);
    OFFSET(CPU_COUNTERS, cpu, counters);
}

static __attribute__((used)) void thread_offsets(void)
{
    OFFSET(THREAD_SLOW_FLAGS, thread, slow_flags);
    OFFSET(THREAD_STATE, thread, state);
    OFFSET(THREAD_PROCESS, thread, process);
    OFFSET(THREAD_ADDRESS_SPACE, thread, address_space);
    OFFSET(THREAD_THREAD_POINTER, thread, thread_pointer);
    OFFSET(THREAD_CONTEXT, thread, context);
    OFFSET(THREAD_RECEIVER_NEXT, thread, receiver_next);
    OFFSET(THREAD_CALLER, thread, caller);
    OFFSET(THREAD_SERVER, thread, server);
    OFFSET(THREAD_CALL_SESSION, thread, call_session);
    OFFSET(THREAD_MESSAGE_KIND, thread, message_kind);
    OFFSET(THREAD_RECEIVE_ENDPOINT, thread, receive_endpoint);
    OFFSET(THREAD_LENDING, thread, lend_depth);
    OFFSET(THREAD_KICK_PENDING, thread, kick_pending);
    OFFSET(THREAD_GUEST_STATE, thread, guest_state);
    OFFSET(THREAD_IN_GUEST, thread, in_guest);
    OFFSET(THREAD_GUEST_FULL_ROOT, thread, guest_full_root);
    OFFSET(THREAD_GUEST_RESTRICTED_ROOT, thread, guest_restricted_root);
    OFFSET(THREAD_GUEST_RESUME_IP, thread, guest_resume_ip);
    OFFSET(THREAD_GUEST_RESUME_SP, thread, guest_resume_sp);
    OFFSET(THREAD_GUEST_RESUME_FLAGS, thread, guest_resume_flags);
}

static __attribute__((used)) void handle_offsets(void)
{
    OFFSET(PROCESS_PAGES, process, handles.pages);
    OFFSET(PROCESS_PAGE_COUNT, process, handles.page_count);
    OFFSET(SLOT_OBJECT, handle_slot, object);
    OFFSET(SLOT_SESSION, handle_slot, session);
    OFFSET(SLOT_EPOCH, handle_slot, epoch);
    OFFSET(SLOT_BADGE, handle_slot, badge);
    OFFSET(SLOT_GENERATION, handle_slot, generation);
    OFFSET(SLOT_RIGHTS, handle_slot, rights);
    OFFSET(SESSION_EPOCH, session, epoch);
    OFFSET(SESSION_CALLS, session, calls);
    OFFSET(SESSION_BADGE, session, badge);
}

static __attribute__((used)) void ipc_offsets(void)
{
    OFFSET(ENDPOINT_RECEIVERS, endpoint, receivers);
    OFFSET(ENDPOINT_PENDING, endpoint, pending);
    OFFSET(NOTIFICATION_BITS, notification, bits);
    OFFSET(NOTIFICATION_WAITER, notification, waiter);
    OFFSET(NOTIFICATION_BOUND, notification, bound);
}

static __attribute__((used)) void guest_offsets(void)
{
    OFFSET(GUEST_RAX, tes_guest_state, registers.rax);
    OFFSET(GUEST_RBX, tes_guest_state, registers.rbx);
    OFFSET(GUEST_RDX, tes_guest_state, registers.rdx);
    OFFSET(GUEST_RSI, tes_guest_state, registers.rsi);
    OFFSET(GUEST_RDI, tes_guest_state, registers.rdi);
    OFFSET(GUEST_RBP, tes_guest_state, registers.rbp);
    OFFSET(GUEST_RSP, tes_guest_state, registers.rsp);
    OFFSET(GUEST_R8, tes_guest_state, registers.r8);
    OFFSET(GUEST_R9, tes_guest_state, registers.r9);
    OFFSET(GUEST_R10, tes_guest_state, registers.r10);
    OFFSET(GUEST_R12, tes_guest_state, registers.r12);
    OFFSET(GUEST_R13, tes_guest_state, registers.r13);
    OFFSET(GUEST_R14, tes_guest_state, registers.r14);
    OFFSET(GUEST_R15, tes_guest_state, registers.r15);
    OFFSET(GUEST_RIP, tes_guest_state, registers.rip);
    OFFSET(GUEST_RFLAGS, tes_guest_state, registers.rflags);
    OFFSET(GUEST_FS_BASE, tes_guest_state, registers.fs_base);
    OFFSET(GUEST_GS_BASE, tes_guest_state, registers.gs_base);
    OFFSET(GUEST_EXIT_REASON, tes_guest_state, exit_reason);
    OFFSET(GUEST_FULL_RESTORE, tes_guest_state, full_restore);
}

static __attribute__((used)) void constants(void)
{
    VALUE(STATE_WAIT_REPLY, TES_THREAD_WAIT_REPLY);
    VALUE(STATE_WAIT_RECEIVE, TES_THREAD_WAIT_RECEIVE);
    VALUE(MESSAGE_CALL, TES_MESSAGE_CALL);
    VALUE(LENDING_DEPTH_MAX, LENDING_DEPTH_MAX);
    VALUE(MMU_STACK_WINDOW_HIGH, MMU_STACK_WINDOW >> 32);
    VALUE(BOOT_STACK_TOP, (uint32_t)MMU_STACK_WINDOW + STACK_TOP_MAIN);
}
