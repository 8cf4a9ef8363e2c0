// SPDX-License-Identifier: MIT OR Apache-2.0
// Resources, interrupts, I/O memory, I/O Spaces, and what object_info tells.
#include "test.h"

#define CMOS_INDEX 0x70u
#define CMOS_DATA  0x71u
#define IRQ_FREE   9u
#define HIGH_BASE  0xfd000000ull // behind all RAM of the test machines, and no device of the kernel
#define LINE_MAX   240u

static tes_resource_t ports(void)
{
    return (tes_resource_t){ TES_STARTUP_PORTS };
}

static tes_resource_t irqs(void)
{
    return (tes_resource_t){ TES_STARTUP_IRQS };
}

static void ports_are_read_and_written_in_range_only(void)
{
    uint64_t value = 0;
    uint64_t narrow = 0;
    OK(tes_resource_control(ports(), TES_RESOURCE_CONTROL_PORT_WRITE, CMOS_INDEX, 1, 0, &value));
    OK(tes_resource_control(ports(), TES_RESOURCE_CONTROL_PORT_READ, CMOS_DATA, 1, 0, &value));
    CHECK(value <= UINT8_MAX);
    OK(tes_resource_control(ports(), TES_RESOURCE_CONTROL_DERIVE, CMOS_INDEX, 1, 0, &narrow));
    EXPECT(RESOURCE_CONTROL, OUT_OF_RANGE,
           tes_resource_control((tes_resource_t){ narrow }, TES_RESOURCE_CONTROL_PORT_READ,
                                CMOS_DATA, 1, 0, &value));
    EXPECT(RESOURCE_CONTROL, OUT_OF_RANGE,
           tes_resource_control((tes_resource_t){ narrow }, TES_RESOURCE_CONTROL_PORT_READ,
                                CMOS_INDEX, 2, 0, &value));
    EXPECT(RESOURCE_CONTROL, OUT_OF_RANGE,
           tes_resource_control((tes_resource_t){ narrow }, TES_RESOURCE_CONTROL_DERIVE, CMOS_INDEX,
                                2, 0, &value));
    EXPECT(RESOURCE_CONTROL, INVALID,
           tes_resource_control(ports(), TES_RESOURCE_CONTROL_PORT_READ, CMOS_DATA, 3, 0, &value));
    EXPECT(RESOURCE_CONTROL, INVALID,
           tes_resource_control(irqs(), TES_RESOURCE_CONTROL_PORT_READ, CMOS_DATA, 1, 0, &value));
    EXPECT(RESOURCE_CONTROL, INVALID, tes_resource_control(ports(), 0, 0, 1, 0, &value));
    EXPECT(RESOURCE_CONTROL, INVALID, tes_resource_control(ports(), 3, 0, 1, 0, &value));
    OK(tes_object_destroy(any(narrow)));
}

static void lines_are_written_to_the_log(void)
{
    static const char line[] = "a line of the test";
    uint64_t result = 0;
    char text[512] = "";
    uint64_t before = log_end();
    OK(tes_resource_control(own_machine(), TES_RESOURCE_CONTROL_LOG_WRITE, (uint64_t)line,
                            sizeof(line) - 1, 0, &result));
    uint64_t count = log_read(before, text, sizeof(text) - 1);
    CHECK(count >= sizeof(line) - 1);
    bool is_there = false;
    for (uint64_t i = 0; i + sizeof(line) - 1 <= count; i++) {
        is_there = is_there || memcmp(text + i, line, sizeof(line) - 1) == 0;
    }
    CHECK(is_there);
    EXPECT(
        RESOURCE_CONTROL, BAD_ADDRESS,
        tes_resource_control(own_machine(), TES_RESOURCE_CONTROL_LOG_WRITE, 0x1000, 5, 0, &result));
    EXPECT(RESOURCE_CONTROL, INVALID,
           tes_resource_control(own_machine(), TES_RESOURCE_CONTROL_LOG_WRITE, (uint64_t)text,
                                LINE_MAX + 1, 0, &result));
}

static void weak_resources_make_nothing(void)
{
    uint64_t result = 0;
    const tes_handle_t machine = tes_resource_any(own_machine());
    tes_handle_t weak = test_derive(machine, TES_RIGHT_RESOURCE_USE);
    EXPECT(RESOURCE_CONTROL, NO_RIGHT,
           tes_resource_control((tes_resource_t){ weak.value }, TES_RESOURCE_CONTROL_DERIVE, 0, 0,
                                0, &result));
    EXPECT(RESOURCE_CONTROL, NO_RIGHT,
           tes_resource_control((tes_resource_t){ weak.value }, TES_RESOURCE_CONTROL_IOSPACE, 0, 0,
                                0, &result));
    OK(tes_handle_close(weak.value));
}

static void an_interrupt_source_is_bound_once(void)
{
    const tes_notification_t n = test_notification();
    tes_irq_t irq = { 0 };
    tes_irq_t second = { 0 };
    EXPECT(IRQ_CREATE, OUT_OF_RANGE, tes_irq_create(irqs(), 1u << 20, n, 1, 0, &irq));
    EXPECT(IRQ_CREATE, OUT_OF_RANGE, tes_irq_create(ports(), IRQ_FREE, n, 1, 0, &irq));
    EXPECT(IRQ_CREATE, INVALID, tes_irq_create(irqs(), IRQ_FREE, n, 0, 0, &irq));
    OK(tes_irq_create(irqs(), IRQ_FREE, n, 1, 0, &irq));
    EXPECT(IRQ_CREATE, BUSY, tes_irq_create(irqs(), IRQ_FREE, n, 1, 0, &second));
    OK(tes_irq_acknowledge(irq));
    test_destroy(tes_irq_any(irq));
    test_destroy(tes_notification_any(n));
}

