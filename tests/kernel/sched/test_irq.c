// SPDX-License-Identifier: MIT OR Apache-2.0
// Interrupt sources and I/O spaces.
#include "fake.h"

#include <kernel/irq.h>
#include <string.h>

void test_irq(void)
{
    struct resource resource = { .base = 2, .size = 10, .kind = TES_RESOURCE_IRQS };
    struct session session = { .epoch = 5 };
    struct notification *notification = fake_notification();
    const struct handle_view from = { .object = &resource.object };
    const struct handle_view to = { .object = &notification->object,
                                    .session = &session,
                                    .epoch = 5 };
    uint64_t value = 0;
    struct thread *driver = fake_simple_thread(10);
    CHECK(fake_leave() == driver);
    CHECK(sys_irq_create(&from, 1, &to, 4, 0, &value) == TES_ERROR_OUT_OF_RANGE);
    CHECK(sys_irq_create(&from, 12, &to, 4, 0, &value) == TES_ERROR_OUT_OF_RANGE);
    CHECK(sys_irq_create(&from, 4, &to, 0, 0, &value) == TES_ERROR_INVALID);
    CHECK(sys_irq_create(&from, 4, &to, 4, 0, &value) == TES_OK && fake.irq_enabled == 16 &&
          fake.irq_masked == 0);
    struct irq *irq = (struct irq *)(uintptr_t)value;
    CHECK(sys_irq_create(&from, 4, &to, 4, 0, &value) == TES_ERROR_BUSY && fake.irq_enabled == 16);
    CHECK(fake_wait(notification, 4) == TES_ERROR_BLOCKED && fake_leave() == NULL);
    irq_deliver(4);
    CHECK(fake_leave() == driver && driver->frame.results[0] == 4 && fake.irq_masked == 16);
    const struct handle_view view = { .object = &irq->object };
    CHECK(sys_irq_acknowledge(&view) == TES_OK && fake.irq_masked == 0);
    struct tes_info_irq info = { 0 };
    CHECK(irq_info_at(0, &info) && info.number == 4 && info.count == 1 && !irq_info_at(1, &info));
    session.epoch = 0; // revoked: bits go nowhere, the source stays masked
    irq_deliver(4);
    irq_deliver(300);
    CHECK(notification->bits == 0 && fake.irq_masked == 16);
    CHECK(fake_destroy(&irq->object) == TES_OK && fake.irq_enabled == 0 && !irq_info_at(0, &info));
    irq_deliver(4);
}

static struct iospace *make_iospace(void)
{
    struct object *object = NULL;
    CHECK(object_create(&fake_quota, TES_TYPE_IO_SPACE, &object) == TES_OK);
    struct iospace *iospace = container_of(object, struct iospace, object);
    list_init(&iospace->windows);
    list_init(&iospace->quarantine);
    return iospace;
}

void test_iospace(void)
{
    static struct memory memory = { .size_pages = 400 };
    struct session session = { .epoch = 9 };
    struct iospace *iospace = make_iospace();
    const struct handle_view to = { .object = &iospace->object };
    const struct handle_view from = { .object = &memory.object, .session = &session, .epoch = 9 };
    const struct handle_view none = { 0 };
    const uint64_t page = PAGE_SIZE;
    const struct thread *driver = fake_simple_thread(10);
    CHECK(fake_leave() == driver);
    CHECK(sys_iospace_map(&to, 3, &from, 0, page, 0) == TES_ERROR_INVALID);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &none, 0, page, 0) == TES_ERROR_INVALID);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, 8, page, 0) == TES_ERROR_INVALID);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, 300 * page, 101 * page, 0) ==
          TES_ERROR_OUT_OF_RANGE);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_UNMAP, &from, 0, page, 0) == TES_ERROR_NOT_FOUND);
    // In three pieces, stopped after each: the same call again goes on.
    fake.preempts = true;
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, page, 300 * page, 0) ==
          TES_ERROR_RESTART);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, page, 300 * page, 0) ==
          TES_ERROR_RESTART);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, page, 300 * page, 0) == TES_OK);
    CHECK(fake.pins == 300 && fake.pages_charged == 300 && fake.objects_charged == 3);
    bool are_right = true;
    for (uint64_t index = 0; index < 300; index++) {
        are_right = are_right && fake.copied[index] == (index + 1) * page;
    }
    CHECK(are_right);
    // A failure takes back what this call made, nothing else.
    fake.preempts = false;
    fake.fail_pins_after = 350;
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, 0, 400 * page, 0) ==
          TES_ERROR_NO_MEMORY);
    CHECK(fake.pins == 300 && fake.pages_charged == 300 && fake.objects_charged == 3);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_RELEASE, &none, 0, 0, 0) == TES_ERROR_BUSY);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_UNMAP, &from, page, 112 * page, 0) == TES_OK &&
          fake.pins == 188);
    session.epoch = 0; // the driver is dead: quarantine until the device was reset
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_UNMAP, &from, page, 300 * page, 0) ==
          TES_ERROR_NOT_FOUND);
    CHECK(fake.pins == 188);
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_RELEASE, &none, 0, 0, 0) == TES_OK);
    CHECK(fake.pins == 0 && fake.pages_charged == 0 && fake.objects_charged == 0);
    // Destroyed with a window: its frames are withheld, its charges come back.
    session.epoch = 9;
    fake.fail_pins_after = 0;
    CHECK(sys_iospace_map(&to, TES_IOSPACE_MAP_MAP, &from, 0, 10 * page, 0) == TES_OK);
    CHECK(fake_destroy(&iospace->object) == TES_OK);
    CHECK(fake.pins == 10 && fake.pages_charged == 0 && fake.objects_charged == 0);
}
