// SPDX-License-Identifier: MIT OR Apache-2.0
// One run of a component or program: a Quota of its own that pays for everything, so ending it is
// destroying that Quota.
#include <abi/info.h>
#include <abi/startup.h>
#include <rt/string.h>
#include <tes/heap.h>
#include <tes/log.h>
#include <tes/time.h>

#include "init.h"

#define QUANTUM_NS (10 * TES_NS_PER_MS)

uint64_t instance_exit_bit(const struct instance *instance)
{
    return 1ull << (instance->id % EXIT_BITS);
}

struct instance *instance_create(struct init *init, const struct spec *spec)
{
    for (uint32_t i = 0; i < INSTANCES_MAX; i++) {
        struct instance *instance = &init->instances[i];
        if (instance->spec == NULL) {
            memset(instance, 0, sizeof(*instance));
            instance->spec = spec;
            instance->id = ++init->ids;
            return instance;
        }
    }
    return NULL;
}

struct instance *instance_by_id(struct init *init, uint64_t id)
{
    for (uint32_t i = 0; i < INSTANCES_MAX; i++) {
        if (init->instances[i].spec != NULL && init->instances[i].id == id) {
            return &init->instances[i];
        }
    }
    return NULL;
}

void instance_free(struct instance *instance)
{
    for (uint32_t i = 0; i < instance->give_count; i++) {
        tes_close(instance->gives[i].handle.value);
    }
    if (instance->client_session.value != 0) {
        (void)!tes_handle_revoke(tes_session_any(instance->client_session), 0); // closed already
        tes_destroy(tes_session_any(instance->client_session));
    }
    tes_free(instance->text);
    memset(instance, 0, sizeof(*instance));
}

// Arguments and environment as lists. Components have theirs from the composition.
struct lists {
    const char *arguments[LIST_MAX + 1];
    const char *environment[LIST_MAX + 1];
};

static const char *fill_list(const char **list, const char *text, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = text;
        text += strlen(text) + 1;
    }
    list[count] = NULL;
    return text;
}

static void lists_fill(const struct instance *instance, struct lists *lists)
{
    if (instance->text != NULL) {
        const char *rest = fill_list(lists->arguments, instance->text, instance->argument_count);
        fill_list(lists->environment, rest, instance->environment_count);
        return;
    }
    const struct spec *spec = instance->spec;
    lists->arguments[0] = spec->name;
    for (uint32_t i = 0; i < spec->argument_count; i++) {
        lists->arguments[i + 1] = spec->arguments[i];
    }
    lists->arguments[spec->argument_count + 1] = NULL;
    lists->environment[0] = NULL;
}

static bool has_wx(const struct spec *spec)
{
    for (uint32_t i = 0; i < spec->grant_count; i++) {
        if (spec->grants[i].kind == GRANT_WX) {
            return true;
        }
    }
    return false;
}

static void loader_fill(struct init *init, const struct instance *instance,
                        const struct tes_image_file *file, struct tes_loader *out_loader)
{
    const struct spec *spec = instance->spec;
    *out_loader = (struct tes_loader){
        .name = spec->name,
        .file = init->image.bytes + file->offset,
        .file_size = file->size,
        .image = { .value = TES_STARTUP_IMAGE },
        .image_offset = file->offset,
        .quota = instance->quota,
        .priority = spec->priority,
        .core_mask = spec->core_mask,
        .budget_ns = QUANTUM_NS,
        .stack_size = spec->stack_size,
        .may_lift_wx = has_wx(spec),
        .exit_notification = init->notification,
        .exit_bits = instance_exit_bit(instance),
    };
}

static tes_status_t run(struct init *init, struct instance *instance,
                        const struct tes_image_file *file)
{
    struct tes_grant grants[GRANTS_MAX + GIVES_MAX];
    struct lists lists;
    struct tes_loader loader;
    uint32_t made = 0;
    tes_status_t status = wiring_make(init, instance, grants, &made);
    if (status != TES_OK) {
        return status;
    }
    for (uint32_t i = 0; i < instance->give_count; i++) {
        grants[made + i] = (struct tes_grant){ .name = instance->gives[i].name,
                                               .handle = instance->gives[i].handle,
                                               .rights = TES_RIGHTS_SAME };
    }
    lists_fill(instance, &lists);
    loader_fill(init, instance, file, &loader);
    loader.grants = grants;
    loader.grant_count = made + instance->give_count;
    loader.arguments = lists.arguments;
    loader.environment = lists.environment;
    status = tes_loader_run(&loader);
    wiring_close(grants, made);
    if (status != TES_OK) {
        tes_log("init: %s", loader.message);
        events_add(&init->events, "%s", loader.message);
        return status;
    }
    instance->process = loader.process;
    instance->thread = loader.thread;
    tes_close(loader.space.value);
    tes_close(loader.context.value);
    return TES_OK;
}

static uint64_t process_id(tes_process_t process)
{
    struct tes_info_process info;
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_process_any(process), TES_INFO_PROCESS, 0,
                                          (uint64_t)&info, sizeof(info), &written);
    return status == TES_OK ? info.id : 0;
}

static void tear_down(struct instance *instance)
{
    tes_close(instance->thread.value);
    tes_close(instance->process.value);
    wiring_end(instance);
    tes_destroy(tes_quota_any(instance->quota));
    instance->thread.value = 0;
    instance->process.value = 0;
    instance->quota.value = 0;
    instance->process_id = 0;
}

tes_status_t instance_start(struct init *init, struct instance *instance)
{
    const struct spec *spec = instance->spec;
    const struct tes_image_file *file = image_find(&init->image, spec->binary);
    if (file == NULL || !image_file_is_intact(&init->image, file)) {
        events_add(&init->events, "%s: %s in the boot image", spec->binary,
                   file == NULL ? "no such file" : "checksum does not match the contents");
        return TES_ERROR_NOT_FOUND;
    }
    tes_status_t status = tes_quota_create(tes_self()->quota, spec->pages, spec->objects,
                                           spec->handles, 0, &instance->quota);
    if (status != TES_OK) {
        events_add(&init->events, "%s: quota: %s", spec->name, tes_status_text(status));
        return status;
    }
    status = run(init, instance, file);
    if (status != TES_OK) {
        tear_down(instance);
        return status;
    }
    instance->state = TES_PROGRAM_RUNNING;
    instance->was_killed = false;
    instance->started_ns = tes_time_monotonic_ns();
    instance->process_id = process_id(instance->process);
    return TES_OK;
}

void instance_end(struct init *init, struct instance *instance, int exit_status)
{
    instance->exit_status = exit_status;
    instance->state = TES_PROGRAM_ENDED;
    tear_down(instance);
    events_add(&init->events, "%llu %s ended with status %d",
               (unsigned long long)(tes_time_monotonic_ns() / TES_NS_PER_MS), instance->spec->name,
               exit_status);
    if (instance->waiter.value != 0) {
        tes_reply_answer(instance->waiter, TES_OK, (uint32_t)exit_status);
        instance->waiter.value = 0;
    }
}
