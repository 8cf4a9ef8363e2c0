// SPDX-License-Identifier: MIT OR Apache-2.0
// Spaces against a model: for each page of a window in each Space what is mapped, with what access,
// and what it holds.
#include "fake.h"

#include <string.h>

#define WINDOW_PAGES 96u
#define WINDOW       0x7fe00000ull // crosses a table's end
#define SPACES       3u
#define MEMORIES     3u
#define MEMORY_PAGES 40u
#define RW           (REGION_READ | REGION_WRITE)

struct model_page {
    bool is_mapped, is_private, has_own;
    uint8_t access, own;
    uint32_t memory, memory_page; // memory MEMORIES: none
};

static struct {
    struct space *spaces[SPACES];
    struct model_page pages[SPACES][WINDOW_PAGES];
    struct memory *memories[MEMORIES];
    uint8_t contents[MEMORIES][MEMORY_PAGES];
    bool is_present[MEMORIES][MEMORY_PAGES];
} model;

static uint64_t address_of(uint64_t page)
{
    return WINDOW + page * PAGE_SIZE;
}

static void do_map(uint32_t s, uint64_t first, uint64_t count)
{
    uint32_t m = (uint32_t)fake_random(MEMORIES + 1);
    bool is_private = m == MEMORIES || fake_random(2) == 0;
    uint64_t offset = 0;
    if (m < MEMORIES) {
        count = count < MEMORY_PAGES ? count : MEMORY_PAGES;
        offset = fake_random(MEMORY_PAGES - count + 1);
    }
    uint8_t access = fake_random(3) == 0 ? REGION_READ : RW;
    bool is_used = false;
    for (uint64_t page = first; page < first + count; page++) {
        is_used = is_used || model.pages[s][page].is_mapped;
    }
    bool is_replace = fake_random(2) == 0;
    tes_status_t status = fake_map(model.spaces[s], m < MEMORIES ? model.memories[m] : NULL,
                                   offset * PAGE_SIZE, address_of(first), count * PAGE_SIZE,
                                   access | (is_private ? TES_SPACE_MAP_PRIVATE : 0u) |
                                       (is_replace ? TES_SPACE_MAP_REPLACE : 0u));
    CHECK(status == (is_used && !is_replace ? TES_ERROR_OVERLAP : TES_OK));
    for (uint64_t page = first; status == TES_OK && page < first + count; page++) {
        model.pages[s][page] =
            (struct model_page){ .is_mapped = true,
                                 .is_private = is_private,
                                 .access = access,
                                 .memory = m,
                                 .memory_page = (uint32_t)(offset + page - first) };
    }
}

static void do_unmap(uint32_t s, uint64_t first, uint64_t count)
{
    CHECK(fake_unmap(model.spaces[s], address_of(first), count * PAGE_SIZE) == TES_OK);
    memset(&model.pages[s][first], 0, count * sizeof(struct model_page));
}

static void do_protect(uint32_t s, uint64_t first, uint64_t count)
{
    const uint8_t accesses[] = { 0, REGION_READ, RW };
    uint8_t access = accesses[fake_random(3)];
    bool is_whole = true;
    for (uint64_t page = first; page < first + count; page++) {
        is_whole = is_whole && model.pages[s][page].is_mapped;
    }
    tes_status_t status =
        fake_protect(model.spaces[s], address_of(first), count * PAGE_SIZE, access);
    CHECK(status == (is_whole ? TES_OK : TES_ERROR_NOT_FOUND));
    for (uint64_t page = first; is_whole && page < first + count; page++) {
        model.pages[s][page].access = access;
    }
}

static void do_clone(uint32_t s)
{
    uint32_t to = (uint32_t)fake_random(SPACES);
    if (to != s) {
        fake_destroy(&model.spaces[to]->object);
        CHECK(fake_clone_space(model.spaces[s], &model.spaces[to]) == TES_OK);
        memcpy(model.pages[to], model.pages[s], sizeof(model.pages[s]));
    }
}

static void expect_value(const struct model_page *page, uint8_t *out_value)
{
    bool has_memory = page->memory < MEMORIES;
    *out_value = page->has_own ? page->own
                 : has_memory  ? model.contents[page->memory][page->memory_page]
                               : 0;
}

