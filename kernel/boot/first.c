// SPDX-License-Identifier: MIT OR Apache-2.0
// The first component: a flat image inside the boot image (abi/image.h). Its process gets the
// machine: the root Quota, all Resources, the boot image (abi/startup.h). Everything the header
// says is checked before it is used.
#include "boot_internal.h"

#include <abi/image.h>
#include <abi/startup.h>
#include <arch/machine.h>
#include <arch/mmu.h>
#include <kernel/boot.h>
#include <kernel/frame.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/process.h>
#include <kernel/quota.h>
#include <kernel/sched.h>
#include <rt/checked.h>
#include <rt/crc32.h>
#include <rt/string.h>

#define FIRST_STACK_SIZE    (16 * PAGE_SIZE)
#define FIRST_STACK_TOP     0x0000700000000000ull
#define FIRST_IMAGE_ADDRESS 0x0000600000000000ull
#define FIRST_PRIORITY      40u
#define FIRST_QUANTUM_NS    10000000ull

struct first {
    struct process *process;
    struct memory *image;
    struct memory *data;
    struct thread *thread;
    struct sched_context *context;
};

// Everything at boot either works or there is no system: say what failed.
static void must(tes_status_t status, const char *what)
{
    if (status != TES_OK) {
        panic("boot: %s: error %d", what, status);
    }
}

static void check_field(bool is_good, const char *field, uint64_t value)
{
    if (!is_good) {
        panic("boot image: header field %s is wrong: 0x%lx (image of %lu bytes)", field, value,
              boot_info.image_size);
    }
}

static uint32_t header_checksum(const struct tes_image_header *header)
{
    struct tes_image_header copy = *header;
    copy.header_checksum = 0;
    uint32_t sum = rt_crc32(0, &copy, sizeof(copy));
    return rt_crc32(sum, header + 1, header->file_count * sizeof(struct tes_image_file));
}

static bool is_inside(uint64_t offset, uint64_t size, uint64_t limit)
{
    uint64_t end = 0;
    return is_page_aligned(offset) && is_page_aligned(size) && checked_add(offset, size, &end) &&
           end <= limit;
}

static const struct tes_image_header *check_image(void)
{
    if (boot_info.image_size < sizeof(struct tes_image_header)) {
        panic("boot image: missing or too short: %lu bytes, the header has %lu",
              boot_info.image_size, sizeof(struct tes_image_header));
    }
    const struct tes_image_header *header = frame_address(boot_info.image_base);
    check_field(header->magic == TES_IMAGE_MAGIC, "magic", header->magic);
    check_field(header->version == TES_IMAGE_VERSION, "version", header->version);
    check_field(header->size <= boot_info.image_size && is_page_aligned(header->size), "size",
                header->size);
    uint64_t table_size =
        sizeof(*header) + (uint64_t)header->file_count * sizeof(struct tes_image_file);
    check_field(header->file_count <= TES_IMAGE_FILES_MAX && table_size <= header->size,
                "file_count", header->file_count);
    check_field(header_checksum(header) == header->header_checksum, "header_checksum",
                header->header_checksum);
    uint64_t flat_size = header->first_text_size + header->first_data_size;
    check_field(header->first_text_size != 0 && header->first_text_size <= header->size &&
                    header->first_data_size <= header->size,
                "first_text_size", header->first_text_size);
    check_field(is_inside(header->first_offset, flat_size, header->size), "first_offset",
                header->first_offset);
    check_field(is_page_aligned(header->first_text_size), "first_text_size",
                header->first_text_size);
    check_field(header->first_entry < header->first_text_size, "first_entry", header->first_entry);
    check_field(is_page_aligned(header->first_base) && header->first_base >= TES_USER_BASE &&
                    header->first_base < FIRST_IMAGE_ADDRESS,
                "first_base", header->first_base);
    check_field(is_page_aligned(header->first_zero_size) &&
                    header->first_zero_size < FIRST_IMAGE_ADDRESS,
                "first_zero_size", header->first_zero_size);
    return header;
}

