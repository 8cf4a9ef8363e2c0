// SPDX-License-Identifier: MIT OR Apache-2.0
// Resources: ranges of ports, I/O memory and interrupts, and the machine itself; made at boot, only
// ever narrowed.
#include "internal.h"

#include <abi/calls.h>
#include <abi/info.h>
#include <arch/machine.h>
#include <kernel/handle.h>
#include <kernel/irq.h>
#include <kernel/limits.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/type_operations.h>
#include <kernel_calls.h>
#include <rt/bits.h>
#include <rt/checked.h>

tes_status_t resource_create(struct quota *quota, enum tes_resource_kind kind, uint64_t base,
                             uint64_t size, struct resource **out_resource)
{
    struct object *object = NULL;
    tes_status_t status = object_create(quota, TES_TYPE_RESOURCE, &object);
    if (status != TES_OK) {
        return status;
    }
    struct resource *resource = (struct resource *)object;
    resource->kind = (uint32_t)kind;
    resource->base = base;
    resource->size = size;
    *out_resource = resource;
    return TES_OK;
}

tes_status_t resource_destroy(struct object *object)
{
    (void)object; // nothing hangs on it: what was made from it has ranges of its own
    return TES_OK;
}

// One operation on a Resource: who asks, and the arguments.
struct operation {
    const struct handle_view *view;
    const struct resource *resource;
    uint64_t base, size, value;
};

static bool is_in_range(const struct operation *operation)
{
    const struct resource *resource = operation->resource;
    return operation->base >= resource->base &&
           range_is_inside(operation->base - resource->base, operation->size, resource->size);
}

static tes_status_t derive(const struct operation *operation, uint64_t *out_result)
{
    if ((operation->view->rights & TES_RIGHT_DERIVE) == 0) {
        return TES_ERROR_NO_RIGHT;
    }
    struct operation wanted = *operation;
    if (wanted.size == 0) {
        wanted.base = wanted.resource->base;
        wanted.size = wanted.resource->size;
    }
    if (!is_in_range(&wanted)) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    struct resource *resource = NULL;
    tes_status_t status = resource_create(current_process()->quota, wanted.resource->kind,
                                          wanted.base, wanted.size, &resource);
    if (status != TES_OK) {
        return status;
    }
    struct session *root = resource->object.root;
    const struct handle_grant grant = { .object = &resource->object,
                                        .session = root,
                                        .epoch = root->epoch,
                                        .rights = operation->view->rights };
    status = handle_install(current_process(), &grant, out_result);
    if (status != TES_OK) {
        object_abandon(&resource->object);
    }
    return status;
}

static tes_status_t port_check(const struct operation *operation)
{
    if (operation->resource->kind != TES_RESOURCE_PORTS ||
        (operation->size != 1 && operation->size != 2 && operation->size != 4)) {
        return TES_ERROR_INVALID;
    }
    return is_in_range(operation) ? TES_OK : TES_ERROR_OUT_OF_RANGE;
}

static tes_status_t port_read(const struct operation *operation, uint64_t *out_result)
{
    tes_status_t status = port_check(operation);
    uint32_t value = 0;
    if (status == TES_OK) {
        status = machine_port_read((uint16_t)operation->base, (uint32_t)operation->size, &value);
    }
    if (status == TES_OK) {
        *out_result = value;
    }
    return status;
}

// NOLINTNEXTLINE(readability-non-const-parameter): all operations have this type.
static tes_status_t port_write(const struct operation *operation, uint64_t *out_result)
{
    (void)out_result;
    tes_status_t status = port_check(operation);
    if (status != TES_OK) {
        return status;
    }
    return machine_port_write((uint16_t)operation->base, (uint32_t)operation->size,
                              (uint32_t)operation->value);
}

