// SPDX-License-Identifier: MIT OR Apache-2.0
// The red-black tree of lib/rt against a table, with its balance checked; the page tree through a
// Memory.
#include "fake.h"

#include <string.h>

#define NODES 500u

struct number {
    struct tree_node node;
    uint64_t key;
    uint64_t order;
    bool is_in;
};

static struct number numbers[NODES];

static bool number_less(const struct tree_node *a, const struct tree_node *b)
{
    return container_of_const(a, struct number, node)->key <
           container_of_const(b, struct number, node)->key;
}

static uint32_t black_height(const struct tree_node *node)
{
    if (node == NULL) {
        return 1;
    }
    bool is_black = (node->parent_color & 1) != 0;
    const struct tree_node *children[2] = { node->left, node->right };
    for (uint32_t i = 0; i < 2; i++) {
        if (children[i] != NULL) {
            CHECK((children[i]->parent_color & ~(uintptr_t)1) == (uintptr_t)node);
            CHECK(is_black || (children[i]->parent_color & 1) != 0);
        }
    }
    uint32_t height = black_height(node->left);
    CHECK(height == black_height(node->right));
    return height + is_black;
}

static void check_tree(const struct tree *tree, uint32_t count)
{
    black_height(tree->root);
    uint32_t seen = 0;
    const struct number *last = NULL;
    for (struct tree_node *node = tree_first(tree); node != NULL; node = tree_next(node)) {
        const struct number *number = container_of_const(node, struct number, node);
        CHECK(number->is_in);
        CHECK(last == NULL || last->key < number->key ||
              (last->key == number->key && last->order < number->order));
        CHECK(last == NULL || tree_previous(node) == &last->node);
        last = number;
        seen++;
    }
    CHECK(seen == count && tree_is_empty(tree) == (count == 0));
}

void test_rt_tree(void)
{
    struct tree tree;
    tree_init(&tree);
    uint32_t count = 0;
    for (uint64_t step = 0; step < 20000; step++) {
        struct number *number = &numbers[fake_random(step % 4000 < 2000 ? NODES : 20)];
        if (number->is_in) {
            tree_remove(&tree, &number->node);
            CHECK(number->node.parent_color == 0);
            count--;
        } else {
            number->key = fake_random(200);
            number->order = step;
            tree_insert(&tree, &number->node, number_less);
            count++;
        }
        number->is_in = !number->is_in;
        if (step % 16 == 0) {
            check_tree(&tree, count);
        }
    }
}

void test_page_tree(void)
{
    static uint8_t model[5000];
    const uint64_t sizes[] = { 1, 6, 7, 64, 65, 4096, 5000 };
    struct space *space = fake_space(false);
    for (uint32_t turn = 0; turn < sizeof(sizes) / sizeof(sizes[0]); turn++) {
        uint64_t size = sizes[turn];
        struct memory *memory = fake_memory(&fake.quota, size);
        memset(model, 0, sizeof(model));
        CHECK(fake_map(space, memory, 0, 0x10000000, size * PAGE_SIZE,
                       REGION_READ | REGION_WRITE) == TES_OK);
        for (uint32_t step = 0; step < 500; step++) {
            uint64_t page = fake_random(size);
            uint8_t byte = 0;
            if (fake_random(8) == 0) {
                uint64_t count = 1 + fake_random(size - page);
                CHECK(fake_control(memory, TES_MEMORY_CONTROL_DISCARD, page * PAGE_SIZE,
                                   count * PAGE_SIZE) == TES_OK);
                memset(model + page, 0, count);
            } else if (fake_random(2) == 0) {
                CHECK(user_write(space, 0x10000000 + page * PAGE_SIZE, (uint8_t)(step | 1)));
                model[page] = (uint8_t)(step | 1);
            }
            CHECK(user_read(space, 0x10000000 + page * PAGE_SIZE, &byte) && byte == model[page]);
        }
        uint64_t before = fake.quota.pages_used;
        uint64_t present = memory->pages.present;
        CHECK(fake_control(memory, TES_MEMORY_CONTROL_DISCARD, 0, size * PAGE_SIZE) == TES_OK);
        CHECK(fake.quota.pages_used == before - present && memory->pages.present == 0);
        CHECK(fake_control(memory, TES_MEMORY_CONTROL_COMMIT, 0, size * PAGE_SIZE) == TES_OK);
        CHECK(memory->pages.present == size);
        CHECK(fake_unmap(space, 0x10000000, size * PAGE_SIZE) == TES_OK);
        fake_destroy(&memory->object);
    }
    fake_destroy(&space->object);
}
