// SPDX-License-Identifier: MIT OR Apache-2.0
// The loader. Layout of a new Space: the program at an address the kernel chooses, and one area of
// guard page, stack, message page and startup block elsewhere.
#include <abi/settings.h>
#include <arch_user/ticks.h>
#include <rt/bits.h>
#include <rt/format.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/loader.h>
#include <tes/memory.h>
#include <tes/thread.h>

#define RANDOM_MULTIPLIER 0x9e3779b97f4a7c15ull // 2^64 / golden ratio: mixes the counter's bits

struct area {
    uint64_t address; // of the stack's lowest byte, in the new Space
    uint64_t message_page;
    uint64_t block_address;
    struct tes_startup_block *block; // mapped here while it is written
};

static tes_status_t failed(struct tes_loader *l, const char *step, tes_status_t status)
{
    rt_format(l->message, sizeof(l->message), "%s: %s failed (%d)", l->name, step, status);
    return status;
}

static tes_status_t failed_elf(struct tes_loader *l, const struct tes_elf_error *error)
{
    rt_format(l->message, sizeof(l->message), "%s: offset 0x%llx: %s %s", l->name,
              (unsigned long long)error->offset, error->field, error->reason);
    return TES_ERROR_INVALID;
}

static tes_status_t map_constant(struct tes_loader *l, const struct tes_elf_segment *segment,
                                 uint64_t base)
{
    uint64_t flags = TES_SPACE_MAP_READ | TES_SPACE_MAP_REPLACE;
    if ((segment->access & TES_ELF_EXECUTE) != 0) {
        flags |= TES_SPACE_MAP_EXECUTE;
    }
    uint64_t mapped = 0;
    return tes_space_map(l->space, l->image, l->image_offset + segment->offset,
                         base + segment->address, align_up(segment->memory_size, TES_PAGE_SIZE),
                         flags, &mapped);
}

static tes_status_t fill_data(struct tes_loader *l, const struct tes_elf *elf,
                              const struct tes_elf_segment *segment, tes_memory_t memory,
                              uint64_t base)
{
    uint64_t size = align_up(segment->memory_size, TES_PAGE_SIZE);
    void *data = NULL;
    tes_status_t status =
        tes_memory_map(memory, 0, size, TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE, &data);
    if (status != TES_OK) {
        return failed(l, "mapping data", status);
    }
    struct tes_elf_error error;
    memcpy(data, (const uint8_t *)l->file + segment->offset, segment->file_size);
    if (!tes_elf_relocate(l->file, elf, segment, data, base, &error)) {
        status = failed_elf(l, &error);
    }
    tes_memory_unmap(data, size);
    return status;
}

static tes_status_t map_data(struct tes_loader *l, const struct tes_elf *elf,
                             const struct tes_elf_segment *segment, uint64_t base)
{
    uint64_t size = align_up(segment->memory_size, TES_PAGE_SIZE);
    tes_memory_t memory = { 0 };
    tes_status_t status = tes_memory_create(l->quota, size, 0, (tes_endpoint_t){ 0 }, 0, &memory);
    if (status != TES_OK) {
        return failed(l, "memory for data", status);
    }
    status = fill_data(l, elf, segment, memory, base);
    if (status == TES_OK) {
        uint64_t flags = TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE | TES_SPACE_MAP_REPLACE;
        uint64_t mapped = 0;
        status = tes_space_map(l->space, memory, 0, base + segment->address, size, flags, &mapped);
    }
    tes_close(memory.value); // lives as long as the Quota
    return status;
}

static tes_status_t map_program(struct tes_loader *l, const struct tes_elf *elf, uint64_t *out_base)
{
    uint64_t base = 0;
    tes_status_t status =
        tes_space_map(l->space, (tes_memory_t){ 0 }, 0, 0, elf->span, TES_SPACE_MAP_RESERVE, &base);
    if (status != TES_OK) {
        return failed(l, "reserving addresses", status);
    }
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct tes_elf_segment *segment = &elf->segments[i];
        status = (segment->access & TES_ELF_WRITE) != 0 ? map_data(l, elf, segment, base)
                                                        : map_constant(l, segment, base);
        if (status != TES_OK) {
            return l->message[0] != 0 ? status : failed(l, "mapping a segment", status);
        }
    }
    *out_base = base;
    return TES_OK;
}

