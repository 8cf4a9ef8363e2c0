// SPDX-License-Identifier: MIT OR Apache-2.0
// Memory: zeros at first, clones that share until written, sealing, discarding, ranges.
#include "test.h"

#define PAGES 8u
#define SIZE  (PAGES * PAGE)

static uint64_t *words_of(uint64_t address, uint64_t page)
{
    return (uint64_t *)(address + page * PAGE);
}

static void write_pages(uint64_t address, uint64_t seed)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        *words_of(address, page) = seed + page;
    }
}

static void check_pages(uint64_t address, uint64_t seed)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK_EQUAL(*words_of(address, page), seed + page);
    }
}

static struct tes_info_memory info_of(tes_memory_t memory)
{
    struct tes_info_memory info = { 0 };
    uint64_t written = 0;
    OK(tes_object_info(tes_memory_any(memory), TES_INFO_MEMORY, 0, (uint64_t)&info, sizeof(info),
                       &written));
    return info;
}

static void fresh_memory_is_zero_and_charged_when_touched(void)
{
    const tes_memory_t memory = test_memory(SIZE);
    const uint64_t address = test_map(memory, SIZE, READ_WRITE);
    CHECK_EQUAL(info_of(memory).pages_present, 0);
    for (uint64_t i = 0; i < SIZE / sizeof(uint64_t); i++) {
        CHECK_EQUAL(((const uint64_t *)address)[i], 0);
    }
    write_pages(address, 1);
    CHECK_EQUAL(info_of(memory).pages_present, PAGES);
    OK(tes_memory_control(memory, TES_MEMORY_CONTROL_DISCARD, 0, SIZE));
    CHECK_EQUAL(info_of(memory).pages_present, 0);
    CHECK_EQUAL(*words_of(address, 3), 0); // back to zeros, through the same mapping
    test_unmap(address, SIZE);
    test_destroy(tes_memory_any(memory));
}

static void a_clone_and_its_origin_do_not_see_each_others_writes(void)
{
    const tes_memory_t memory = test_memory(SIZE);
    const uint64_t address = test_map(memory, SIZE, READ_WRITE);
    tes_memory_t clone = { 0 };
    write_pages(address, 100);
    OK(tes_memory_clone(memory, test.quota, 0, SIZE, &clone));
    const uint64_t other = test_map(clone, SIZE, READ_WRITE);
    check_pages(other, 100);
    write_pages(address, 200);
    check_pages(other, 100);
    write_pages(other, 300);
    check_pages(address, 200);
    test_unmap(other, SIZE);
    test_destroy(tes_memory_any(clone));
    check_pages(address, 200);
    test_unmap(address, SIZE);
    test_destroy(tes_memory_any(memory));
}

static void a_clone_outlives_its_origin(void)
{
    const tes_memory_t memory = test_memory(SIZE);
    const uint64_t address = test_map(memory, SIZE, READ_WRITE);
    tes_memory_t clones[2] = { { 0 } };
    write_pages(address, 7);
    OK(tes_memory_clone(memory, test.quota, 0, SIZE, &clones[0]));
    OK(tes_memory_clone(clones[0], test.quota, PAGE, SIZE - PAGE, &clones[1]));
    test_unmap(address, SIZE);
    test_destroy(tes_memory_any(memory));
    test_destroy(tes_memory_any(clones[0]));
    const uint64_t other = test_map(clones[1], SIZE - PAGE, READ_WRITE);
    CHECK_EQUAL(*words_of(other, 0), 8);
    CHECK_EQUAL(*words_of(other, PAGES - 2), 7 + PAGES - 1);
    test_unmap(other, SIZE - PAGE);
    test_destroy(tes_memory_any(clones[1]));
}

static void sealed_memory_is_never_written_again(void)
{
    const tes_memory_t memory = test_memory(SIZE);
    const uint64_t address = test_map(memory, SIZE, READ_WRITE);
    uint64_t mapped = 0;
    write_pages(address, 5);
    EXPECT(MEMORY_CONTROL, INVALID, tes_memory_control(memory, TES_MEMORY_CONTROL_SEAL, 0, PAGE));
    OK(tes_memory_control(memory, TES_MEMORY_CONTROL_SEAL, 0, SIZE));
    CHECK_EQUAL(info_of(memory).is_sealed, 1);
    EXPECT(SPACE_MAP, SEALED, tes_space_map(own_space(), memory, 0, 0, SIZE, READ_WRITE, &mapped));
    EXPECT(SPACE_PROTECT, SEALED, tes_space_protect(own_space(), address, SIZE, READ_WRITE));
    EXPECT(MEMORY_CONTROL, SEALED, tes_memory_control(memory, TES_MEMORY_CONTROL_DISCARD, 0, SIZE));
    check_pages(address, 5);
    test_unmap(address, SIZE);
    test_destroy(tes_memory_any(memory));
}

