// SPDX-License-Identifier: MIT OR Apache-2.0
// The `program` interface. Who has the handle "process" may list, start, kill and restart; a
// program's own handle is known by its badge.
#include <rt/bits.h>
#include <rt/checked.h>
#include <rt/string.h>
#include <tes/heap.h>

#include "init.h"

#define PROGRAM_BADGE (1ull << 32) // badges below are importers' instance ids

static const struct spec *spec_find(const struct init *init, const char *name)
{
    for (uint32_t i = 0; i < init->composition.count; i++) {
        if (strcmp(init->composition.specs[i].name, name) == 0) {
            return &init->composition.specs[i];
        }
    }
    return NULL;
}

static struct instance *program_of(struct init *init, const struct tes_request *request)
{
    return request->badge >= PROGRAM_BADGE ? instance_by_id(init, request->badge - PROGRAM_BADGE)
                                           : NULL;
}

static void info_fill(const struct instance *instance, struct tes_program_info *info)
{
    info->id = instance->id;
    info->process_id = instance->process_id;
    info->state = instance->state;
    info->restarts = instance->restarts;
    info->exit_status = instance->exit_status;
    info->is_component = instance->spec->is_component;
    rt_string_copy(info->name, sizeof(info->name), instance->spec->name);
}

// First all instances, then the programs that are named and could be started.
static bool list_at(const struct init *init, uint64_t index, struct tes_program_info *info)
{
    for (uint32_t i = 0; i < INSTANCES_MAX; i++) {
        if (init->instances[i].spec != NULL && index-- == 0) {
            info_fill(&init->instances[i], info);
            return true;
        }
    }
    for (uint32_t i = 0; i < init->composition.count; i++) {
        const struct spec *spec = &init->composition.specs[i];
        if (!spec->is_component && index-- == 0) {
            rt_string_copy(info->name, sizeof(info->name), spec->name);
            return true;
        }
    }
    return false;
}

static tes_status_t method_list(void *context, struct tes_request *request)
{
    struct tes_program_info info;
    memset(&info, 0, sizeof(info));
    if (!list_at(context, request->words[0], &info)) {
        return TES_ERROR_NOT_FOUND;
    }
    return tes_request_write(request, 0, 0, &info, sizeof(info));
}

// The text must hold exactly as many strings as were promised.
static bool text_is_valid(const char *text, uint64_t size, uint64_t count)
{
    uint64_t strings = 0;
    for (uint64_t i = 0; i < size; i++) {
        strings += text[i] == 0;
    }
    return size != 0 && text[size - 1] == 0 && strings == count;
}

static tes_status_t mint(struct init *init, struct instance *instance, struct tes_request *request)
{
    instance->client_badge = PROGRAM_BADGE + instance->id;
    tes_status_t status = tes_session_create(tes_endpoint_any(init->service), (tes_quota_t){ 0 },
                                             instance->client_badge, 0, &instance->client_session);
    tes_handle_t handle;
    if (status == TES_OK) {
        status = tes_handle_derive(tes_endpoint_any(init->service),
                                   TES_RIGHT_ENDPOINT_CALL | TES_RIGHT_TRANSFER | TES_RIGHT_DERIVE,
                                   instance->client_session, &handle);
    }
    if (status == TES_OK) {
        request->reply_handles[0] = handle.value;
        request->reply_handle_count = 1;
        request->moves_handles = true;
    }
    return status;
}

static tes_status_t create_from(struct init *init, struct tes_request *request, char *text)
{
    const struct spec *spec = spec_find(init, text);
    if (spec == NULL || spec->is_component) {
        tes_free(text);
        return TES_ERROR_NOT_FOUND;
    }
    struct instance *instance = instance_create(init, spec);
    if (instance == NULL) {
        tes_free(text);
        return TES_ERROR_BUSY;
    }
    instance->text = text;
    instance->argument_count = (uint32_t)request->words[0];
    instance->environment_count = (uint32_t)request->words[1];
    tes_status_t status = mint(init, instance, request);
    if (status != TES_OK) {
        instance_free(instance);
        return status;
    }
    request->words[0] = instance->id;
    return TES_OK;
}

static tes_status_t method_create(void *context, struct tes_request *request)
{
    uint64_t size = request->words[2];
    if (request->words[0] == 0 || request->words[0] > LIST_MAX || request->words[1] > LIST_MAX ||
        size > TES_PROGRAM_TEXT_MAX || size > request->leases[0].size) {
        return TES_ERROR_INVALID;
    }
    char *text = tes_alloc(size + 1);
    if (text == NULL) {
        return TES_ERROR_NO_MEMORY;
    }
    tes_status_t status = tes_request_read(request, 0, 0, text, size);
    if (status == TES_OK && !text_is_valid(text, size, request->words[0] + request->words[1])) {
        status = TES_ERROR_INVALID;
    }
    if (status != TES_OK) {
        tes_free(text);
        return status;
    }
    return create_from(context, request, text);
}

