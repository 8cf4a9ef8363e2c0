// SPDX-License-Identifier: MIT OR Apache-2.0
// From grants to handles. Endpoints belong to the composition (init's Quota) and outlive who serves
// them. What an instance mints hangs below a Session of that run, which ends with it; what its
// clients were given by init does not. Each importer is known to the server by a badge: its
// instance's id.
#include <abi/startup.h>
#include <rt/string.h>
#include <tes/log.h>
#include <tes/time.h>

#include "init.h"

#define HOLD_LIMIT_NS (30 * TES_NS_PER_SECOND)
enum endpoint_state { STATE_DOWN = 0, STATE_UP = 1, STATE_HOLD = 2 };

tes_endpoint_t wiring_export_find(const struct init *init, const char *name)
{
    for (uint32_t i = 0; i < init->export_count; i++) {
        if (strcmp(init->exports[i].name, name) == 0) {
            return init->exports[i].endpoint;
        }
    }
    return (tes_endpoint_t){ 0 };
}

static tes_status_t export_add(struct init *init, const char *name)
{
    if (init->export_count == EXPORTS_MAX) {
        return TES_ERROR_NO_OBJECTS;
    }
    struct export *export = &init->exports[init->export_count];
    tes_status_t status = tes_endpoint_create(tes_self()->quota, &export->endpoint);
    if (status == TES_OK) {
        rt_string_copy(export->name, sizeof(export->name), name);
        init->export_count++;
    }
    return status;
}

tes_status_t wiring_exports(struct init *init)
{
    tes_status_t status = export_add(init, SERVICE_NAME);
    for (uint32_t i = 0; i < init->composition.count; i++) {
        const struct spec *spec = &init->composition.specs[i];
        for (uint32_t j = 0; j < spec->grant_count && status == TES_OK; j++) {
            if (spec->grants[j].kind == GRANT_EXPORT) {
                status = export_add(init, spec->grants[j].name);
            }
        }
    }
    return status;
}

// A Session below the endpoint that is not itself minted: its parent handle cannot mint.
static tes_status_t make_run_session(tes_endpoint_t endpoint, tes_session_t *out_session)
{
    tes_handle_t plain;
    tes_status_t status = tes_handle_derive(tes_endpoint_any(endpoint),
                                            TES_RIGHT_DERIVE | TES_RIGHT_REVOKE | TES_RIGHT_CONTROL,
                                            (tes_session_t){ 0 }, &plain);
    if (status == TES_OK) {
        status = tes_session_create(plain, tes_self()->quota, 0, 0, out_session);
        tes_close(plain.value);
    }
    return status;
}

static tes_status_t make_export(struct init *init, struct instance *instance, uint32_t index,
                                struct tes_grant *out_grant)
{
    const uint64_t rights = TES_RIGHT_DERIVE | TES_RIGHT_TRANSFER | TES_RIGHT_CONTROL |
                            TES_RIGHT_INSPECT | TES_RIGHT_ENDPOINT_RECEIVE |
                            TES_RIGHT_ENDPOINT_MINT | TES_RIGHT_ENDPOINT_CALL;
    tes_endpoint_t endpoint = wiring_export_find(init, instance->spec->grants[index].name);
    tes_session_t *session = &instance->export_sessions[index];
    tes_status_t status = make_run_session(endpoint, session);
    if (status == TES_OK) {
        status =
            tes_handle_derive(tes_endpoint_any(endpoint), rights, *session, &out_grant->handle);
    }
    return status;
}

static tes_status_t make_import(struct init *init, struct instance *instance, uint32_t index,
                                struct tes_grant *out_grant)
{
    tes_endpoint_t endpoint = wiring_export_find(init, instance->spec->grants[index].target);
    tes_session_t *session = &instance->import_sessions[index];
    if (endpoint.value == 0) {
        return TES_ERROR_NOT_FOUND;
    }
    tes_status_t status =
        tes_session_create(tes_endpoint_any(endpoint), tes_self()->quota, instance->id, 0, session);
    if (status == TES_OK) {
        status = tes_handle_derive(tes_endpoint_any(endpoint),
                                   TES_RIGHT_DERIVE | TES_RIGHT_TRANSFER | TES_RIGHT_ENDPOINT_CALL,
                                   *session, &out_grant->handle);
    }
    return status;
}