// NOLINTNEXTLINE(readability-non-const-parameter): all operations have this type.
static tes_status_t log_line(const struct operation *operation, uint64_t *out_result)
{
    (void)out_result;
    char line[LOG_LINE_MAX];
    if (operation->resource->kind != TES_RESOURCE_MACHINE || operation->size > sizeof(line)) {
        return TES_ERROR_INVALID;
    }
    struct space *space = thread_space(current_thread(), operation->base);
    tes_status_t status = copy_in(space, line, uaddr_make(operation->base), operation->size);
    if (status == TES_OK) {
        log_write_user(line, operation->size);
    }
    return status == TES_OK ? TES_OK : TES_ERROR_BAD_ADDRESS;
}

static tes_status_t check_control(const struct operation *operation)
{
    if (operation->resource->kind != TES_RESOURCE_MACHINE) {
        return TES_ERROR_INVALID;
    }
    return (operation->view->rights & TES_RIGHT_CONTROL) != 0 ? TES_OK : TES_ERROR_NO_RIGHT;
}

// NOLINTNEXTLINE(readability-non-const-parameter): all operations have this type.
static tes_status_t power_off(const struct operation *operation, uint64_t *out_result)
{
    (void)out_result;
    tes_status_t status = check_control(operation);
    return status == TES_OK ? machine_power_off((uint32_t)operation->value) : status;
}

// NOLINTNEXTLINE(readability-non-const-parameter): all operations have this type.
static tes_status_t reboot(const struct operation *operation, uint64_t *out_result)
{
    (void)out_result;
    tes_status_t status = check_control(operation);
    return status == TES_OK ? machine_reboot() : status;
}

// NOLINTNEXTLINE(readability-non-const-parameter): all operations have this type.
static tes_status_t trace(const struct operation *operation, uint64_t *out_result)
{
    (void)out_result;
    tes_status_t status = check_control(operation);
    if (status == TES_OK && operation->value > 1) {
        status = TES_ERROR_INVALID;
    }
    return status == TES_OK ? trace_control(operation->value != 0) : status;
}

static tes_status_t make_iospace(const struct operation *operation, uint64_t *out_result)
{
    if (operation->resource->kind != TES_RESOURCE_MACHINE) {
        return TES_ERROR_INVALID;
    }
    if ((operation->view->rights & TES_RIGHT_RESOURCE_TRUSTED_DMA) == 0) {
        return TES_ERROR_NO_RIGHT;
    }
    struct object *object = NULL;
    tes_status_t status = object_create(current_process()->quota, TES_TYPE_IO_SPACE, &object);
    if (status != TES_OK) {
        return status;
    }
    struct iospace *iospace = (struct iospace *)object;
    list_init(&iospace->windows);
    list_init(&iospace->quarantine);
    status = handle_install_new(current_process(), object, out_result);
    if (status != TES_OK) {
        object_abandon(object);
    }
    return status;
}

static tes_status_t (*const operations[])(const struct operation *operation,
                                          uint64_t *out_result) = {
    derive,    port_read, port_write,   log_line,
    power_off, reboot,    make_iospace, trace, // by bit number
};
static_assert(TES_RESOURCE_CONTROL_DERIVE == 1 && TES_RESOURCE_CONTROL_PORT_READ == 2 &&
                  TES_RESOURCE_CONTROL_PORT_WRITE == 4 && TES_RESOURCE_CONTROL_LOG_WRITE == 8 &&
                  TES_RESOURCE_CONTROL_POWER_OFF == 16 && TES_RESOURCE_CONTROL_REBOOT == 32 &&
                  TES_RESOURCE_CONTROL_IOSPACE == 64 && TES_RESOURCE_CONTROL_TRACE == 128,
              "the order of `operations`");

tes_status_t sys_resource_control(const struct handle_view *view, uint64_t operation, uint64_t base,
                                  uint64_t size, uint64_t value, uint64_t *out_result)
{
    const struct operation request = { .view = view,
                                       .resource = (const struct resource *)view->object,
                                       .base = base,
                                       .size = size,
                                       .value = value };
    if (!is_power_of_two(operation)) {
        return TES_ERROR_INVALID;
    }
    uint64_t result = 0;
    tes_status_t status = operations[__builtin_ctzll(operation)](&request, &result);
    if (status == TES_OK) {
        *out_result = result;
    }
    return status;
}