static void device_memory_is_in_range_and_not_ram(void)
{
    const tes_resource_t io = { TES_STARTUP_IO_MEMORY };
    tes_memory_t memory = { 0 };
    tes_memory_t clone = { 0 };
    EXPECT(MEMORY_DEVICE, INVALID,
           tes_memory_device(io, test.quota, HIGH_BASE + 1, PAGE, 0, &memory));
    EXPECT(MEMORY_DEVICE, INVALID, tes_memory_device(io, test.quota, HIGH_BASE, 0, 0, &memory));
    EXPECT(MEMORY_DEVICE, OUT_OF_RANGE,
           tes_memory_device(io, test.quota, 0x100000, PAGE, 0, &memory)); // RAM
    EXPECT(MEMORY_DEVICE, OUT_OF_RANGE,
           tes_memory_device(ports(), test.quota, HIGH_BASE, PAGE, 0, &memory));
    OK(tes_memory_device(io, test.quota, HIGH_BASE, PAGE, 0, &memory));
    EXPECT(MEMORY_CLONE, INVALID, tes_memory_clone(memory, test.quota, 0, PAGE, &clone));
    const uint64_t address = test_map(memory, PAGE, TES_SPACE_MAP_READ);
    CHECK(*(volatile uint32_t *)address != 1); // reading it harms nothing
    test_unmap(address, PAGE);
    test_destroy(tes_memory_any(memory));
}

static void io_spaces_pin_pages(void)
{
    const tes_memory_t memory = test_memory(4 * PAGE);
    uint64_t value = 0;
    uint64_t addresses[4] = { 0 };
    OK(tes_resource_control(own_machine(), TES_RESOURCE_CONTROL_IOSPACE, 0, 0, 0, &value));
    const tes_io_space_t space = { value };
    const tes_memory_t none = { 0 };
    const uint64_t list = (uint64_t)addresses;
    OK(tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 0, 4 * PAGE, list));
    CHECK(addresses[0] != 0 && addresses[0] % PAGE == 0 && addresses[0] != addresses[3]);
    EXPECT(IOSPACE_MAP, INVALID,
           tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 1, PAGE, list));
    EXPECT(IOSPACE_MAP, INVALID, tes_iospace_map(space, TES_IOSPACE_MAP_MAP, none, 0, PAGE, list));
    EXPECT(IOSPACE_MAP, INVALID, tes_iospace_map(space, 0, memory, 0, PAGE, list));
    EXPECT(IOSPACE_MAP, OUT_OF_RANGE,
           tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 4 * PAGE, PAGE, list));
    EXPECT(IOSPACE_MAP, BAD_ADDRESS,
           tes_iospace_map(space, TES_IOSPACE_MAP_MAP, memory, 0, PAGE, 0x1000));
    EXPECT(IOSPACE_MAP, BUSY, tes_iospace_map(space, TES_IOSPACE_MAP_RELEASE, none, 0, 0, 0));
    OK(tes_iospace_map(space, TES_IOSPACE_MAP_UNMAP, memory, 0, 4 * PAGE, 0));
    EXPECT(IOSPACE_MAP, NOT_FOUND,
           tes_iospace_map(space, TES_IOSPACE_MAP_UNMAP, memory, 0, 4 * PAGE, 0));
    OK(tes_iospace_map(space, TES_IOSPACE_MAP_RELEASE, none, 0, 0, 0));
    test_destroy(tes_io_space_any(space));
    test_destroy(tes_memory_any(memory));
}

static void information_is_refused_where_there_is_none(void)
{
    const tes_handle_t machine = tes_resource_any(own_machine());
    uint64_t written = 0;
    struct tes_info_machine info = { 0 };
    const uint64_t buffer = (uint64_t)&info;
    EXPECT(OBJECT_INFO, INVALID, tes_object_info(machine, 999, 0, buffer, sizeof(info), &written));
    EXPECT(OBJECT_INFO, INVALID,
           tes_object_info(machine, TES_INFO_MEMORY, 0, buffer, sizeof(info), &written));
    EXPECT(OBJECT_INFO, NOT_FOUND,
           tes_object_info(machine, TES_INFO_PROCESS_AT, 1u << 20, buffer, sizeof(info), &written));
    EXPECT(OBJECT_INFO, BAD_ADDRESS,
           tes_object_info(machine, TES_INFO_MACHINE, 0, 0x1000, sizeof(info), &written));
    EXPECT(OBJECT_INFO, BAD_ADDRESS,
           tes_object_info(machine, TES_INFO_MACHINE, 0, TES_USER_TOP, sizeof(info), &written));
    OK(tes_object_info(machine, TES_INFO_MACHINE, 0, buffer, sizeof(info), &written));
    CHECK(info.core_count >= 1 && info.pages_free < info.pages_total);
}

static const struct test_case device_tests[] = {
    { "ports are read and written in range only", ports_are_read_and_written_in_range_only, 0 },
    { "lines are written to the log", lines_are_written_to_the_log, 0 },
    { "weak Resources make nothing", weak_resources_make_nothing, 0 },
    { "an interrupt source is bound once", an_interrupt_source_is_bound_once, 0 },
    { "device memory is in range and not RAM", device_memory_is_in_range_and_not_ram, 0 },
    { "I/O Spaces pin pages", io_spaces_pin_pages, 0 },
    { "information is refused where there is none", information_is_refused_where_there_is_none, 0 },
};
const struct test_group device_group = TEST_GROUP(device);