// The narrower Resource is an object of init's; it is kept to be destroyed when the run ends.
static tes_status_t make_resource(struct instance *instance, uint32_t index, uint64_t root,
                                  struct tes_grant *out_grant)
{
    const struct grant *grant = &instance->spec->grants[index];
    uint64_t size = grant->kind == GRANT_PORTS ? grant->count : 1;
    uint64_t result = 0;
    tes_status_t status =
        tes_resource_control((tes_resource_t){ .value = root }, TES_RESOURCE_CONTROL_DERIVE,
                             grant->first, size, 0, &result);
    if (status != TES_OK) {
        return status;
    }
    instance->resources[index].value = result;
    return tes_handle_derive(tes_resource_any(instance->resources[index]),
                             TES_RIGHT_RESOURCE_USE | TES_RIGHT_INSPECT | TES_RIGHT_DERIVE |
                                 TES_RIGHT_TRANSFER,
                             (tes_session_t){ 0 }, &out_grant->handle);
}

static tes_status_t make_machine(const struct grant *grant, struct tes_grant *out_grant)
{
    tes_handle_t machine = { .value = TES_STARTUP_MACHINE };
    return tes_handle_derive(machine, grant->first | TES_RIGHT_TRANSFER, (tes_session_t){ 0 },
                             &out_grant->handle);
}

// The whole image's Memory, with the part that is meant: the image holds nothing secret.
static tes_status_t make_file(const struct init *init, const char *name,
                              struct tes_grant *out_grant)
{
    const struct tes_image_file *file = image_find(&init->image, name);
    if (file == NULL) {
        return TES_ERROR_NOT_FOUND;
    }
    out_grant->offset = file->offset;
    out_grant->size = file->size;
    tes_handle_t image = { .value = TES_STARTUP_IMAGE };
    return tes_handle_derive(image,
                             TES_RIGHT_MEMORY_READ | TES_RIGHT_MEMORY_EXECUTE |
                                 TES_RIGHT_MEMORY_CLONE | TES_RIGHT_TRANSFER | TES_RIGHT_INSPECT,
                             (tes_session_t){ 0 }, &out_grant->handle);
}

static tes_status_t make_one(struct init *init, struct instance *instance, uint32_t index,
                             struct tes_grant *out_grant)
{
    const struct grant *grant = &instance->spec->grants[index];
    switch (grant->kind) {
    case GRANT_EXPORT:
        return make_export(init, instance, index, out_grant);
    case GRANT_IMPORT:
        return make_import(init, instance, index, out_grant);
    case GRANT_PORTS:
        return make_resource(instance, index, TES_STARTUP_PORTS, out_grant);
    case GRANT_IRQ:
        return make_resource(instance, index, TES_STARTUP_IRQS, out_grant);
    case GRANT_MACHINE:
        return make_machine(grant, out_grant);
    case GRANT_FILE:
        return make_file(init, grant->name, out_grant);
    case GRANT_WX:
        break;
    }
    return TES_OK; // a right of the Space, not a handle
}

tes_status_t wiring_make(struct init *init, struct instance *instance, struct tes_grant *grants,
                         uint32_t *out_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < instance->spec->grant_count; i++) {
        struct tes_grant grant = { .name = instance->spec->grants[i].name,
                                   .rights = TES_RIGHTS_SAME };
        tes_status_t status = make_one(init, instance, i, &grant);
        if (status != TES_OK) {
            tes_log("init: %s: grant %s: %s", instance->spec->name, grant.name,
                    tes_status_text(status));
            wiring_close(grants, count);
            return status;
        }
        if (grant.handle.value != 0) {
            grants[count++] = grant;
        }
    }
    *out_count = count;
    return TES_OK;
}

void wiring_close(struct tes_grant *grants, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        tes_close(grants[i].handle.value);
    }
}

static void session_end(tes_session_t *session)
{
    if (session->value != 0) {
        (void)!tes_handle_revoke(tes_session_any(*session), 0); // revoked already
        tes_destroy(tes_session_any(*session));
        session->value = 0;
    }
}

void wiring_end(struct instance *instance)
{
    for (uint32_t i = 0; i < GRANTS_MAX; i++) {
        session_end(&instance->export_sessions[i]);
        session_end(&instance->import_sessions[i]);
        tes_destroy(tes_resource_any(instance->resources[i]));
        instance->resources[i].value = 0;
    }
}

void wiring_hold(struct init *init, const struct instance *instance, bool is_held)
{
    uint64_t state = is_held ? STATE_HOLD : STATE_DOWN;
    uint64_t until = is_held ? tes_time_monotonic_ns() + HOLD_LIMIT_NS : 0;
    for (uint32_t i = 0; i < instance->spec->grant_count; i++) {
        const struct grant *grant = &instance->spec->grants[i];
        if (grant->kind == GRANT_EXPORT) {
            tes_endpoint_t endpoint = wiring_export_find(init, grant->name);
            // The arguments are right and the endpoint is init's own.
            (void)!tes_endpoint_control(endpoint, TES_ENDPOINT_CONTROL_STATE, state, until);
        }
    }
}
