// SPDX-License-Identifier: MIT OR Apache-2.0
// Pager-backed memory: a fault asks the pager, which supplies pages or says that there are none.
#include "test.h"

#define PAGES       4u
#define SIZE        (PAGES * PAGE)
#define PAGER_BADGE 33u

struct reader {
    uint64_t address;
    uint64_t value;
};

static void reading_main(struct worker *self)
{
    struct reader *reader = self->argument;
    reader->value = *(volatile uint64_t *)reader->address;
    self->result = 1;
}

struct paged {
    tes_endpoint_t pager;
    tes_memory_t memory;
    uint64_t address;
};

static struct paged paged_make(void)
{
    struct paged paged = { .pager = test_endpoint() };
    OK(tes_memory_create(test.quota, SIZE, TES_MEMORY_CREATE_PAGER, paged.pager, PAGER_BADGE,
                         &paged.memory));
    paged.address = test_map(paged.memory, SIZE, READ_WRITE);
    return paged;
}

static void paged_end(const struct paged *paged)
{
    test_unmap(paged->address, SIZE);
    test_destroy(tes_memory_any(paged->memory));
    test_destroy(tes_endpoint_any(paged->pager));
}

static tes_memory_t source_make(uint64_t value)
{
    const tes_memory_t source = test_memory(PAGE);
    const uint64_t address = test_map(source, PAGE, READ_WRITE);
    *(uint64_t *)address = value;
    test_unmap(address, PAGE);
    return source;
}

static void a_pager_supplies_the_page_that_is_asked_for(void)
{
    struct paged paged = paged_make();
    struct reader reader = { .address = paged.address + 2 * PAGE };
    struct worker worker;
    struct tes_message message = { 0 };
    test_worker(&worker, reading_main, &reader);
    OK(message_receive(paged.pager, &message));
    CHECK_EQUAL(kind_of(message.label), TES_MESSAGE_PAGE);
    CHECK_EQUAL(message.words[0], PAGER_BADGE);
    CHECK_EQUAL(message.words[1], 2);
    CHECK(message.words[2] >= 1);
    const tes_memory_t source = source_make(0x5eed);
    EXPECT(MEMORY_SUPPLY, OUT_OF_RANGE, tes_memory_supply(paged.memory, SIZE, source, 0, PAGE, 0));
    EXPECT(MEMORY_SUPPLY, INVALID, tes_memory_supply(paged.memory, 1, source, 0, PAGE, 0));
    OK(tes_memory_supply(paged.memory, 2 * PAGE, source, 0, PAGE, 0));
    message.label = 0;
    (void)!message_reply((tes_reply_t){ 0 }, &message); // the supply may have woken the reader
    test_join(&worker);
    CHECK_EQUAL(reader.value, 0x5eed);
    test_destroy(tes_memory_any(source));
    paged_end(&paged);
}

static void supplied_pages_are_charged_to_the_memory(void)
{
    tes_quota_t small = { 0 };
    tes_memory_t memory = { 0 };
    const tes_endpoint_t pager = test_endpoint();
    const tes_memory_t source = test_memory(SIZE);
    OK(tes_memory_control(source, TES_MEMORY_CONTROL_COMMIT, 0, SIZE));
    OK(tes_quota_create(test.quota, 8, 8, 8, 0, &small));
    OK(tes_memory_create(small, SIZE, TES_MEMORY_CREATE_PAGER, pager, 0, &memory));
    struct tes_info_quota info = test_quota_info(small);
    OK(tes_quota_adjust(small, info.pages_used, 8, 8));
    EXPECT(MEMORY_SUPPLY, NO_MEMORY, tes_memory_supply(memory, 0, source, 0, SIZE, 0));
    test_destroy(tes_quota_any(small));
    test_destroy(tes_memory_any(source));
    test_destroy(tes_endpoint_any(pager));
    OK(tes_handle_close(memory.value));
}

static const struct test_case pager_tests[] = {
    { "a pager supplies the page that is asked for", a_pager_supplies_the_page_that_is_asked_for,
      TEST_PATHS },
    { "supplied pages are charged to the Memory", supplied_pages_are_charged_to_the_memory, 0 },
};
const struct test_group pager_group = TEST_GROUP(pager);