static void map(const struct first *first, struct memory *memory, uint64_t offset, uint64_t address,
                uint64_t size, uint32_t access)
{
    if (size != 0) {
        must(space_map_memory(first->process->space, memory, offset, address, size, access),
             "map first component");
    }
}

static void map_program(struct first *first, const struct tes_image_header *header)
{
    uint64_t data_address = header->first_base + header->first_text_size;
    uint64_t data_size = header->first_data_size + header->first_zero_size;
    map(first, first->image, header->first_offset, header->first_base, header->first_text_size,
        REGION_READ | REGION_EXECUTE);
    if (data_size != 0) {
        must(memory_create_anonymous(quota_root(), data_size / PAGE_SIZE, &first->data),
             "data of first component");
        map(first, first->data, 0, data_address, data_size, REGION_READ | REGION_WRITE);
        const char *from = (const char *)header + header->first_offset + header->first_text_size;
        must(copy_out(first->process->space, uaddr_make(data_address), from,
                      header->first_data_size),
             "copy data of first component");
    }
    struct memory *stack = NULL;
    must(memory_create_anonymous(quota_root(), FIRST_STACK_SIZE / PAGE_SIZE, &stack),
         "stack of first component");
    map(first, stack, 0, FIRST_STACK_TOP - FIRST_STACK_SIZE, FIRST_STACK_SIZE,
        REGION_READ | REGION_WRITE);
    map(first, first->image, 0, FIRST_IMAGE_ADDRESS, header->size, REGION_READ);
}

static void give(const struct first *first, struct object *object, uint64_t expected)
{
    uint64_t value = 0;
    must(handle_install_new(first->process, object, &value), "handle of first component");
    ASSERT(value == expected);
}

static void give_resource(const struct first *first, enum tes_resource_kind kind, uint64_t size,
                          uint64_t expected)
{
    struct resource *resource = NULL;
    must(resource_create(quota_root(), kind, 0, size, &resource), "resource");
    give(first, &resource->object, expected);
}

static void give_handles(struct first *first)
{
    give(first, &first->process->object, TES_STARTUP_PROCESS);
    give(first, &first->process->space->object, TES_STARTUP_SPACE);
    give(first, &first->thread->object, TES_STARTUP_THREAD);
    give(first, &quota_root()->object, TES_STARTUP_QUOTA);
    give(first, &first->context->object, TES_STARTUP_CONTEXT);
    give_resource(first, TES_RESOURCE_MACHINE, 1, TES_STARTUP_MACHINE);
    give_resource(first, TES_RESOURCE_PORTS, 0x10000, TES_STARTUP_PORTS);
    give_resource(first, TES_RESOURCE_IO_MEMORY, UINT64_MAX, TES_STARTUP_IO_MEMORY);
    give_resource(first, TES_RESOURCE_IRQS, machine_irq_count(), TES_STARTUP_IRQS);
    give(first, &first->image->object, TES_STARTUP_IMAGE);
}

void first_component_start(void)
{
    struct first first = { 0 };
    const struct tes_image_header *header = check_image();
    static const char name[sizeof(first.process->name)] = "init";
    must(process_create(quota_root(), name, &first.process), "first process");
    first.process->is_first = 1;
    must(memory_create_image(quota_root(), boot_info.image_base, header->size / PAGE_SIZE,
                             &first.image),
         "boot image");
    map_program(&first, header);
    const struct sched_parameters parameters = { .budget_ns = FIRST_QUANTUM_NS,
                                                 .core_mask = UINT64_MAX,
                                                 .priority = FIRST_PRIORITY };
    must(context_create(quota_root(), &parameters, &first.context), "context");
    must(thread_create(first.process, first.context, &first.thread), "first thread");
    give_handles(&first);
    must(thread_start(first.thread, header->first_base + header->first_entry, FIRST_STACK_TOP,
                      FIRST_IMAGE_ADDRESS, header->size),
         "start first thread");
}
