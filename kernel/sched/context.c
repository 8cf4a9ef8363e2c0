// SPDX-License-Identifier: MIT OR Apache-2.0
// Scheduling contexts: the right to use a core's time.
// With a period, budget_ns may be used in each: left_ns counts down, at 0 the thread waits
// (WAIT_BUDGET) for refill_ns. With period 0 the budget is a quantum: at 0 the thread goes behind
// those of its priority. Lending: a call lends the caller's context to the server (thread->context;
// the message paths do that), which runs on it and at its priority until the reply, so a client
// pays for what is done for it. If the lent budget runs out, the server finishes on its own
// context, its reserve (THREAD_SLOW_RESERVE), so that a client cannot leave it stuck in the middle;
// what the reserve gives is a debt of the caller's context and taken from its next refills. A
// server without a reserve waits for the refill. If the caller dies or its context is destroyed,
// the server finishes on its own, and one that has none on the core's `orphan` context at the
// lowest priority. Time is charged at switches and timer interrupts only, to whatever the running
// thread's context then is: direct switches of the message paths never change the context. Charging
// is late by up to an interrupt's latency; what was used beyond the budget is a debt too. Who holds
// a context: `owner` (bound, thread->own_context), and thread->context of the threads down the
// chain of calls, which follow by THREAD_OP_UPDATE when it changes (priority.c). A destroyed
// context is freed when no such update is pending on any core and every core has left the kernel
// since.
#include "core.h"

#include <kernel/endpoint.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>

void context_overrun(struct sched_context *context, uint64_t elapsed_ns)
{
    if (context->period_ns != 0) {
        atomic_add_u64(&context->debt_ns, elapsed_ns - context->left_ns,
                       ATOMIC_RELAXED); // pairs with refill
    }
    context->left_ns = 0;
}

// The caller waits for this server, so neither it nor its context goes away before this core leaves
// the kernel.
void context_charge_lender(const struct thread *server, uint64_t elapsed_ns)
{
    const struct thread *caller = atomic_load_pointer(&server->caller, ATOMIC_RELAXED);
    struct sched_context *lender = caller == NULL ? NULL : caller->context;
    if (lender != NULL && lender->period_ns != 0 && lender != server->context) {
        atomic_add_u64(&lender->debt_ns, elapsed_ns, ATOMIC_RELAXED); // pairs with refill
    }
}

// All periods that have passed count: their budget first pays the debt; at most one budget is left.
static void refill(struct sched_context *context, uint64_t now_ns)
{
    if (now_ns < context->refill_ns) {
        return;
    }
    uint64_t periods = (now_ns - context->refill_ns) / context->period_ns + 1;
    uint64_t debt = atomic_load_u64(&context->debt_ns, ATOMIC_RELAXED);
    uint64_t paid = debt / context->budget_ns >= periods ? periods * context->budget_ns : debt;
    atomic_sub_u64(&context->debt_ns, paid, ATOMIC_RELAXED); // pairs with the additions of others
    context->left_ns = min_u64(periods * context->budget_ns - paid, context->budget_ns);
    context->refill_ns += periods * context->period_ns;
}

static void budget_expired(struct timer *timer)
{
    struct thread *thread = container_of(timer, struct thread, wait_timer);
    ASSERT(thread->state == TES_THREAD_WAIT_BUDGET);
    thread_ready(cpu_local()->sched, thread, false); // picked, it gets what is there then
}

static void wait_for_refill(struct thread *thread, uint64_t refill_ns)
{
    thread->state = TES_THREAD_WAIT_BUDGET;
    thread->wait_timer.expire = budget_expired;
    timer_arm(&thread->wait_timer, refill_ns);
}

static bool use_reserve(struct thread *thread)
{
    struct sched_context *own = thread->own_context;
    if (thread->caller == NULL || own == NULL || own == thread->context) {
        return false;
    }
    thread->context->overruns++;
    thread->context = own;
    thread->priority = own->priority;
    thread->slow_flags |= THREAD_SLOW_RESERVE;
    return true;
}

enum budget_verdict context_exhausted(struct thread *thread, uint64_t now_ns)
{
    do {
        struct sched_context *context = thread->context;
        if (context->period_ns == 0) {
            context->left_ns = context->budget_ns;
            return BUDGET_ROTATE;
        }
        refill(context, now_ns);
        if (context->left_ns != 0) {
            return BUDGET_GO;
        }
    } while (use_reserve(thread) && thread->context->left_ns == 0);
    if (thread->context->left_ns != 0) {
        return BUDGET_GO;
    }
    wait_for_refill(thread, thread->context->refill_ns);
    return BUDGET_WAIT;
}

void context_init_kernel(struct sched_context *context, uint64_t quantum_ns, uint32_t priority)
{
    context->budget_ns = quantum_ns;
    context->left_ns = quantum_ns;
    context->core_mask = UINT64_MAX;
    context->priority = priority;
}