// What an access makes of the page.
static void touch(struct model_page *page, bool is_write, uint8_t value)
{
    bool is_shown = page->memory < MEMORIES && !page->has_own;
    bool *present = is_shown ? &model.is_present[page->memory][page->memory_page] : NULL;
    if (is_shown && !page->is_private) {
        *present = true;
        if (is_write) {
            model.contents[page->memory][page->memory_page] = value;
        }
    } else if (is_write || present == NULL || !*present) {
        uint8_t before = 0;
        expect_value(page, &before);
        page->own = is_write ? value : before;
        page->has_own = true;
    }
}

static void do_access(uint32_t s, uint64_t n, uint8_t value)
{
    struct model_page *page = &model.pages[s][n];
    uint8_t byte = 0;
    if (fake_random(2) == 0) {
        bool is_ok = user_write(model.spaces[s], address_of(n), value);
        CHECK(is_ok == (page->is_mapped && (page->access & REGION_WRITE) != 0));
        if (is_ok) {
            touch(page, true, value);
        }
    }
    bool is_ok = user_read(model.spaces[s], address_of(n), &byte);
    CHECK(is_ok == (page->is_mapped && page->access != 0));
    if (is_ok) {
        uint8_t expected = 0;
        expect_value(page, &expected);
        CHECK(byte == expected);
        touch(page, false, 0);
    }
}

static void check_all(void)
{
    for (uint32_t s = 0; s < SPACES; s++) {
        for (uint64_t n = 0; n < WINDOW_PAGES; n++) {
            struct model_page *page = &model.pages[s][n];
            uint8_t byte = 0;
            uint8_t expected = 0;
            bool is_ok = copy_in(model.spaces[s], &byte, uaddr_make(address_of(n)), 1) == TES_OK;
            CHECK(is_ok == (page->is_mapped && page->access != 0));
            expect_value(page, &expected);
            CHECK(!is_ok || byte == expected);
            if (is_ok) {
                touch(page, false, 0);
            }
        }
    }
}

static void do_discard(void)
{
    uint32_t m = (uint32_t)fake_random(MEMORIES);
    uint64_t page = fake_random(MEMORY_PAGES);
    uint64_t count = 1 + fake_random(MEMORY_PAGES - page);
    CHECK(fake_control(model.memories[m], TES_MEMORY_CONTROL_DISCARD, page * PAGE_SIZE,
                       count * PAGE_SIZE) == TES_OK);
    memset(&model.contents[m][page], 0, count);
    memset(&model.is_present[m][page], 0, count);
}

static void step(uint32_t n)
{
    uint32_t s = (uint32_t)fake_random(SPACES);
    uint64_t first = fake_random(WINDOW_PAGES);
    uint64_t most = WINDOW_PAGES - first;
    uint64_t count = 1 + fake_random(fake_random(3) == 0 ? most : (most < 8 ? most : 8));
    switch (fake_random(16)) {
    case 0:
    case 1:
        do_map(s, first, count);
        break;
    case 2:
        do_unmap(s, first, count);
        break;
    case 3:
        do_protect(s, first, count);
        break;
    case 4:
        if (fake_random(8) == 0) {
            do_clone(s);
        }
        break;
    case 5:
        if (fake_random(4) == 0) {
            do_discard();
        }
        break;
    default:
        do_access(s, first, (uint8_t)n);
        break;
    }
}

void test_spaces_random(void)
{
    struct space *personality = fake_space(false);
    fake.process.space = personality;
    fake.preempt_one_in = 3;
    memset(&model, 0, sizeof(model));
    for (uint32_t s = 0; s < SPACES; s++) {
        model.spaces[s] = fake_space(true);
    }
    for (uint32_t m = 0; m < MEMORIES; m++) {
        model.memories[m] = fake_memory(m == 0 ? &fake.other_quota : &fake.quota, MEMORY_PAGES);
    }
    for (uint32_t n = 0; n < 40000; n++) {
        step(n);
        if (n % 1000 == 0) {
            check_all();
        }
    }
    for (uint32_t m = 0; m < MEMORIES; m++) {
        fake_destroy(&model.memories[m]->object);
    }
    for (uint32_t s = 0; s < SPACES; s++) {
        fake_destroy(&model.spaces[s]->object);
    }
    fake_destroy(&personality->object);
}

