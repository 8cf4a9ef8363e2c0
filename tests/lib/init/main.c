// SPDX-License-Identifier: MIT OR Apache-2.0
// init's readers of the boot image and the composition: right ones, and ones damaged at every byte.
#include <composition.h>
#include <events.h>
#include <image.h>
#include <rt/crc32.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing/tap.h>

static const char good[] = "component serial\nbinary serial\nquota 128 128 128\npriority 40\n"
                           "cores 4294967295\nrestart always 10\nstack 65536\n"
                           "ports ports 1016 8\nirq irq 4\nmachine log write\nexport console\n"
                           "program linux\nbinary linux\nquota 1 2 3\npriority 1\ncores 1\n"
                           "restart never 0\nstack 4096\narguments a b\nimport console console\n"
                           "file busybox\nwx wx\n";

static struct composition composition;
static struct composition_error error;

// On the heap with its exact size, so that reading past the end is seen.
static bool read_copy(const char *text, size_t size)
{
    char *copy = malloc(size != 0 ? size : 1);
    memcpy(copy, text, size);
    bool is_good = composition_read(copy, size, &composition, &error);
    free(copy);
    return is_good;
}

static void test_good(void)
{
    CHECK(read_copy(good, sizeof(good) - 1));
    CHECK(composition.count == 2 && composition.specs[0].is_component);
    CHECK(strcmp(composition.specs[0].grants[0].name, "ports") == 0);
    CHECK(composition.specs[0].grants[0].first == 0x3f8);
    CHECK(composition.specs[1].argument_count == 2 && composition.specs[1].grant_count == 3);
    CHECK(composition.specs[0].restart == RESTART_ALWAYS);
}

static void test_truncated(void)
{
    unsigned refused = 0;
    for (size_t size = 0; size < sizeof(good) - 1; size++) {
        bool is_good = read_copy(good, size);
        refused += !is_good;
        CHECK(is_good || (error.field != NULL && error.reason != NULL && error.offset <= size));
        CHECK(is_good == false || good[size - 1] == '\n');
    }
    CHECK(refused > sizeof(good) / 2);
}

static void test_damaged(void)
{
    char copy[sizeof(good)];
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        static const char bytes[] = { 0, ' ', '\n', 'x', '9', (char)0xff };
        for (size_t j = 0; j < sizeof(bytes); j++) {
            memcpy(copy, good, sizeof(good));
            copy[i] = bytes[j];
            CHECK(read_copy(copy, sizeof(good) - 1) || error.reason != NULL);
        }
    }
    CHECK(!read_copy("colour red\n", 11) && !read_copy("component a\ncolour red\n", 23));
}

struct test_image {
    struct tes_image_header header;
    struct tes_image_file files[2];
    uint8_t padding[4096 - sizeof(struct tes_image_header) - 2 * sizeof(struct tes_image_file)];
    uint8_t contents[8192];
};

static void make_image(struct test_image *image)
{
    memset(image, 0, sizeof(*image));
    memcpy(image->contents, "hello", 5);
    image->header = (struct tes_image_header){ .magic = TES_IMAGE_MAGIC,
                                               .version = TES_IMAGE_VERSION,
                                               .size = sizeof(*image),
                                               .architecture = 1,
                                               .file_count = 2 };
    image->files[0] = (struct tes_image_file){
        .name = "a", .offset = 4096, .size = 5, .checksum = rt_crc32(0, "hello", 5)
    };
    image->files[1] = (struct tes_image_file){ .name = "b", .offset = 8192, .size = 0 };
    uint32_t sum = rt_crc32(0, image, sizeof(image->header) + sizeof(image->files));
    image->header.header_checksum = sum;
}

static void test_image(void)
{
    struct test_image *image = malloc(sizeof(*image));
    struct image opened;
    struct image_error why;
    make_image(image);
    CHECK(image_open(image, sizeof(*image), 1, &opened, &why));
    CHECK(image_find(&opened, "a") != NULL && image_find(&opened, "c") == NULL);
    CHECK(image_file_is_intact(&opened, image_find(&opened, "a")));
    image->contents[2] ^= 1;
    CHECK(!image_file_is_intact(&opened, image_find(&opened, "a")));
    CHECK(!image_open(image, sizeof(*image), 2, &opened, &why));
    CHECK(strcmp(why.field, "architecture") == 0);
    for (size_t i = 0; i < sizeof(image->header) + sizeof(image->files); i++) {
        make_image(image);
        ((uint8_t *)image)[i] ^= 0x41;
        CHECK(!image_open(image, sizeof(*image), 1, &opened, &why));
        CHECK(why.field != NULL && why.reason != NULL);
    }
    free(image);
}

static void test_image_truncated(void)
{
    struct test_image image;
    make_image(&image);
    for (size_t size = 0; size < sizeof(image); size += size < 300 ? 1 : 97) {
        struct image opened;
        struct image_error why;
        void *copy = malloc(size != 0 ? size : 1);
        memcpy(copy, &image, size);
        CHECK(!image_open(copy, size, 1, &opened, &why));
        free(copy);
    }
}

static void test_events(void)
{
    static struct events events;
    const char *text = NULL;
    uint64_t size = 0;
    for (int i = 0; i < 2000; i++) {
        events_add(&events, "event %d", i);
        uint64_t at = events_read(&events, 0, &text, &size);
        CHECK(at <= events.end && size <= EVENTS_SIZE && text + size <= events.text + EVENTS_SIZE);
    }
    uint64_t at = events_read(&events, events.end - 11, &text, &size);
    CHECK(at == events.end - 11 && size <= 11);
    CHECK(events_read(&events, UINT64_MAX, &text, &size) == events.end && size == 0);
}

int main(void)
{
    tap_test("a right composition", test_good);
    tap_test("a composition cut off anywhere", test_truncated);
    tap_test("a composition damaged anywhere", test_damaged);
    tap_test("a boot image damaged anywhere in header and table", test_image);
    tap_test("a boot image cut off", test_image_truncated);
    tap_test("events wrap", test_events);
    return tap_end();
}
