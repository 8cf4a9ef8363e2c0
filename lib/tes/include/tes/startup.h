// SPDX-License-Identifier: MIT OR Apache-2.0
// What a component finds when it starts: a block of memory written by whoever loaded it (init),
// whose address is argument 0 of its first thread. It names every handle the component was given;
// there is no other way to get at anything. The first component gets the boot image instead
// (abi/startup.h).
#pragma once

#include <abi/errors.h>
#include <abi/objects.h>
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TES_STARTUP_MAGIC       0x3130545241545354ull // "TSTART01"
#define TES_STARTUP_BLOCK_SIZE  16384u
#define TES_STARTUP_HANDLES_MAX 40u
#define TES_STARTUP_NAME_SIZE   24u
#define TES_STARTUP_STRINGS_MAX 256u // arguments and environment together

// offset and size: the part of a Memory that is meant (files of the boot image), else 0.
struct tes_startup_handle {
    char name[TES_STARTUP_NAME_SIZE];
    uint64_t handle;
    uint64_t offset;
    uint64_t size;
};
static_assert(sizeof(struct tes_startup_handle) == 48, "startup handle layout");

struct tes_startup_block {
    uint64_t magic;
    uint64_t process, space, thread, quota, context; // its own; 0 if not given
    uint64_t message_page;                           // address, mapped
    uint64_t random[2];                              // stack canary and more
    uint32_t handle_count;
    uint32_t argument_count;
    uint32_t environment_count;
    uint32_t text_size; // bytes of text: arguments, then environment, each ended by 0
    struct tes_startup_handle handles[TES_STARTUP_HANDLES_MAX];
    char text[TES_STARTUP_BLOCK_SIZE - 88 - 48 * TES_STARTUP_HANDLES_MAX];
};
static_assert(offsetof(struct tes_startup_block, handles) == 88, "startup block layout");
static_assert(sizeof(struct tes_startup_block) == TES_STARTUP_BLOCK_SIZE, "startup block layout");

// The component's own handles.
struct tes_self {
    tes_process_t process;
    tes_space_t space;
    tes_thread_t thread;
    tes_quota_t quota;
    tes_sched_context_t context;
    const struct tes_startup_block *block; // NULL in the first component
    const void *image;                     // the boot image; NULL in all others
    uint64_t image_size;
    char *const *environment; // ends with NULL
    uint64_t random;
};
const struct tes_self *tes_self(void);

// The handle of that name, with 0 in value if there is none.
tes_handle_t tes_startup_handle(const char *name);
// The whole entry; NULL if there is none.
const struct tes_startup_handle *tes_startup_find(const char *name);
// The value of NAME=value, or NULL.
const char *tes_environment(const char *name);

// The component's program. What it returns is its exit status.
int tes_main(int argc, char **argv);
_Noreturn void tes_exit(int status);

// Building a block (loaders). False: no room.
void tes_startup_begin(struct tes_startup_block *block);
bool tes_startup_add_handle(struct tes_startup_block *block, const char *name,
                            const struct tes_startup_handle *value);
// All arguments first, then the environment.
bool tes_startup_add_argument(struct tes_startup_block *block, const char *text);
bool tes_startup_add_environment(struct tes_startup_block *block, const char *text);