static tes_status_t kill_instance(struct init *init, struct instance *instance)
{
    if (instance == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    if (instance->state != TES_PROGRAM_RUNNING) {
        return TES_ERROR_NOT_FOUND;
    }
    instance->was_killed = true;
    instance_end(init, instance, KILLED_STATUS);
    supervise_ended(init, instance);
    return TES_OK;
}

static tes_status_t method_kill(void *context, struct tes_request *request)
{
    return kill_instance(context, instance_by_id(context, request->words[0]));
}

static tes_status_t method_restart(void *context, struct tes_request *request)
{
    struct init *init = context;
    struct instance *instance = instance_by_id(init, request->words[0]);
    if (instance == NULL || !instance->spec->is_component) {
        return TES_ERROR_NOT_FOUND;
    }
    if (instance->state == TES_PROGRAM_RUNNING) {
        instance_end(init, instance, KILLED_STATUS);
        wiring_hold(init, instance, true);
    }
    instance->restarts++;
    tes_status_t status = instance_start(init, instance);
    if (status != TES_OK) {
        supervise_failed_start(init, instance);
    }
    return status;
}

static tes_status_t method_events(void *context, struct tes_request *request)
{
    struct init *init = context;
    const char *text = NULL;
    uint64_t size = 0;
    uint64_t from = events_read(&init->events, request->words[0], &text, &size);
    size = min_u64(size, request->leases[0].size);
    request->words[0] = size;
    request->words[1] = from + size;
    return tes_request_write(request, 0, 0, text, size);
}

static tes_status_t method_give(void *context, struct tes_request *request)
{
    struct instance *instance = program_of(context, request);
    if (instance == NULL || instance->state != TES_PROGRAM_IDLE) {
        return TES_ERROR_INVALID;
    }
    if (instance->give_count == GIVES_MAX) {
        return TES_ERROR_NO_HANDLES;
    }
    struct give *give = &instance->gives[instance->give_count];
    memcpy(give->name, request->words, sizeof(give->name));
    if (memchr(give->name, 0, sizeof(give->name)) == NULL || give->name[0] == 0) {
        return TES_ERROR_INVALID;
    }
    give->handle.value = tes_request_take_handle(request, 0);
    instance->give_count++;
    return TES_OK;
}

static void gives_close(struct instance *instance)
{
    for (uint32_t i = 0; i < instance->give_count; i++) {
        tes_close(instance->gives[i].handle.value);
    }
    instance->give_count = 0;
}

static tes_status_t method_start(void *context, struct tes_request *request)
{
    struct instance *instance = program_of(context, request);
    if (instance == NULL || instance->state != TES_PROGRAM_IDLE) {
        return TES_ERROR_INVALID;
    }
    tes_status_t status = instance_start(context, instance);
    gives_close(instance); // the program has its own copies: init must not keep pipes open
    if (status != TES_OK) {
        instance->state = TES_PROGRAM_ENDED;
        instance->exit_status = START_FAILED;
    }
    request->words[0] = instance->process_id;
    return status;
}

static tes_status_t method_wait(void *context, struct tes_request *request)
{
    struct instance *instance = program_of(context, request);
    if (instance == NULL || instance->state == TES_PROGRAM_IDLE) {
        return TES_ERROR_INVALID;
    }
    if (instance->state == TES_PROGRAM_ENDED) {
        request->words[0] = (uint32_t)instance->exit_status;
        return TES_OK;
    }
    if (instance->waiter.value != 0) {
        tes_close(instance->waiter.value); // an earlier wait that was given up
    }
    tes_status_t status = tes_request_defer(request);
    instance->waiter = request->deferred;
    return status;
}

static tes_status_t method_stop(void *context, struct tes_request *request)
{
    return kill_instance(context, program_of(context, request));
}

void service_closed(void *context, uint64_t badge)
{
    struct init *init = context;
    struct instance *instance =
        badge >= PROGRAM_BADGE ? instance_by_id(init, badge - PROGRAM_BADGE) : NULL;
    if (instance == NULL) {
        return; // an importer: its own end is seen by the supervisor
    }
    if (instance->state == TES_PROGRAM_RUNNING) {
        instance_end(init, instance, KILLED_STATUS);
    }
    instance_free(instance);
}

static const struct tes_method methods[TES_PROGRAM_METHOD_COUNT] = {
    [TES_PROGRAM_LIST] = { .name = "list",
                           .run = method_list,
                           .lease_count = 1,
                           .lease_flags = TES_LEASE_WRITE },
    [TES_PROGRAM_CREATE] = { .name = "create",
                             .run = method_create,
                             .lease_count = 1,
                             .lease_flags = TES_LEASE_READ },
    [TES_PROGRAM_KILL] = { .name = "kill", .run = method_kill },
    [TES_PROGRAM_RESTART] = { .name = "restart", .run = method_restart },
    [TES_PROGRAM_EVENTS] = { .name = "events",
                             .run = method_events,
                             .lease_count = 1,
                             .lease_flags = TES_LEASE_WRITE },
    [TES_PROGRAM_GIVE] = { .name = "give", .run = method_give, .handles_min = 1, .handles_max = 1 },
    [TES_PROGRAM_START] = { .name = "start", .run = method_start },
    [TES_PROGRAM_WAIT] = { .name = "wait", .run = method_wait },
    [TES_PROGRAM_STOP] = { .name = "stop", .run = method_stop },
};
const struct tes_interface init_program_interface = { .name = "program",
                                                      .number = TES_PROGRAM_INTERFACE,
                                                      .method_count = TES_PROGRAM_METHOD_COUNT,
                                                      .methods = methods };