static void only_sealed_memory_is_executed(void)
{
    const tes_memory_t memory = test_memory(PAGE);
    uint64_t mapped = 0;
    const uint64_t execute = TES_SPACE_MAP_READ | TES_SPACE_MAP_EXECUTE;
    EXPECT(SPACE_MAP, NO_RIGHT, tes_space_map(own_space(), memory, 0, 0, PAGE, execute, &mapped));
    EXPECT(SPACE_MAP, INVALID,
           tes_space_map(own_space(), memory, 0, 0, PAGE, execute | TES_SPACE_MAP_WRITE, &mapped));
    uint64_t address = test_map(memory, PAGE, READ_WRITE);
    *(uint8_t *)address = 0xc3; // ret
    test_unmap(address, PAGE);
    OK(tes_memory_control(memory, TES_MEMORY_CONTROL_SEAL, 0, PAGE));
    address = test_map(memory, PAGE, execute);
    ((void (*)(void))address)();
    test_unmap(address, PAGE);
    test_destroy(tes_memory_any(memory));
}

static void wrong_sizes_and_ranges_are_refused(void)
{
    const tes_endpoint_t none = { 0 };
    const tes_memory_t memory = test_memory(SIZE);
    tes_memory_t made = { 0 };
    EXPECT(MEMORY_CREATE, INVALID, tes_memory_create(test.quota, 0, 0, none, 0, &made));
    EXPECT(MEMORY_CREATE, INVALID, tes_memory_create(test.quota, 100, 0, none, 0, &made));
    EXPECT(MEMORY_CREATE, INVALID, tes_memory_create(test.quota, 1ull << 48, 0, none, 0, &made));
    EXPECT(MEMORY_CREATE, INVALID,
           tes_memory_create(test.quota, PAGE, TES_MEMORY_CREATE_PAGER, none, 0, &made));
    EXPECT(MEMORY_CLONE, OUT_OF_RANGE, tes_memory_clone(memory, test.quota, PAGE, SIZE, &made));
    EXPECT(MEMORY_CLONE, OUT_OF_RANGE,
           tes_memory_clone(memory, test.quota, 0 - PAGE, 2 * PAGE, &made));
    EXPECT(MEMORY_CLONE, INVALID, tes_memory_clone(memory, test.quota, 1, PAGE, &made));
    EXPECT(MEMORY_CONTROL, OUT_OF_RANGE,
           tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, SIZE, PAGE));
    EXPECT(MEMORY_CONTROL, INVALID, tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, 1, PAGE));
    EXPECT(MEMORY_CONTROL, INVALID, tes_memory_control(memory, 0, 0, PAGE));
    EXPECT(MEMORY_SUPPLY, INVALID,
           tes_memory_supply(memory, 0, (tes_memory_t){ 0 }, 0, PAGE, TES_MEMORY_SUPPLY_FAIL));
    test_destroy(tes_memory_any(memory));
}

static void commit_is_charged_or_refused_whole(void)
{
    tes_quota_t small = { 0 };
    tes_memory_t memory = { 0 };
    OK(tes_quota_create(test.quota, 8, 8, 8, 0, &small));
    OK(tes_memory_create(small, 64 * PAGE, 0, (tes_endpoint_t){ 0 }, 0, &memory));
    EXPECT(MEMORY_CONTROL, NO_MEMORY,
           tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, 0, 64 * PAGE));
    OK(tes_memory_control(memory, TES_MEMORY_CONTROL_COMMIT, 0, PAGE));
    test_destroy(tes_quota_any(small));
    OK(tes_handle_close(memory.value));
}

static void contiguous_memory_is_there_at_once(void)
{
    tes_memory_t memory = { 0 };
    OK(tes_memory_create(test.quota, SIZE, TES_MEMORY_CREATE_CONTIGUOUS, (tes_endpoint_t){ 0 }, 0,
                         &memory));
    CHECK_EQUAL(info_of(memory).pages_present, PAGES);
    const uint64_t address = test_map(memory, SIZE, READ_WRITE);
    CHECK_EQUAL(*words_of(address, PAGES - 1), 0);
    write_pages(address, 1);
    check_pages(address, 1);
    test_unmap(address, SIZE);
    test_destroy(tes_memory_any(memory));
}

static const struct test_case memory_tests[] = {
    { "fresh memory is zero, and charged when touched",
      fresh_memory_is_zero_and_charged_when_touched, 0 },
    { "a clone and its origin do not see each other's writes",
      a_clone_and_its_origin_do_not_see_each_others_writes, 0 },
    { "a clone outlives its origin", a_clone_outlives_its_origin, 0 },
    { "sealed memory is never written again", sealed_memory_is_never_written_again, 0 },
    { "only sealed memory is executed", only_sealed_memory_is_executed, 0 },
    { "wrong sizes and ranges are refused", wrong_sizes_and_ranges_are_refused, 0 },
    { "commit is charged or refused whole", commit_is_charged_or_refused_whole, 0 },
    { "contiguous memory is there at once", contiguous_memory_is_there_at_once, 0 },
};
const struct test_group memory_group = TEST_GROUP(memory);