tes_status_t context_bind(struct sched_context *context, struct thread *thread)
{
    tes_status_t status = TES_OK;
    spinlock_acquire(&context->object.lock);
    if (!object_is_live(&context->object)) {
        status = TES_ERROR_DEAD;
    } else if (context->owner != NULL) {
        status = TES_ERROR_BUSY;
    } else {
        context->owner = thread;
    }
    spinlock_release(&context->object.lock);
    return status;
}

void context_unbind(struct thread *thread)
{
    struct sched_context *context = thread->own_context;
    if (context != NULL) {
        spinlock_acquire(&context->object.lock);
        context->owner = NULL;
        spinlock_release(&context->object.lock);
        thread->own_context = NULL;
    }
}

// The owner's core lets go of it, then those who borrowed it.
tes_status_t context_destroy(struct object *object)
{
    struct sched_context *context = container_of(object, struct sched_context, object);
    spinlock_acquire(&object->lock);
    bool has_owner = context->owner != NULL;
    if (has_owner) {
        thread_post(context->owner, THREAD_OP_UPDATE); // a thread that ends unbinds under this lock
    }
    spinlock_release(&object->lock);
    return has_owner || inbox_updates_pending() ? TES_ERROR_RESTART : TES_OK;
}

static uint64_t present_cores(void)
{
    return (1ull << cpu_count) - 1;
}

static bool are_valid(const struct sched_parameters *parameters)
{
    return parameters->priority < TES_PRIORITY_COUNT && parameters->budget_ns != 0 &&
           (parameters->period_ns == 0 || parameters->budget_ns <= parameters->period_ns) &&
           (parameters->core_mask & present_cores()) != 0;
}

static uint64_t slice(uint64_t time_ns)
{
    return min_u64(max_u64(time_ns, CONTEXT_SLICE_MIN_NS), CONTEXT_TIME_MAX_NS);
}

static void configure(struct sched_context *context, const struct sched_parameters *parameters)
{
    context->budget_ns = slice(parameters->budget_ns);
    context->period_ns = parameters->period_ns == 0 ? 0 : slice(parameters->period_ns);
    context->priority = parameters->priority;
    context->core_mask = parameters->core_mask & present_cores();
    context->refill_ns = time_now_ns(); // full at once, as a new one
    context->left_ns = context->budget_ns;
}

tes_status_t context_create(struct quota *quota, const struct sched_parameters *parameters,
                            struct sched_context **out_context)
{
    struct object *object = NULL;
    if (!are_valid(parameters)) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = object_create(quota, TES_TYPE_SCHED_CONTEXT, &object);
    if (status != TES_OK) {
        return status;
    }
    *out_context = container_of(object, struct sched_context, object);
    configure(*out_context, parameters);
    (*out_context)->refill_ns += (*out_context)->period_ns;
    return TES_OK;
}

// A thread gives no more priority than it has.
static tes_status_t parameters_read(uint64_t priority, const struct sched_parameters *parameters)
{
    const struct sched_context *own = current_thread()->own_context;
    bool is_allowed = own != NULL && priority <= own->priority;
    return is_allowed && are_valid(parameters) ? TES_OK : TES_ERROR_INVALID;
}

tes_status_t sys_context_create(const struct handle_view *quota, uint64_t budget_ns,
                                uint64_t period_ns, uint64_t priority, uint64_t core_mask,
                                uint64_t *out_context)
{
    const struct sched_parameters parameters = { budget_ns, period_ns, core_mask,
                                                 (uint32_t)priority };
    struct sched_context *context = NULL;
    tes_status_t status = parameters_read(priority, &parameters);
    if (status == TES_OK) {
        status = context_create(container_of(quota->object, struct quota, object), &parameters,
                                &context);
    }
    if (status != TES_OK) {
        return status;
    }
    status = handle_install_new(current_process(), &context->object, out_context);
    if (status != TES_OK) {
        object_abandon(&context->object);
    }
    return status;
}

tes_status_t sys_context_configure(const struct handle_view *view, uint64_t budget_ns,
                                   uint64_t period_ns, uint64_t priority, uint64_t core_mask)
{
    const struct sched_parameters parameters = { budget_ns, period_ns, core_mask,
                                                 (uint32_t)priority };
    struct sched_context *context = container_of(view->object, struct sched_context, object);
    tes_status_t status = parameters_read(priority, &parameters);
    if (status != TES_OK) {
        return status;
    }
    spinlock_acquire(&context->object.lock);
    if (object_is_live(&context->object)) {
        configure(context, &parameters);
        if (context->owner != NULL) {
            thread_post(context->owner, THREAD_OP_UPDATE);
        }
    } else {
        status = TES_ERROR_REVOKED;
    }
    spinlock_release(&context->object.lock);
    return status;
}
