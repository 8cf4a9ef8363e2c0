// SPDX-License-Identifier: MIT OR Apache-2.0
// Makes a process of an ELF file whose pages lie in a sealed Memory (the boot image): text is
// mapped from there, data is copied and relocated, a stack, message page and startup block are
// added, handles are copied into its table. All of it is charged to one Quota: destroying that
// undoes everything.
#pragma once

#include <tes/elf.h>
#include <tes/startup.h>

struct tes_grant {
    const char *name;
    tes_handle_t handle;
    uint64_t rights; // mask
    uint64_t offset; // part of a Memory
    uint64_t size;
};

#define TES_RIGHTS_SAME         0xffffull // a mask that keeps what the handle has
#define TES_LOADER_MESSAGE_SIZE 160u

struct tes_loader {
    const char *name; // of the process: the first 16 bytes count
    const void *file; // mapped
    uint64_t file_size;
    tes_memory_t image;    // READ and EXECUTE; sealed
    uint64_t image_offset; // of the file in it, whole pages
    tes_quota_t quota;     // CREATE, DERIVE and TRANSFER
    uint64_t priority, core_mask, budget_ns, period_ns, stack_size;
    bool may_lift_wx;
    tes_notification_t exit_notification; // SIGNAL
    uint64_t exit_bits;
    const struct tes_grant *grants;
    uint32_t grant_count;
    const char *const *arguments;   // ends with NULL
    const char *const *environment; // ends with NULL; may be NULL

    // Results; handles are the caller's.
    tes_process_t process;
    tes_space_t space;
    tes_thread_t thread;
    tes_sched_context_t context;
    char message[TES_LOADER_MESSAGE_SIZE]; // why it failed, with file, offset and field
};

// Creates and starts it. After a failure the handles made so far are closed and the caller destroys
// the Quota.
tes_status_t tes_loader_run(struct tes_loader *loader) TES_MUST_CHECK;
void tes_loader_close(struct tes_loader *loader);