static tes_status_t area_fill(struct tes_loader *l, tes_memory_t memory, uint64_t stack_size,
                              struct area *out_area)
{
    uint64_t size = stack_size + TES_PAGE_SIZE + TES_STARTUP_BLOCK_SIZE;
    uint64_t reserved = 0;
    tes_status_t status = tes_space_map(l->space, (tes_memory_t){ 0 }, 0, 0, size + TES_PAGE_SIZE,
                                        TES_SPACE_MAP_RESERVE, &reserved);
    if (status != TES_OK) {
        return status;
    }
    uint64_t flags = TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE;
    uint64_t mapped = 0;
    status = tes_space_map(l->space, memory, 0, reserved + TES_PAGE_SIZE, size,
                           flags | TES_SPACE_MAP_REPLACE, &mapped);
    if (status != TES_OK) {
        return status;
    }
    out_area->address = mapped;
    out_area->message_page = mapped + stack_size;
    out_area->block_address = out_area->message_page + TES_PAGE_SIZE;
    void *block = NULL;
    status =
        tes_memory_map(memory, stack_size + TES_PAGE_SIZE, TES_STARTUP_BLOCK_SIZE, flags, &block);
    out_area->block = block;
    return status;
}

static tes_status_t area_create(struct tes_loader *l, struct area *out_area)
{
    uint64_t stack_size = align_up(l->stack_size, TES_PAGE_SIZE);
    tes_memory_t memory = { 0 };
    uint64_t size = stack_size + TES_PAGE_SIZE + TES_STARTUP_BLOCK_SIZE;
    tes_status_t status = tes_memory_create(l->quota, size, 0, (tes_endpoint_t){ 0 }, 0, &memory);
    if (status == TES_OK) {
        status = area_fill(l, memory, stack_size, out_area);
        tes_close(memory.value); // lives as long as the Quota
    }
    return status == TES_OK ? TES_OK : failed(l, "making the stack", status);
}

static tes_status_t give(struct tes_loader *l, tes_handle_t handle, uint64_t rights,
                         uint64_t *out_value)
{
    return tes_handle_copy(l->process, handle, rights, 0, out_value);
}

// The process's own handles: it may do with itself what it likes, but not destroy or hand on
// itself.
static tes_status_t give_own(struct tes_loader *l, struct tes_startup_block *block)
{
    uint64_t space_rights = TES_RIGHTS_OF_SPACE;
    if (!l->may_lift_wx) {
        space_rights &= ~(uint64_t)TES_RIGHT_SPACE_LIFT_WX;
    }
    const struct {
        tes_handle_t handle;
        uint64_t rights;
        uint64_t *out;
    } own[] = {
        { tes_process_any(l->process), TES_RIGHTS_OF_PROCESS, &block->process },
        { tes_space_any(l->space), space_rights, &block->space },
        { tes_thread_any(l->thread), TES_RIGHTS_OF_THREAD, &block->thread },
        { tes_quota_any(l->quota),
          TES_RIGHT_QUOTA_CREATE | TES_RIGHT_INSPECT | TES_RIGHT_DERIVE | TES_RIGHT_TRANSFER,
          &block->quota },
        { tes_sched_context_any(l->context), TES_RIGHTS_OF_SCHED_CONTEXT, &block->context },
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        tes_status_t status = give(l, own[i].handle, own[i].rights, own[i].out);
        if (status != TES_OK) {
            return failed(l, "giving its own handles", status);
        }
    }
    return TES_OK;
}

static tes_status_t give_grants(struct tes_loader *l, struct tes_startup_block *block)
{
    for (uint32_t i = 0; i < l->grant_count; i++) {
        const struct tes_grant *grant = &l->grants[i];
        struct tes_startup_handle entry = { .offset = grant->offset, .size = grant->size };
        tes_status_t status = give(l, grant->handle, grant->rights, &entry.handle);
        if (status == TES_OK && !tes_startup_add_handle(block, grant->name, &entry)) {
            status = TES_ERROR_NO_HANDLES;
        }
        if (status != TES_OK) {
            return failed(l, grant->name, status);
        }
    }
    return TES_OK;
}

