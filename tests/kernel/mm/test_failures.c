// SPDX-License-Identifier: MIT OR Apache-2.0
// One scenario that uses everything, again and again, with the next charge failing each time, until
// none fails. Whatever failed, the rest goes on, and in the end nothing is left.
#include "fake.h"

#define RW (REGION_READ | REGION_WRITE)

static void end(void *object)
{
    if (object != NULL) {
        fake_destroy(object);
    }
}

static void use(struct space *space, struct memory *memory)
{
    struct memory *clone = NULL;
    struct memory *committed = NULL;
    struct memory *contiguous = NULL;
    uint8_t byte = 0;
    (void)fake_map(space, memory, 0, 0x40000000, 20 * PAGE_SIZE, RW | TES_SPACE_MAP_POPULATE);
    (void)fake_map(space, memory, 0, 0x50000000, 20 * PAGE_SIZE, RW | TES_SPACE_MAP_PRIVATE);
    (void)user_write(space, 0x40001000, 1);
    (void)user_write(space, 0x50001000, 2);
    (void)user_read(space, 0x50013000, &byte);
    if (fake_clone_memory(memory, 0, 20 * PAGE_SIZE, &clone) != TES_OK) {
        clone = NULL;
    }
    (void)user_write(space, 0x40001000, 3);
    (void)fake_unmap(space, 0x50001000, PAGE_SIZE);
    (void)fake_protect(space, 0x40002000, 3 * PAGE_SIZE, REGION_READ);
    (void)fake_map(space, memory, 0, 0x50002000, 2 * PAGE_SIZE, RW | TES_SPACE_MAP_REPLACE);
    if (fake_create(9 * PAGE_SIZE, TES_MEMORY_CREATE_COMMIT, &committed) != TES_OK) {
        committed = NULL;
    }
    if (fake_create(5 * PAGE_SIZE, TES_MEMORY_CREATE_CONTIGUOUS, &contiguous) != TES_OK) {
        contiguous = NULL;
    }
    end(clone);
    end(committed);
    end(contiguous);
}

static void scenario(void)
{
    struct space *native = NULL;
    struct space *guest = NULL;
    struct space *clone = NULL;
    struct memory *memory = NULL;
    if (memory_create_anonymous(&fake.other_quota, 20, &memory) != TES_OK) {
        memory = NULL;
    }
    if (space_create_root(&fake.process, &fake.quota, false, &native) != TES_OK) {
        native = NULL;
    }
    fake.process.space = native;
    if (native != NULL && memory != NULL) {
        use(native, memory);
        if (space_create_root(&fake.process, &fake.quota, true, &guest) == TES_OK) {
            use(guest, memory);
            if (fake_clone_space(guest, &clone) != TES_OK) {
                clone = NULL;
            }
        } else {
            guest = NULL;
        }
    }
    end(memory);
    end(guest);
    end(clone);
    end(native);
    fake_settle();
}

void test_failures(void)
{
    uint64_t nth = 0;
    bool has_failed = true;
    while (has_failed) {
        fake.fail_charge = ++nth;
        scenario();
        has_failed = fake.fail_charge == 0;
        fake.fail_charge = 0;
        CHECK(fake.objects == 0 && fake.quota.pages_used == 0 && fake.quota.objects_used == 0);
        CHECK(fake.other_quota.pages_used == 0);
    }
    CHECK(nth > 60);
}
