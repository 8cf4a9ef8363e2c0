// SPDX-License-Identifier: MIT OR Apache-2.0
// Mappings of native Spaces: where, with what access, what is left when parts or their Memory go.
#include "test.h"

#define PAGES   8u
#define SIZE    (PAGES * PAGE)
#define ADDRESS 0x600800000000ull // free in the first component's Space

static tes_status_t map_at(tes_memory_t memory, uint64_t address, uint64_t size, uint64_t flags)
{
    uint64_t mapped = 0;
    return tes_space_map(own_space(), memory, 0, address, size, flags, &mapped);
}

static void wrong_mappings_are_refused(void)
{
    const tes_memory_t memory = test_memory(SIZE);
    const tes_memory_t none = { 0 };
    tes_handle_t weak = test_derive(tes_memory_any(memory), TES_RIGHT_MEMORY_READ);
    EXPECT(SPACE_MAP, INVALID, map_at(memory, 0, 0, READ_WRITE));
    EXPECT(SPACE_MAP, INVALID, map_at(memory, 0, 100, READ_WRITE));
    EXPECT(SPACE_MAP, INVALID, map_at(memory, ADDRESS + 1, PAGE, READ_WRITE));
    EXPECT(SPACE_MAP, INVALID, map_at(memory, 0, PAGE, 0));
    EXPECT(SPACE_MAP, INVALID, map_at(none, 0, PAGE, READ_WRITE));
    EXPECT(SPACE_MAP, INVALID, map_at(memory, 0, PAGE, TES_SPACE_MAP_RESERVE));
    EXPECT(SPACE_MAP, OUT_OF_RANGE, map_at(memory, 0, SIZE + PAGE, READ_WRITE));
    EXPECT(SPACE_MAP, OUT_OF_RANGE, map_at(memory, TES_USER_TOP, PAGE, READ_WRITE));
    EXPECT(SPACE_MAP, OUT_OF_RANGE, map_at(memory, 0 - SIZE, SIZE, READ_WRITE));
    EXPECT(SPACE_MAP, NO_RIGHT, map_at((tes_memory_t){ weak.value }, 0, PAGE, READ_WRITE));
    OK(map_at(memory, ADDRESS, SIZE, READ_WRITE));
    EXPECT(SPACE_MAP, OVERLAP, map_at(memory, ADDRESS + SIZE - PAGE, PAGE, READ_WRITE));
    OK(map_at(memory, ADDRESS, PAGE, READ_WRITE | TES_SPACE_MAP_REPLACE));
    test_unmap(ADDRESS, SIZE);
    OK(tes_handle_close(weak.value));
    test_destroy(tes_memory_any(memory));
}

static void parts_are_cut_out_of_a_mapping(void)
{
    const tes_memory_t memory = test_memory(SIZE);
    OK(map_at(memory, ADDRESS, SIZE, READ_WRITE));
    *(uint64_t *)(ADDRESS + 2 * PAGE) = 2;
    *(uint64_t *)(ADDRESS + 4 * PAGE) = 4;
    test_unmap(ADDRESS + 3 * PAGE, PAGE);
    CHECK_EQUAL(*(uint64_t *)(ADDRESS + 2 * PAGE), 2);
    CHECK_EQUAL(*(uint64_t *)(ADDRESS + 4 * PAGE), 4);
    EXPECT(SPACE_PROTECT, NOT_FOUND,
           tes_space_protect(own_space(), ADDRESS, SIZE, TES_SPACE_PROTECT_READ));
    OK(tes_space_protect(own_space(), ADDRESS, PAGE, TES_SPACE_PROTECT_READ));
    OK(tes_space_protect(own_space(), ADDRESS, PAGE,
                         TES_SPACE_PROTECT_READ | TES_SPACE_PROTECT_WRITE));
    test_unmap(ADDRESS, SIZE);
    EXPECT(SPACE_UNMAP, INVALID, tes_space_unmap(own_space(), ADDRESS, 0));
    EXPECT(SPACE_UNMAP, INVALID, tes_space_unmap(own_space(), ADDRESS + 1, PAGE));
    EXPECT(SPACE_UNMAP, OUT_OF_RANGE, tes_space_unmap(own_space(), TES_USER_TOP, PAGE));
    EXPECT(SPACE_PROTECT, INVALID, tes_space_protect(own_space(), ADDRESS, 0, 1));
    EXPECT(SPACE_PROTECT, INVALID, tes_space_protect(own_space(), ADDRESS, PAGE, 7));
    EXPECT(SPACE_PROTECT, OUT_OF_RANGE, tes_space_protect(own_space(), TES_USER_TOP, PAGE, 1));
    test_destroy(tes_memory_any(memory));
}

static void access_cannot_be_raised_above_the_handles(void)
{
    const tes_memory_t memory = test_memory(PAGE);
    tes_handle_t weak = test_derive(tes_memory_any(memory), TES_RIGHT_MEMORY_READ);
    OK(map_at((tes_memory_t){ weak.value }, ADDRESS, PAGE, TES_SPACE_MAP_READ));
    EXPECT(SPACE_PROTECT, NO_RIGHT,
           tes_space_protect(own_space(), ADDRESS, PAGE,
                             TES_SPACE_PROTECT_READ | TES_SPACE_PROTECT_WRITE));
    test_unmap(ADDRESS, PAGE);
    OK(tes_handle_close(weak.value));
    test_destroy(tes_memory_any(memory));
}