static tes_status_t write_strings(struct tes_loader *l, struct tes_startup_block *block)
{
    for (const char *const *at = l->arguments; *at != NULL; at++) {
        if (!tes_startup_add_argument(block, *at)) {
            return failed(l, "arguments are too long: start", TES_ERROR_INVALID);
        }
    }
    for (const char *const *at = l->environment; at != NULL && *at != NULL; at++) {
        if (!tes_startup_add_environment(block, *at)) {
            return failed(l, "environment is too long: start", TES_ERROR_INVALID);
        }
    }
    return TES_OK;
}

static tes_status_t block_write(struct tes_loader *l, const struct area *area)
{
    struct tes_startup_block *block = area->block;
    tes_startup_begin(block);
    block->message_page = area->message_page;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t mixed = (tes_self()->random + tes_arch_ticks()) * RANDOM_MULTIPLIER;
        block->random[i] = mixed ^ (mixed >> (BITS_PER_U64 / 2)) ^ area->address;
    }
    tes_status_t status = give_own(l, block);
    if (status == TES_OK) {
        status = give_grants(l, block);
    }
    if (status == TES_OK) {
        status = write_strings(l, block);
    }
    return status;
}

static tes_status_t thread_make(struct tes_loader *l, const struct area *area)
{
    tes_status_t status = tes_context_create(l->quota, l->budget_ns, l->period_ns, l->priority,
                                             l->core_mask, &l->context);
    if (status != TES_OK) {
        return failed(l, "making its scheduling context", status);
    }
    status = tes_thread_create(l->process, l->context, &l->thread);
    if (status == TES_OK) {
        status = tes_thread_control(l->thread, TES_THREAD_MESSAGE_PAGE, area->message_page, 0);
    }
    if (status == TES_OK && l->exit_notification.value != 0) {
        status = tes_thread_control(l->thread, TES_THREAD_EXIT_SIGNAL, l->exit_notification.value,
                                    l->exit_bits);
    }
    return status == TES_OK ? TES_OK : failed(l, "making its thread", status);
}

static tes_status_t process_make(struct tes_loader *l)
{
    uint64_t words[2] = { 0, 0 };
    memcpy(words, l->name, strnlen(l->name, sizeof(words)));
    tes_status_t status = tes_process_create(l->quota, words[0], words[1], &l->process, &l->space);
    return status == TES_OK ? TES_OK : failed(l, "making the process", status);
}

static tes_status_t build(struct tes_loader *l, const struct tes_elf *elf)
{
    uint64_t base = 0;
    struct area area = { 0 };
    tes_status_t status = process_make(l);
    if (status == TES_OK) {
        status = map_program(l, elf, &base);
    }
    if (status == TES_OK) {
        status = area_create(l, &area);
    }
    if (status == TES_OK) {
        status = thread_make(l, &area);
    }
    if (status == TES_OK) {
        status = block_write(l, &area);
    }
    if (area.block != NULL) {
        tes_memory_unmap(area.block, TES_STARTUP_BLOCK_SIZE);
    }
    if (status == TES_OK) {
        status = tes_thread_start(l->thread, base + elf->entry, area.message_page,
                                  area.block_address, 0);
        status = status == TES_OK ? TES_OK : failed(l, "starting it", status);
    }
    return status;
}

tes_status_t tes_loader_run(struct tes_loader *l)
{
    struct tes_elf elf;
    struct tes_elf_error error;
    l->message[0] = 0;
    if (!tes_elf_parse(l->file, l->file_size, &elf, &error)) {
        return failed_elf(l, &error);
    }
    tes_status_t status = build(l, &elf);
    if (status != TES_OK) {
        tes_loader_close(l);
    }
    return status;
}

void tes_loader_close(struct tes_loader *l)
{
    tes_close(l->thread.value);
    tes_close(l->context.value);
    tes_close(l->space.value);
    tes_close(l->process.value);
    l->thread.value = 0;
    l->context.value = 0;
    l->space.value = 0;
    l->process.value = 0;
}