void test_memory_clones(void)
{
    static uint8_t contents[4][200];
    struct memory *memories[4];
    struct space *space = fake_space(false);
    fake.preempt_one_in = 2;
    for (uint32_t m = 0; m < 4; m++) {
        memories[m] = fake_memory(&fake.quota, 200);
        memset(contents[m], 0, sizeof(contents[m]));
        CHECK(fake_map(space, memories[m], 0, 0x20000000 + m * 0x1000000, 200 * PAGE_SIZE, RW) ==
              TES_OK);
    }
    for (uint32_t n = 0; n < 8000; n++) {
        uint32_t m = (uint32_t)fake_random(4);
        uint32_t to = (uint32_t)fake_random(4);
        uint64_t page = fake_random(200);
        uint8_t byte = 0;
        fake.quota.flags = fake_random(2) == 0 ? TES_QUOTA_CREATE_OVERCOMMIT : 0;
        if (fake_random(100) == 0 && to != m) {
            fake_destroy(&memories[to]->object);
            CHECK(fake_clone_memory(memories[m], 0, 200 * PAGE_SIZE, &memories[to]) == TES_OK);
            memcpy(contents[to], contents[m], sizeof(contents[m]));
            CHECK(fake_map(space, memories[to], 0, 0x20000000 + to * 0x1000000, 200 * PAGE_SIZE,
                           RW | TES_SPACE_MAP_REPLACE) == TES_OK);
        } else if (fake_random(2) == 0) {
            CHECK(user_write(space, 0x20000000 + m * 0x1000000 + page * PAGE_SIZE, (uint8_t)n));
            contents[m][page] = (uint8_t)n;
        }
        CHECK(user_read(space, 0x20000000 + m * 0x1000000 + page * PAGE_SIZE, &byte) &&
              byte == contents[m][page]);
    }
    fake.quota.flags = 0;
    for (uint32_t m = 0; m < 4; m++) {
        fake_destroy(&memories[m]->object);
    }
    fake_destroy(&space->object);
}

void test_revocation(void)
{
    struct space *space = fake_space(false);
    struct memory *memory = fake_memory(&fake.other_quota, 100);
    uint8_t byte = 1;
    CHECK(fake_map(space, memory, 0, 0x40000000, 100 * PAGE_SIZE, RW) == TES_OK);
    CHECK(fake_map(space, memory, 0, 0x50000000, 10 * PAGE_SIZE,
                   REGION_READ | TES_SPACE_MAP_POPULATE) == TES_OK);
    CHECK(user_write(space, 0x40000000, 9) && user_read(space, 0x50000000, &byte) && byte == 9);
    fake.quota.pages_limit = fake.quota.pages_used; // all was paid when it was mapped
    struct session session = *memory->object.root;
    memory->object.root->epoch++;
    memory_handle_revoked(memory, memory->object.root);
    CHECK(list_is_empty(&memory->regions) && session.epoch != 0);
    for (uint64_t page = 0; page < 100; page++) {
        CHECK(user_read(space, 0x40000000 + page * PAGE_SIZE, &byte) && byte == 0);
        CHECK(user_write(space, 0x40000000 + page * PAGE_SIZE, 5));
    }
    CHECK(user_read(space, 0x40000000, &byte) && byte == 5);
    CHECK(user_read(space, 0x50000000, &byte) && byte == 0);
    fake.quota.pages_limit = 1u << 20;
    fake_destroy(&memory->object);

    struct memory *second = fake_memory(&fake.quota, 100);
    fake.process.space = space;
    struct space *guest = fake_space(true);
    guest->flags = TES_SPACE_CREATE_BUS_FAULTS;
    CHECK(fake_map(guest, second, 0, 0x40000000, 100 * PAGE_SIZE, RW) == TES_OK);
    CHECK(user_write(guest, 0x40000000, 9));
    fake_destroy(&second->object);
    CHECK(!user_read(guest, 0x40000000, &byte) && fake_fault_cause == TES_FAULT_BUS);
    CHECK(!user_read(guest, 0x30000000, &byte) && fake_fault_cause == TES_FAULT_PAGE);
    CHECK(user_read(space, TES_TIME_PAGE_ADDRESS, &byte) &&
          !user_write(space, TES_TIME_PAGE_ADDRESS, 1));
    fake_destroy(&guest->object);
    fake_destroy(&space->object);
}

