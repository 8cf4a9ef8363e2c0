// SPDX-License-Identifier: MIT OR Apache-2.0
// Interrupt sources. One Irq object per source binds it to bits of a Notification, under the
// Session of the handle it was given: when that is dead the bits go nowhere and the source stays
// masked. A source is masked when it fires and unmasked by irq_acknowledge, so a driver that hangs
// or died cannot flood the machine. irq_lock guards the table. What irq_deliver found there stays
// allocated until the core has left the kernel.
#include <arch/cpu.h>
#include <arch/machine.h>
#include <kernel/irq.h>
#include <kernel/limits.h>
#include <kernel/process.h>
#include <kernel/session.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>
#include <rt/checked.h>

static struct spinlock irq_lock;
static struct irq *irq_table[IRQ_SOURCES_MAX];

void irq_deliver(uint32_t number)
{
    quiesce_idle_leave();
    machine_irq_mask(number);
    if (number >= IRQ_SOURCES_MAX) {
        return;
    }
    spinlock_acquire(&irq_lock);
    struct irq *irq = irq_table[number];
    if (irq != NULL) {
        irq->count++;
    }
    spinlock_release(&irq_lock);
    if (irq != NULL && session_is_live(irq->session, irq->epoch)) {
        notification_signal(irq->notification, irq->bits);
    }
}

static bool table_bind(struct irq *irq)
{
    spinlock_acquire(&irq_lock);
    bool is_free = irq_table[irq->number] == NULL;
    if (is_free) {
        irq_table[irq->number] = irq;
    }
    spinlock_release(&irq_lock);
    return is_free;
}

static void table_unbind(struct irq *irq)
{
    spinlock_acquire(&irq_lock);
    if (irq_table[irq->number] == irq) {
        machine_irq_disable(irq->number);
        irq_table[irq->number] = NULL;
    }
    spinlock_release(&irq_lock);
}

bool irq_info_at(uint64_t index, struct tes_info_irq *out_info)
{
    bool is_found = false;
    spinlock_acquire(&irq_lock);
    for (uint32_t number = 0; number < IRQ_SOURCES_MAX && !is_found; number++) {
        const struct irq *irq = irq_table[number];
        if (irq != NULL && index-- == 0) {
            *out_info = (struct tes_info_irq){ number, irq->count, irq->process_id };
            is_found = true;
        }
    }
    spinlock_release(&irq_lock);
    return is_found;
}

static tes_status_t check_number(const struct resource *resource, uint64_t number)
{
    bool is_inside = resource->kind == TES_RESOURCE_IRQS && number >= resource->base &&
                     number - resource->base < resource->size && number < machine_irq_count() &&
                     number < IRQ_SOURCES_MAX;
    return is_inside ? TES_OK : TES_ERROR_OUT_OF_RANGE;
}

// Bound, routed and masked, with a handle; or nothing has changed but the object.
static tes_status_t irq_open(struct irq *irq, uint64_t *out_irq)
{
    if (!table_bind(irq)) {
        return TES_ERROR_BUSY;
    }
    tes_status_t status =
        machine_irq_enable(irq->number, irq->flags) == TES_OK ? TES_OK : TES_ERROR_OUT_OF_RANGE;
    if (status == TES_OK) {
        status = handle_install_new(current_process(), &irq->object, out_irq);
    }
    if (status != TES_OK) {
        table_unbind(irq);
    }
    return status;
}

tes_status_t sys_irq_create(const struct handle_view *resource, uint64_t number,
                            const struct handle_view *notification, uint64_t bits, uint64_t flags,
                            uint64_t *out_irq)
{
    struct object *object = NULL;
    struct process *process = current_process();
    tes_status_t status =
        check_number(container_of(resource->object, struct resource, object), number);
    if (status != TES_OK) {
        return status;
    }
    if (bits == 0) {
        return TES_ERROR_INVALID;
    }
    status = object_create(process->quota, TES_TYPE_IRQ, &object);
    if (status != TES_OK) {
        return status;
    }
    struct irq *irq = container_of(object, struct irq, object);
    irq->number = (uint32_t)number;
    irq->flags = (uint32_t)flags;
    irq->notification = container_of(notification->object, struct notification, object);
    irq->session = notification->session;
    irq->epoch = notification->epoch;
    irq->bits = bits;
    irq->process_id = process->object.id;
    status = irq_open(irq, out_irq);
    if (status != TES_OK) {
        object_abandon(object);
        return status;
    }
    machine_irq_unmask(irq->number);
    return TES_OK;
}

tes_status_t sys_irq_acknowledge(const struct handle_view *view)
{
    const struct irq *irq = container_of(view->object, struct irq, object);
    spinlock_acquire(&irq_lock);
    if (irq_table[irq->number] == irq) { // not one that has just died
        machine_irq_unmask(irq->number);
    }
    spinlock_release(&irq_lock);
    return TES_OK;
}

tes_status_t irq_destroy(struct object *object)
{
    table_unbind(container_of(object, struct irq, object));
    return TES_OK;
}
