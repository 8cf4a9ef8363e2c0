// SPDX-License-Identifier: MIT OR Apache-2.0
// Processes that run functions of the test program: the program's text from the boot image, a
// read-only snapshot of its data (made with the first child), a stack, a message page and the
// shared block.
#include <arch_user/thread.h>
#include <rt/string.h>
#include <support/child.h>
#include <support/program.h>

#define STACK_BASE             0x500000000000ull
#define PERSONALITY_TEXT_BASE  (TES_PERSONALITY_BASE + 0x10000000ull)
#define PERSONALITY_STACK_BASE (TES_PERSONALITY_BASE + 0x40000000ull)

static struct {
    tes_memory_t data; // snapshot
    uint64_t size;
} snapshot;

static uint64_t data_address(void)
{
    return program_image()->first_base + program_image()->first_text_size;
}

static tes_status_t snapshot_make(void)
{
    const struct tes_image_header *image = program_image();
    uint64_t address = 0;
    snapshot.size = image->first_data_size + image->first_zero_size;
    tes_memory_t memory = { 0 };
    tes_status_t status =
        tes_memory_create(own_quota(), snapshot.size, 0, (tes_endpoint_t){ 0 }, 0, &memory);
    if (status != TES_OK) {
        return status;
    }
    status = tes_space_map(own_space(), memory, 0, 0, snapshot.size,
                           TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE, &address);
    if (status != TES_OK) {
        return status;
    }
    memcpy((void *)address, (const void *)data_address(), snapshot.size);
    snapshot.data = memory;
    return tes_space_unmap(own_space(), address, snapshot.size);
}

static tes_status_t program_map(struct child *child)
{
    const struct tes_image_header *image = program_image();
    const tes_memory_t file = { TES_STARTUP_IMAGE };
    uint64_t mapped = 0;
    tes_status_t status =
        tes_space_map(child->space, file, image->first_offset, child->text_base,
                      image->first_text_size, TES_SPACE_MAP_READ | TES_SPACE_MAP_EXECUTE, &mapped);
    if (status != TES_OK) {
        return status;
    }
    return tes_space_map(child->space, snapshot.data, 0, child->text_base + image->first_text_size,
                         snapshot.size, TES_SPACE_MAP_READ, &mapped);
}

static tes_status_t memory_map(struct child *child, tes_quota_t quota)
{
    const uint64_t flags = TES_SPACE_MAP_READ | TES_SPACE_MAP_WRITE;
    const uint64_t shared = CHILD_STACK_PAGES * TES_PAGE_SIZE;
    uint64_t mapped = 0;
    tes_status_t status = tes_memory_create(quota, CHILD_PAGES * TES_PAGE_SIZE, 0,
                                            (tes_endpoint_t){ 0 }, 0, &child->memory);
    if (status == TES_OK) {
        status = tes_space_map(child->space, child->memory, 0, child->stack_base,
                               CHILD_PAGES * TES_PAGE_SIZE, flags, &mapped);
    }
    if (status == TES_OK) {
        status = tes_space_map(own_space(), child->memory, shared, 0,
                               CHILD_PAGES * TES_PAGE_SIZE - shared, flags, &child->mapped);
    }
    child->page = (struct tes_message_page *)child->mapped;
    child->block = (struct child_block *)(child->mapped + TES_PAGE_SIZE);
    return status;
}

static uint64_t page_address(const struct child *child)
{
    return child->stack_base + CHILD_STACK_PAGES * TES_PAGE_SIZE;
}

