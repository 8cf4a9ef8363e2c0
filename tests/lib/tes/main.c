// SPDX-License-Identifier: MIT OR Apache-2.0
// The parts of lib/tes that need no kernel.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tes/heap.h>
#include <tes/log.h>
#include <tes/startup.h>
#include <tes/text.h>
#include <tes/time.h>
#include <testing/tap.h>

#include "test_elf.h"

static void elf_good(void)
{
    test_elf_good();
    CHECK(test_elf_failures() == 0);
}

static void elf_truncated(void)
{
    test_elf_truncated();
    CHECK(test_elf_failures() == 0);
}

static void elf_damaged(void)
{
    test_elf_damaged();
    CHECK(test_elf_failures() == 0);
}

#define BLOCKS 200u

static void test_heap(void)
{
    static struct {
        unsigned char *bytes;
        size_t size;
        unsigned char fill;
    } blocks[BLOCKS];
    srand(7);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned at = (unsigned)rand() % BLOCKS;
        size_t size = (size_t)rand() % (rand() % 20 == 0 ? 20000 : 700);
        for (size_t i = 0; i < blocks[at].size; i++) {
            CHECK(blocks[at].bytes[i] == blocks[at].fill);
        }
        tes_free(blocks[at].bytes);
        blocks[at].bytes = tes_alloc(size);
        blocks[at].size = size;
        blocks[at].fill = (unsigned char)round;
        CHECK(blocks[at].bytes != NULL && (uintptr_t)blocks[at].bytes % 16 == 0);
        for (size_t i = 0; i < size; i++) {
            CHECK(blocks[at].bytes[i] == 0);
        }
        memset(blocks[at].bytes, blocks[at].fill, size);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        tes_free(blocks[i].bytes);
    }
}

static void test_heap_resize(void)
{
    char *text = tes_string_dup("hello");
    for (size_t size = 6; size < 10000; size = size * 3 / 2) {
        text = tes_resize(text, size);
        CHECK(text != NULL && strcmp(text, "hello") == 0);
    }
    text = tes_resize(text, 6);
    CHECK(strcmp(text, "hello") == 0);
    tes_free(text);
    tes_free(NULL);
}

static void test_heap_limit(void)
{
    size_t used = tes_heap_used();
    tes_heap_limit(used + 65536);
    CHECK(tes_alloc(1 << 20) == NULL);
    CHECK(tes_alloc(SIZE_MAX) == NULL && tes_alloc(SIZE_MAX - 100) == NULL);
    void *fits = tes_alloc(40000);
    CHECK(fits != NULL && tes_alloc(40000) == NULL);
    tes_free(fits);
    CHECK(tes_heap_used() == used);
    tes_heap_limit((size_t)64 << 20);
}

static void test_startup(void)
{
    static struct tes_startup_block block;
    struct tes_startup_handle value = { .handle = 5 };
    tes_startup_begin(&block);
    CHECK(tes_startup_add_argument(&block, "a"));
    CHECK(tes_startup_add_environment(&block, "X=1") && !tes_startup_add_argument(&block, "b"));
    CHECK(!tes_startup_add_handle(&block, "a name that is far too long", &value));
    unsigned count = 0;
    while (tes_startup_add_handle(&block, "h", &value)) {
        count++;
    }
    CHECK(count == TES_STARTUP_HANDLES_MAX);
    while (tes_startup_add_environment(&block, "some longer text that fills the block")) {
    }
    CHECK(block.text_size <= sizeof(block.text));
    CHECK(block.argument_count + block.environment_count <= TES_STARTUP_STRINGS_MAX);
}

static void test_numbers(void)
{
    uint64_t value = 9;
    CHECK(tes_text_to_u64("0x1F", &value) && value == 31);
    CHECK(tes_text_to_u64("18446744073709551615", &value) && value == UINT64_MAX);
    CHECK(!tes_text_to_u64("18446744073709551616", &value) && !tes_text_to_u64("", &value));
    CHECK(!tes_text_to_u64("12a", &value) && !tes_text_to_u64("0x", &value));
    CHECK(!tes_text_to_u64("-1", &value) && value == UINT64_MAX);
}

static void test_dates(void)
{
    struct tes_date d = tes_date_from_seconds(0);
    CHECK(d.year == 1970 && d.month == 1 && d.day == 1 && d.weekday == 4);
    d = tes_date_from_seconds(951782400); // 2000-02-29
    CHECK(d.year == 2000 && d.month == 2 && d.day == 29 && d.weekday == 2);
    d = tes_date_from_seconds(1767225599); // 2025-12-31 23:59:59
    CHECK(d.year == 2025 && d.month == 12 && d.day == 31 && d.hour == 23 && d.second == 59);
    CHECK(strcmp(tes_status_text(0), "ok") == 0 && tes_status_text(-9999) != NULL);
}

int main(void)
{
    tap_test("a right ELF file", elf_good);
    tap_test("an ELF file cut off anywhere", elf_truncated);
    tap_test("an ELF file damaged anywhere", elf_damaged);
    tap_test("heap: random sizes", test_heap);
    tap_test("heap: resize", test_heap_resize);
    tap_test("heap: limit", test_heap_limit);
    tap_test("startup block", test_startup);
    tap_test("numbers", test_numbers);
    tap_test("dates", test_dates);
    return tap_end();
}