void test_sealing(void)
{
    struct space *space = fake_space(false);
    struct memory *memory = fake_memory(&fake.quota, 300);
    uint8_t byte = 0;
    fake.preempt_one_in = 2;
    CHECK(fake_map(space, memory, 0, 0x40000000, 300 * PAGE_SIZE, RW) == TES_OK);
    CHECK(fake_map(space, memory, 0, 0x60000000, 300 * PAGE_SIZE, RW | REGION_EXECUTE) ==
          TES_ERROR_INVALID);
    CHECK(fake_map(space, memory, 0, 0x60000000, 300 * PAGE_SIZE, REGION_READ | REGION_EXECUTE) ==
          TES_ERROR_NO_RIGHT);
    for (uint64_t page = 0; page < 300; page++) {
        CHECK(user_write(space, 0x40000000 + page * PAGE_SIZE, (uint8_t)page));
    }
    CHECK(fake_control(memory, TES_MEMORY_CONTROL_SEAL, 0, PAGE_SIZE) == TES_ERROR_INVALID);
    CHECK(fake_control(memory, TES_MEMORY_CONTROL_SEAL, 0, 300 * PAGE_SIZE) == TES_OK);
    CHECK(fake_control(memory, TES_MEMORY_CONTROL_DISCARD, 0, PAGE_SIZE) == TES_ERROR_SEALED);
    for (uint64_t page = 0; page < 300; page++) {
        CHECK(!user_write(space, 0x40000000 + page * PAGE_SIZE, 1));
        CHECK(user_read(space, 0x40000000 + page * PAGE_SIZE, &byte) && byte == (uint8_t)page);
    }
    CHECK(fake_map(space, memory, 0, 0x60000000, 300 * PAGE_SIZE, RW) == TES_ERROR_SEALED);
    CHECK(fake_map(space, memory, 0, 0x60000000, 300 * PAGE_SIZE, REGION_READ | REGION_EXECUTE) ==
          TES_OK);
    CHECK(user_execute(space, 0x60000000) && !user_execute(space, 0x40000000));
    CHECK(fake_protect(space, 0x40000000, 300 * PAGE_SIZE, RW) == TES_ERROR_SEALED);
    CHECK(fake_map(space, memory, 0, 0x70000000, 300 * PAGE_SIZE, RW | TES_SPACE_MAP_PRIVATE) ==
          TES_OK);
    CHECK(user_write(space, 0x70000000, 77) && user_read(space, 0x60000000, &byte) && byte == 0);
    CHECK(fake_protect(space, 0x70000000, PAGE_SIZE, REGION_READ | REGION_EXECUTE) ==
          TES_ERROR_NO_RIGHT);
    fake_destroy(&memory->object);
    CHECK(!user_execute(space, 0x60000000));
    fake_destroy(&space->object);
}

void test_pager(void)
{
    struct space *space = fake_space(false);
    struct memory *memory = NULL;
    struct memory *source = fake_memory(&fake.quota, 50);
    uint8_t byte = 0;
    CHECK(fake_create(50 * PAGE_SIZE, TES_MEMORY_CREATE_PAGER, &memory) == TES_OK);
    CHECK(fake_map(space, memory, 0, 0x40000000, 50 * PAGE_SIZE, RW) == TES_OK);
    CHECK(fake_map(space, source, 0, 0x60000000, 50 * PAGE_SIZE, RW) == TES_OK);
    CHECK(user_write(space, 0x60000000, 3));
    CHECK(!user_read(space, 0x40005000, &byte) && fake.page_requests == 1);
    CHECK(copy_in(space, &byte, uaddr_make(0x40005000), 1) == TES_ERROR_BAD_ADDRESS);
    CHECK(fake_supply(memory, 5, source, 40) == TES_OK);
    CHECK(user_read(space, 0x40005000, &byte) && byte == 3);
    CHECK(user_read(space, 0x60000000, &byte) && byte == 0); // it moved
    CHECK(fake_supply(memory, 48, NULL, 2) == TES_OK);
    CHECK(!user_read(space, 0x40030000, &byte) && fake_fault_cause == TES_FAULT_BUS);
    CHECK(fake_supply(memory, 48, source, 2) == TES_OK && user_read(space, 0x40030000, &byte));
    CHECK(fake_supply(memory, 49, source, 2) == TES_ERROR_OUT_OF_RANGE);
    fake_destroy(&memory->object);
    fake_destroy(&source->object);
    fake_destroy(&space->object);
}