static void a_private_mapping_keeps_its_writes(void)
{
    const tes_memory_t memory = test_memory(PAGE);
    const uint64_t shared = test_map(memory, PAGE, READ_WRITE);
    *(uint64_t *)shared = 1;
    const uint64_t private = test_map(memory, PAGE, READ_WRITE | TES_SPACE_MAP_PRIVATE);
    CHECK_EQUAL(*(uint64_t *)private, 1);
    *(uint64_t *)private = 2;
    CHECK_EQUAL(*(uint64_t *)shared, 1);
    *(uint64_t *)shared = 3;
    CHECK_EQUAL(*(uint64_t *)private, 2);
    test_unmap(private, PAGE);
    test_unmap(shared, PAGE);
    test_destroy(tes_memory_any(memory));
}

static void revoked_memory_reads_as_zeros(void)
{
    const tes_memory_t memory = test_memory(2 * PAGE);
    const uint64_t address = test_map(memory, 2 * PAGE, READ_WRITE);
    *(uint64_t *)address = 1;
    test_destroy(tes_memory_any(memory));
    CHECK_EQUAL(*(uint64_t *)address, 0);
    *(uint64_t *)address = 5; // what this Space wrote there since
    CHECK_EQUAL(*(uint64_t *)address, 5);
    CHECK_EQUAL(*(uint64_t *)(address + PAGE), 0);
    test_unmap(address, 2 * PAGE);
}

static void a_revoked_session_takes_its_mappings(void)
{
    const tes_memory_t memory = test_memory(PAGE);
    tes_session_t session = { 0 };
    tes_handle_t derived = { 0 };
    OK(tes_session_create(tes_memory_any(memory), test.quota, 0, 0, &session));
    OK(tes_handle_derive(tes_memory_any(memory), ALL_RIGHTS, session, &derived));
    const uint64_t mine = test_map(memory, PAGE, READ_WRITE);
    const uint64_t theirs = test_map((tes_memory_t){ derived.value }, PAGE, READ_WRITE);
    *(uint64_t *)mine = 9;
    CHECK_EQUAL(*(uint64_t *)theirs, 9);
    OK(tes_handle_revoke(tes_session_any(session), 0));
    CHECK_EQUAL(*(uint64_t *)theirs, 0);
    CHECK_EQUAL(*(uint64_t *)mine, 9);
    test_unmap(mine, PAGE);
    test_unmap(theirs, PAGE);
    OK(tes_handle_close(derived.value));
    test_destroy(tes_session_any(session));
    test_destroy(tes_memory_any(memory));
}

static void a_reserved_range_is_not_chosen(void)
{
    uint64_t reserved = 0;
    const tes_memory_t memory = test_memory(PAGE);
    OK(tes_space_map(own_space(), (tes_memory_t){ 0 }, 0, 0, SIZE, TES_SPACE_MAP_RESERVE,
                     &reserved));
    EXPECT(SPACE_MAP, OVERLAP, map_at(memory, reserved, PAGE, READ_WRITE));
    OK(map_at(memory, reserved, PAGE, READ_WRITE | TES_SPACE_MAP_REPLACE));
    *(uint64_t *)reserved = 1;
    test_unmap(reserved, SIZE);
    test_destroy(tes_memory_any(memory));
}

// A Quota with pages but without objects, and the other way round, in a process of its own.
static void mappings_are_paid_by_the_spaces_quota(void)
{
    tes_quota_t small = { 0 };
    tes_process_t process = { 0 };
    tes_space_t space = { 0 };
    uint64_t mapped = 0;
    const tes_memory_t memory = test_memory(SIZE);
    OK(tes_quota_create(test.quota, 100, 100, 100, 0, &small));
    OK(tes_process_create(small, 0, 0, &process, &space));
    OK(tes_space_map(space, memory, 0, ADDRESS, SIZE, READ_WRITE, &mapped));
    struct tes_info_quota info = test_quota_info(small);
    OK(tes_quota_adjust(small, 100, info.objects_used, 100));
    EXPECT(SPACE_MAP, NO_OBJECTS,
           tes_space_map(space, memory, 0, ADDRESS + 2 * SIZE, PAGE, READ_WRITE, &mapped));
    EXPECT(SPACE_UNMAP, NO_OBJECTS, tes_space_unmap(space, ADDRESS + PAGE, PAGE));
    EXPECT(SPACE_PROTECT, NO_OBJECTS,
           tes_space_protect(space, ADDRESS + PAGE, PAGE, TES_SPACE_PROTECT_READ));
    OK(tes_quota_adjust(small, info.pages_used, 100, 100));
    EXPECT(SPACE_MAP, NO_MEMORY,
           tes_space_map(space, memory, 0, ADDRESS + (1ull << 40), PAGE,
                         READ_WRITE | TES_SPACE_MAP_POPULATE, &mapped));
    test_destroy(tes_process_any(process));
    test_destroy(tes_quota_any(small));
    test_destroy(tes_memory_any(memory));
}

static const struct test_case space_tests[] = {
    { "wrong mappings are refused", wrong_mappings_are_refused, 0 },
    { "parts are cut out of a mapping", parts_are_cut_out_of_a_mapping, 0 },
    { "access cannot be raised above the handle's", access_cannot_be_raised_above_the_handles, 0 },
    { "a private mapping keeps its writes", a_private_mapping_keeps_its_writes, 0 },
    { "revoked memory reads as zeros", revoked_memory_reads_as_zeros, 0 },
    { "a revoked Session takes its mappings", a_revoked_session_takes_its_mappings, 0 },
    { "a reserved range is not chosen", a_reserved_range_is_not_chosen, 0 },
    { "mappings are paid by the Space's Quota", mappings_are_paid_by_the_spaces_quota, 0 },
};
const struct test_group space_group = TEST_GROUP(space);
