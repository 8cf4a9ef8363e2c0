// SPDX-License-Identifier: MIT OR Apache-2.0
// What init knows: the image, the composition, endpoints by name, and an instance for everything
// that runs or will run again. Files: wiring.c makes handles for an instance, instance.c starts and
// ends one, supervise.c watches and restarts, service.c answers the `program` interface.
#pragma once

#include <tes/loader.h>
#include <tes/memory.h>
#include <tes/program.h>
#include <tes/server.h>

#include "composition.h"
#include "events.h"
#include "image.h"

#define INSTANCES_MAX  64u
#define GIVES_MAX      16u
#define EXPORTS_MAX    32u
#define LIST_MAX       64u // arguments or environment of one program
#define EXIT_BITS      32u // bits of the notification that tell of ended threads
#define TIMER_BIT      (1ull << EXIT_BITS)
#define TIMER_SLOT     0u
#define SERVICE_NAME   "process"
#define UNKNOWN_STATUS (-1)
#define KILLED_STATUS  137 // as shells have it
#define START_FAILED   126

struct export
{
    char name[NAME_SIZE];
    tes_endpoint_t endpoint;
};

struct give {
    char name[NAME_SIZE];
    tes_handle_t handle;
};

struct instance {
    const struct spec *spec; // NULL: free
    uint64_t id;             // slot in the low bits, never reused for another
    enum tes_program_state state;
    uint32_t restarts;
    uint32_t failures_in_row;
    int exit_status;
    bool was_killed;
    uint64_t process_id;
    uint64_t restart_at_ns;
    uint64_t started_ns;
    tes_quota_t quota;
    tes_process_t process;
    tes_thread_t thread;
    tes_session_t export_sessions[GRANTS_MAX]; // this run's: what it mints hangs below
    tes_session_t import_sessions[GRANTS_MAX];
    tes_resource_t resources[GRANTS_MAX]; // ports and interrupts of this run
    // Only programs that a client made:
    tes_session_t client_session; // its handle's
    uint64_t client_badge;
    struct give gives[GIVES_MAX];
    uint32_t give_count;
    char *text; // arguments, then environment
    uint32_t argument_count, environment_count;
    tes_reply_t waiter;
};

struct init {
    struct image image;
    struct composition composition;
    struct export exports[EXPORTS_MAX];
    uint32_t export_count;
    struct instance instances[INSTANCES_MAX];
    struct events events;
    tes_notification_t notification;
    tes_endpoint_t service;
    uint64_t ids; // ever given
};

// wiring.c
tes_status_t wiring_exports(struct init *init) TES_MUST_CHECK; // makes every endpoint
tes_endpoint_t wiring_export_find(const struct init *init, const char *name);
// Handles that the loader will copy; *out_count of them. Closed by wiring_close.
tes_status_t wiring_make(struct init *init, struct instance *instance, struct tes_grant *grants,
                         uint32_t *out_count) TES_MUST_CHECK;
void wiring_close(struct tes_grant *grants, uint32_t count);
// Ends the Sessions of this run.
void wiring_end(struct instance *instance);
// Calls to what it exports wait (true) or fail until it runs again.
void wiring_hold(struct init *init, const struct instance *instance, bool is_held);

// instance.c
struct instance *instance_create(struct init *init, const struct spec *spec);
struct instance *instance_by_id(struct init *init, uint64_t id);
tes_status_t instance_start(struct init *init, struct instance *instance) TES_MUST_CHECK;
// Destroys what runs and tells who waits.
void instance_end(struct init *init, struct instance *instance, int exit_status);
void instance_free(struct instance *instance);
uint64_t instance_exit_bit(const struct instance *instance);

// supervise.c
void supervise_signal(struct init *init, uint64_t bits);
void supervise_ended(struct init *init, struct instance *instance); // restart by policy, or not
void supervise_failed_start(struct init *init, struct instance *instance);

// service.c
extern const struct tes_interface init_program_interface;
void service_closed(void *context, uint64_t badge);