void test_pins(void)
{
    struct space *space = fake_space(false);
    struct memory *memory = fake_memory(&fake.quota, 10);
    struct memory *clone = NULL;
    struct memory *pinned = NULL;
    void *address = NULL;
    uint8_t byte = 0;
    CHECK(fake_map(space, memory, 0, 0x40000000, 10 * PAGE_SIZE, RW) == TES_OK);
    CHECK(memory_pin_user(space, 0x40000000, true, &pinned, &address) == TES_OK &&
          pinned == memory);
    CHECK(fake_clone_memory(memory, 0, 10 * PAGE_SIZE, &clone) == TES_OK);
    CHECK(user_write(space, 0x40000000, 42) && *(uint8_t *)address == 42); // still the same frame
    CHECK(fake_control(memory, TES_MEMORY_CONTROL_DISCARD, 0, PAGE_SIZE) == TES_OK);
    CHECK(user_read(space, 0x40000000, &byte) && byte == 0 && *(uint8_t *)address == 42);
    fake_destroy(&memory->object);
    fake_destroy(&clone->object);
    CHECK(*(uint8_t *)address == 42);
    memory_unpin(pinned, address);
    CHECK(memory_pin_user(space, 0x10000000, true, &pinned, &address) == TES_ERROR_BAD_ADDRESS);
    fake_destroy(&space->object);
}

void test_large(void)
{
    struct space *personality = fake_space(false);
    fake.process.space = personality;
    struct space *guest = fake_space(true);
    struct space *clone = NULL;
    const uint64_t tera = 1ull << 40;
    uint8_t byte = 0;
    fake.preempt_one_in = 2;
    CHECK(fake_map(guest, NULL, 0, tera, tera, RW | TES_SPACE_MAP_PRIVATE) == TES_OK);
    for (uint64_t n = 0; n < 2000; n++) {
        CHECK(user_write(guest, tera + n * 0x1ff01000, (uint8_t)n));
    }
    CHECK(fake_clone_space(guest, &clone) == TES_OK);
    for (uint64_t n = 0; n < 2000; n++) {
        CHECK(user_write(guest, tera + n * 0x1ff01000, 0));
        CHECK(user_read(clone, tera + n * 0x1ff01000, &byte) && byte == (uint8_t)n);
    }
    uint64_t tables = clone->table_pages;
    CHECK(fake_unmap(clone, tera + PAGE_SIZE, tera - 2 * PAGE_SIZE) == TES_OK);
    CHECK(clone->table_pages < tables && clone->table_pages <= 10);
    CHECK(user_read(clone, tera, &byte) && !user_read(clone, tera + 0x1ff01000, &byte));
    fake_destroy(&guest->object);
    fake_destroy(&clone->object);
    fake_destroy(&personality->object);
}

void test_shootdown(void)
{
    struct space *space = fake_space(false);
    uint64_t before[CORES_MAX];
    memcpy(before, fake.flushes, sizeof(before));
    cpu_count = 3;
    cpus[1]->arch.root = space->root;
    CHECK(fake_map(space, NULL, 0, 0x40000000, 100 * PAGE_SIZE,
                   RW | TES_SPACE_MAP_PRIVATE | TES_SPACE_MAP_POPULATE) == TES_OK);
    CHECK(fake.flushes[1] == before[1]); // new entries need none
    CHECK(fake_protect(space, 0x40000000, 2 * PAGE_SIZE, REGION_READ) == TES_OK);
    CHECK(fake.flushes[1] == before[1] + 2);
    CHECK(fake_unmap(space, 0x40000000, 60 * PAGE_SIZE) == TES_OK);
    CHECK(fake.flushes[1] <= before[1] + 5 && fake.flushes[2] == before[2]);
    space->has_guests = 1; // its upper half may be loaded anywhere
    CHECK(fake_unmap(space, 0x40000000, 100 * PAGE_SIZE) == TES_OK);
    CHECK(fake.flushes[2] > before[2]);
    cpus[1]->arch.root = 0;
    cpu_count = 1;
    fake_destroy(&space->object);
}
