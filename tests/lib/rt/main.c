// SPDX-License-Identifier: MIT OR Apache-2.0
// lib/rt against the C library.
#include <rt/bits.h>
#include <rt/checked.h>
#include <rt/crc32.h>
#include <rt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing/tap.h>

#include "under_test.h"

#define SIZE_LIMIT 100u

// Exact allocations, so that the sanitizer sees one byte too many.
static void test_copies(void)
{
    for (size_t size = 0; size < SIZE_LIMIT; size++) {
        unsigned char *from = malloc(size + 1);
        unsigned char *to = malloc(size + 1);
        for (size_t i = 0; i < size; i++) {
            from[i + 1] = (unsigned char)(i * 7 + 1);
        }
        our_memcpy(to + 1, from + 1, size);
        CHECK(memcmp(to + 1, from + 1, size) == 0);
        CHECK(our_memcmp(to + 1, from + 1, size) == 0);
        our_memset(to + 1, 0xa5, size);
        for (size_t i = 0; i < size; i++) {
            CHECK(to[i + 1] == 0xa5);
        }
        CHECK(size == 0 || our_memcmp(to + 1, from + 1, size) != 0);
        free(from);
        free(to);
    }
}

static void test_moves(void)
{
    for (int distance = -20; distance <= 20; distance++) {
        for (size_t size = 0; size < SIZE_LIMIT; size++) {
            unsigned char ours[200];
            unsigned char theirs[200];
            for (unsigned i = 0; i < sizeof(ours); i++) {
                ours[i] = theirs[i] = (unsigned char)i;
            }
            our_memmove(ours + 50 + distance, ours + 50, size);
            memmove(theirs + 50 + distance, theirs + 50, size);
            CHECK(memcmp(ours, theirs, sizeof(ours)) == 0);
        }
    }
}

static void test_strings(void)
{
    CHECK(our_strlen("") == 0 && our_strlen("abc") == 3);
    CHECK(our_strnlen("abc", 2) == 2 && our_strnlen("abc", 9) == 3);
    CHECK(our_strcmp("a", "b") < 0 && our_strcmp("b", "a") > 0 && our_strcmp("a", "a") == 0);
    CHECK(our_strcmp("\x7f", "\x80") < 0);
    CHECK(our_strncmp("abc", "abd", 2) == 0 && our_strncmp("abc", "abd", 3) < 0);
    const char *text = "hello";
    CHECK(our_strchr(text, 'l') == text + 2 && our_strrchr(text, 'l') == text + 3);
    CHECK(our_strchr(text, 0) == text + 5 && our_strchr(text, 'z') == NULL);
    CHECK(our_strstr(text, "lo") == text + 3 && our_strstr(text, "") == text);
    CHECK(our_strstr(text, "lox") == NULL && our_memchr(text, 'o', 5) == text + 4);
}

static void compare_signed(const char *format, long long value)
{
    char ours[80];
    char theirs[80];
    int a = rt_format(ours, sizeof(ours), format, value);
    int b = snprintf(theirs, sizeof(theirs), format, value);
    CHECK(a == b && strcmp(ours, theirs) == 0);
}

static void compare_text(const char *format, const char *value)
{
    char ours[80];
    char theirs[80];
    int a = rt_format(ours, sizeof(ours), format, value);
    int b = snprintf(theirs, sizeof(theirs), format, value);
    CHECK(a == b && strcmp(ours, theirs) == 0);
}

static void test_format(void)
{
    static const char *const formats[] = { "%lld",  "%5lld", "%-5lld|", "%05lld",  "%+lld",
                                           "% lld", "%llu",  "%llx",    "%#llx",   "%08llx",
                                           "%llX",  "%llo",  "%.3lld",  "%8.3lld", "%-8.3lld|" };
    static const long long values[] = { 0, 1, -1, 42, -12345, 1234567890123, -9223372036854775807 };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            compare_signed(formats[i], values[j]);
        }
    }
    static const char *const texts[] = { "%s", "%8s", "%-8s|", "%.2s", "%8.2s" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        compare_text(texts[i], "abcd");
    }
    char small[4];
    CHECK(rt_format(small, sizeof(small), "%s", "abcdef") == 6 && strcmp(small, "abc") == 0);
    CHECK(rt_format(NULL, 0, "%d", 5) == 1);
    CHECK(rt_format(small, sizeof(small), "%*d", 3, 7) == 3 && strcmp(small, "  7") == 0);
    CHECK(rt_format(small, sizeof(small), "%hhx", (unsigned char)0xff) == 2 &&
          strcmp(small, "ff") == 0);
}

static void test_checked(void)
{
    uint64_t out = 7;
    CHECK(!checked_add(UINT64_MAX, 1, &out) && out == 7);
    CHECK(checked_add(1, 2, &out) && out == 3);
    CHECK(!checked_multiply(UINT64_MAX, 2, &out) && !checked_subtract(1, 2, &out));
    CHECK(!checked_align_up(UINT64_MAX, 4096, &out));
    CHECK(checked_align_up(4097, 4096, &out) && out == 8192);
    CHECK(range_is_inside(4, 4, 8) && !range_is_inside(4, 5, 8) && range_is_inside(8, 0, 8));
    CHECK(!range_is_inside(UINT64_MAX, 2, 8) && !range_is_inside(1, UINT64_MAX, 8));
    CHECK(array_index_clamp(3, 4) == 3 && array_index_clamp(4, 4) == 0);
    CHECK(array_index_clamp(UINT64_MAX >> 1, 4) == 0 && array_index_clamp(0, 0) == 0);
    CHECK(bits_lowest(8) == 3 && bits_highest(9) == 3 && bits_count(0xff) == 8);
    CHECK(is_power_of_two(64) && !is_power_of_two(0) && !is_power_of_two(6));
}

static void test_crc(void)
{
    CHECK(rt_crc32(0, "123456789", 9) == 0xcbf43926);
    CHECK(rt_crc32(rt_crc32(0, "12345", 5), "6789", 4) == 0xcbf43926);
}

int main(void)
{
    tap_test("memcpy, memset, memcmp of every size", test_copies);
    tap_test("memmove of every overlap", test_moves);
    tap_test("string functions", test_strings);
    tap_test("format as the C library's", test_format);
    tap_test("checked arithmetic, clamp and bits", test_checked);
    tap_test("crc32 of the check string", test_crc);
    return tap_end();
}
