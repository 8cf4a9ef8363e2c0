// SPDX-License-Identifier: MIT OR Apache-2.0
// Writing a startup block. Reading it is in start.c.
#include <rt/string.h>
#include <tes/startup.h>

void tes_startup_begin(struct tes_startup_block *block)
{
    memset(block, 0, sizeof(*block));
    block->magic = TES_STARTUP_MAGIC;
}

bool tes_startup_add_handle(struct tes_startup_block *block, const char *name,
                            const struct tes_startup_handle *value)
{
    if (block->handle_count == TES_STARTUP_HANDLES_MAX || strlen(name) >= TES_STARTUP_NAME_SIZE) {
        return false;
    }
    struct tes_startup_handle *entry = &block->handles[block->handle_count++];
    *entry = *value;
    memset(entry->name, 0, sizeof(entry->name));
    rt_string_copy(entry->name, sizeof(entry->name), name);
    return true;
}

static bool add_text(struct tes_startup_block *block, const char *text)
{
    size_t size = strlen(text) + 1;
    if (size > sizeof(block->text) - block->text_size ||
        block->argument_count + block->environment_count == TES_STARTUP_STRINGS_MAX) {
        return false;
    }
    memcpy(block->text + block->text_size, text, size);
    block->text_size += (uint32_t)size;
    return true;
}

bool tes_startup_add_argument(struct tes_startup_block *block, const char *text)
{
    if (block->environment_count != 0 || !add_text(block, text)) {
        return false;
    }
    block->argument_count++;
    return true;
}

bool tes_startup_add_environment(struct tes_startup_block *block, const char *text)
{
    if (!add_text(block, text)) {
        return false;
    }
    block->environment_count++;
    return true;
}