static tes_status_t thread_make(struct child *child, const struct child_options *options)
{
    uint64_t priority = options->priority != 0 ? options->priority : WORKER_PRIORITY_DEFAULT;
    uint64_t cores = options->core_mask != 0 ? options->core_mask : 1;
    tes_quota_t quota = options->quota.value != 0 ? options->quota : own_quota();
    tes_status_t status = tes_notification_create(own_quota(), &child->done);
    if (status == TES_OK) {
        status = tes_context_create(quota, WORKER_QUANTUM_NS, 0, priority, cores, &child->context);
    }
    if (status == TES_OK) {
        status = tes_thread_create(child->process, child->context, &child->thread);
    }
    if (status == TES_OK) {
        status = tes_thread_control(child->thread, TES_THREAD_EXIT_SIGNAL, child->done.value,
                                    WORKER_DONE_BIT);
    }
    if (status == TES_OK) {
        status = tes_thread_control(child->thread, TES_THREAD_MESSAGE_PAGE, page_address(child), 0);
    }
    return status;
}

static tes_status_t own_handles_give(struct child *child, tes_quota_t quota)
{
    tes_status_t status = child_give(child, 0, child->process.value);
    child->block->process.value = child->block->handles[0];
    if (status == TES_OK) {
        status = child_give(child, 0, child->space.value);
        child->block->space.value = child->block->handles[0];
    }
    if (status == TES_OK) {
        status = child_give(child, 0, quota.value);
        child->block->quota.value = child->block->handles[0];
    }
    child->block->handles[0] = 0;
    return status;
}

tes_status_t child_create(struct child *child, const struct child_options *options)
{
    *child = (struct child){
        .stack_base = options->is_personality ? PERSONALITY_STACK_BASE : STACK_BASE,
        .text_base = options->is_personality ? PERSONALITY_TEXT_BASE : program_image()->first_base,
    };
    tes_quota_t quota = options->quota.value != 0 ? options->quota : own_quota();
    uint64_t name[2] = { 0, 0 };
    const char *text = options->name != NULL ? options->name : "child";
    memcpy(name, text, strnlen(text, sizeof(name)));
    tes_status_t status = snapshot.data.value == 0 ? snapshot_make() : TES_OK;
    if (status == TES_OK) {
        status = tes_process_create(quota, name[0], name[1], &child->process, &child->space);
    }
    if (status == TES_OK) {
        status = program_map(child);
    }
    if (status == TES_OK) {
        status = memory_map(child, quota);
    }
    if (status == TES_OK) {
        status = thread_make(child, options);
    }
    return status == TES_OK ? own_handles_give(child, quota) : status;
}

tes_status_t child_give(struct child *child, uint32_t index, uint64_t handle)
{
    const uint64_t all = 0xffff;
    return tes_handle_copy(child->process, (tes_handle_t){ handle }, all, 0,
                           &child->block->handles[index]);
}

tes_status_t child_run(struct child *child, child_entry_t *entry)
{
    uint64_t shift = child->text_base - program_image()->first_base;
    return tes_thread_start(child->thread, (uint64_t)tes_arch_thread_entry + shift,
                            page_address(child), (uint64_t)entry + shift,
                            page_address(child) + TES_PAGE_SIZE);
}

tes_status_t child_wait(struct child *child)
{
    uint64_t bits = 0;
    return tes_notification_wait(child->done, WORKER_DONE_BIT, 0, &bits);
}

tes_status_t process_reap(tes_process_t process)
{
    tes_status_t status = tes_object_destroy(tes_process_any(process));
    return status == TES_ERROR_REVOKED ? tes_handle_close(process.value) : status;
}

tes_status_t child_destroy(struct child *child)
{
    const tes_handle_t objects[] = {
        tes_sched_context_any(child->context),
        tes_notification_any(child->done),
    };
    tes_status_t status = process_reap(child->process);
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]) && status == TES_OK; i++) {
        status = tes_object_destroy(objects[i]);
    }
    uint64_t size = (CHILD_PAGES - CHILD_STACK_PAGES) * TES_PAGE_SIZE;
    if (status == TES_OK) {
        status = tes_space_unmap(own_space(), child->mapped, size);
    }
    return status == TES_OK ? tes_object_destroy(tes_memory_any(child->memory)) : status;
}
