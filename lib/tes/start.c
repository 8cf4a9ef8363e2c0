// SPDX-License-Identifier: MIT OR Apache-2.0
// How a component starts: the startup block (or, in the first component, the boot image) becomes
// struct tes_self and argv; then tes_main. The loader has applied all relocations already.
#include <abi/image.h>
#include <abi/startup.h>
#include <rt/string.h>
#include <tes/log.h>
#include <tes/startup.h>
#include <tes/thread.h>

// Filled before any function with a canary runs.
// The compiler gives these names.
uintptr_t __stack_chk_guard;           // NOLINT(readability-identifier-naming)
_Noreturn void __stack_chk_fail(void); // NOLINT(readability-identifier-naming)
_Noreturn void tes_start(uint64_t argument0, uint64_t argument1);

static struct {
    struct tes_self self;
    char *strings[TES_STARTUP_STRINGS_MAX + 2]; // arguments, NULL, environment, NULL
    _Alignas(TES_MESSAGE_PAGE_SIZE) uint8_t message_page[TES_MESSAGE_PAGE_SIZE];
} start_state;

const struct tes_self *tes_self(void)
{
    return &start_state.self;
}

_Noreturn void __stack_chk_fail(void) // NOLINT(readability-identifier-naming)
{
    tes_assert_fail("stack canary intact", "stack", 0);
}

// The canary's lowest byte is 0, so that a string that runs over cannot restore it.
static const uintptr_t canary_mask = ~(uintptr_t)0xff;

static void adopt_image(uint64_t address, uint64_t size)
{
    struct tes_self *self = &start_state.self;
    self->process.value = TES_STARTUP_PROCESS;
    self->space.value = TES_STARTUP_SPACE;
    self->thread.value = TES_STARTUP_THREAD;
    self->quota.value = TES_STARTUP_QUOTA;
    self->context.value = TES_STARTUP_CONTEXT;
    self->image = (const void *)address;
    self->image_size = size;
    self->environment = &start_state.strings[1];
}

// Splits count strings off the text; false if they do not end inside it.
static char **split_text(struct tes_startup_block *block, char **out, uint32_t count, uint32_t *at)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t left = block->text_size - *at;
        size_t length = strnlen(block->text + *at, left);
        if (length == left) {
            break;
        }
        *out++ = block->text + *at;
        *at += (uint32_t)length + 1;
    }
    *out++ = NULL;
    return out;
}

static void adopt_block(struct tes_startup_block *block)
{
    struct tes_self *self = &start_state.self;
    self->process.value = block->process;
    self->space.value = block->space;
    self->thread.value = block->thread;
    self->quota.value = block->quota;
    self->context.value = block->context;
    self->block = block;
    self->random = block->random[1];
    uint32_t at = 0;
    char **next = split_text(block, start_state.strings, block->argument_count, &at);
    self->environment = next;
    split_text(block, next, block->environment_count, &at);
}

__attribute__((noinline)) static _Noreturn void run(void)
{
    const struct tes_startup_block *block = start_state.self.block;
    void *page = block != NULL ? (void *)block->message_page : start_state.message_page;
    if (tes_thread_adopt(page, start_state.self.thread) != TES_OK) {
        tes_assert_fail("message page accepted", __FILE__, __LINE__);
    }
    int argc = block != NULL ? (int)block->argument_count : 0;
    tes_exit(tes_main(argc, start_state.strings));
}

__attribute__((used, no_stack_protector)) _Noreturn void tes_start(uint64_t argument0,
                                                                   uint64_t argument1)
{
    const uint64_t *magic = (const uint64_t *)argument0;
    if (*magic == TES_STARTUP_MAGIC) {
        struct tes_startup_block *block = (struct tes_startup_block *)argument0;
        __stack_chk_guard = block->random[0] & canary_mask;
        adopt_block(block);
    } else {
        __stack_chk_guard = (argument0 ^ argument1) & canary_mask;
        adopt_image(argument0, argument1);
    }
    run();
}

_Noreturn void tes_exit(int status)
{
    (void)!tes_thread_exit((uint64_t)(uint32_t)status); // does not come back
    __builtin_trap();
}

const struct tes_startup_handle *tes_startup_find(const char *name)
{
    const struct tes_startup_block *block = start_state.self.block;
    uint32_t count = block != NULL ? block->handle_count : 0;
    for (uint32_t i = 0; i < count && i < TES_STARTUP_HANDLES_MAX; i++) {
        if (strncmp(block->handles[i].name, name, TES_STARTUP_NAME_SIZE) == 0) {
            return &block->handles[i];
        }
    }
    return NULL;
}

tes_handle_t tes_startup_handle(const char *name)
{
    const struct tes_startup_handle *entry = tes_startup_find(name);
    return (tes_handle_t){ .value = entry != NULL ? entry->handle : 0 };
}

const char *tes_environment(const char *name)
{
    size_t length = strlen(name);
    for (char *const *at = start_state.self.environment; *at != NULL; at++) {
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') {
            return *at + length + 1;
        }
    }
    return NULL;
}
