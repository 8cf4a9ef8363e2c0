// SPDX-License-Identifier: MIT OR Apache-2.0
// Random calls with hostile arguments against the personality's core, under the sanitizers: every
// handler of the table, paths of many shapes, wild pointers, with tracing on for a part and with
// memory failing for a part. Nothing may leak when the container ends.
//
// usage: fuzz_calls [CALLS [SEED]]

#include <personality/container.h>
#include <personality/dispatch.h>
#include <personality/errors.h>
#include <personality/memory.h>
#include <personality/signals.h>
#include <personality/trace.h>

#include <fake/platform_fake.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_DEFAULT       300000U
#define CALLS_PER_CONTAINER 5000U
#define PAGE_LIMIT          4096U
#define ADDRESS_LIMIT       (UINT64_C(1) << 40)
#define STRING_SPACE        8192U
#define PATHS_SPACING       256U
#define EXIT_CALL           60U
#define EXIT_GROUP_CALL     231U

static uint64_t state = 1;

static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t bound)
{
    return random_next() % bound;
}

static const char *const pieces[] = {
    "a",
    "b",
    "..",
    ".",
    "/",
    "//",
    "tmp",
    "proc",
    "self",
    "fd",
    "0",
    "3",
    "dev",
    "null",
    "link",
    "etc/passwd",
    "exe",
    "cwd",
    "maps",
    "stat",
    "status",
    "cmdline",
    "root",
    "zero",
    "full",
    "tty",
    "",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "bin/busybox",
};

static void fill_paths(void)
{
    for (uint32_t place = 0; place < STRING_SPACE; place += PATHS_SPACING) {
        char *text = (char *)fake_memory() + place;
        size_t used = 0;
        uint64_t count = 1 + below(5);
        text[0] = '\0';
        while (count-- > 0) {
            const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];
            int added = snprintf(text + used, PATHS_SPACING - used, "%s%s", piece,
                                 below(4) == 0 ? "" : "/");
            used += (size_t)added;
            if (used >= PATHS_SPACING - 1) {
                break;
            }
        }
        if (below(2) == 0 && used > 0 && used < PATHS_SPACING) {
            text[used - 1] = '\0';
        }
    }
}

static uint64_t random_argument(const struct linux_task *task)
{
    static const uint64_t values[] = { 0,
                                       1,
                                       2,
                                       8,
                                       4096,
                                       UINT64_MAX,
                                       (uint64_t)-100,
                                       INT64_MAX,
                                       UINT64_C(1) << 63,
                                       LINUX_ADDRESS_TOP,
                                       LINUX_ADDRESS_TOP - 1,
                                       UINT32_MAX,
                                       0x7ffff000,
                                       65536 };
    switch (below(9)) {
    case 0:
        return below(24);
    case 1:
        return values[below(sizeof(values) / sizeof(values[0]))];
    case 2:
    case 3:
        return FAKE_BASE + below(STRING_SPACE / PATHS_SPACING) * PATHS_SPACING;
    case 4:
        return FAKE_BASE + STRING_SPACE + below(FAKE_SIZE - STRING_SPACE);
    case 5:
        return random_next();
    case 6:
        return UINT64_C(1) << below(64);
    case 7: {
        const struct linux_memory *memory = task->memory;
        return memory == NULL || memory->region_count == 0
                   ? below(65536)
                   : memory->regions[below(memory->region_count)].start + below(3) * 4096;
    }
    default:
        return below(65536);
    }
}

static void make_call(struct linux_task *task)
{
    struct linux_registers *registers = task->registers;
    uint32_t number = (uint32_t)below(LINUX_CALL_COUNT);
    if (number == EXIT_CALL || number == EXIT_GROUP_CALL) {
        return;
    }
    registers->rax = number;
    registers->rdi = random_argument(task);
    registers->rsi = random_argument(task);
    registers->rdx = random_argument(task);
    registers->r10 = random_argument(task);
    registers->r8 = random_argument(task);
    registers->r9 = random_argument(task);
    if (below(4) == 0) {
        registers->rsp = FAKE_BASE + below(FAKE_SIZE);
    }
    bool is_traced = below(8) == 0;
    task->attention = is_traced ? LINUX_ATTENTION_TRACE : 0U;
    linux_trace_enter(task, number);
    int64_t result = linux_call_table[number](task);
    if (is_traced) {
        linux_trace_exit(task, number, result);
    }
    task->registers->rax = (uint64_t)result;
    if (below(4) != 0) {
        linux_signal_deliver(task, (int64_t)number);
    }
    task->attention = 0;
    task->pending = 0;
}

static void check_regions(const struct linux_memory *memory)
{
    uint64_t end = 0;
    uint64_t total = 0;
    for (uint32_t index = 0; index < memory->region_count; index++) {
        const struct linux_region *region = &memory->regions[index];
        if (region->start < end || region->start >= region->end ||
            region->end > LINUX_ADDRESS_TOP) {
            (void)fprintf(stderr, "region %u is out of order\n", index);
            abort();
        }
        end = region->end;
        total += region->end - region->start;
    }
    if (total != memory->mapped_size) {
        (void)fprintf(stderr, "the size mapped is miscounted\n");
        abort();
    }
}

static void run_container(uint64_t calls)
{
    static const struct platform_blob blob = { .data = (const uint8_t *)"blob contents",
                                               .size = 13 };
    const struct linux_options options = { .page_limit = PAGE_LIMIT,
                                           .address_limit = ADDRESS_LIMIT };
    bool starves = below(3) == 0;
    fake_fail_after(starves ? below(2000) : UINT64_MAX);
    struct linux_container *container = linux_container_create(&options);
    if (container == NULL) {
        return;
    }
    struct linux_task *task = container->task;
    task->memory = linux_memory_create(task);
    (void)linux_container_add_directory(container, "/tmp", 0777);
    (void)linux_container_add_link(container, "/tmp/link", "../tmp");
    (void)linux_container_add_blob(container, "/bin/busybox", 0755, &blob);
    (void)linux_container_add_file(container, "/etc/passwd", 0644, "root\n", 5);
    fake_set_task(task);
    for (uint64_t call = 0; task->memory != NULL && call < calls; call++) {
        if (task->registers == NULL) {
            task->registers = platform_guest_registers(task->memory->guest);
            task->memory->mmap_base = LINUX_ADDRESS_TOP / 2;
            task->memory->brk_start = UINT64_C(1) << 32;
            task->memory->brk_end = task->memory->brk_start;
        }
        if (call % 64 == 0) {
            fill_paths();
            check_regions(task->memory);
        }
        make_call(task);
    }
    fake_set_task(NULL);
    linux_container_destroy(container);
}

int main(int count, char **arguments)
{
    uint64_t calls = count > 1 ? strtoull(arguments[1], NULL, 10) : CALLS_DEFAULT;
    state = count > 2 ? strtoull(arguments[2], NULL, 10) * 2 + 1 : 1;
    for (uint64_t done = 0; done < calls; done += CALLS_PER_CONTAINER) {
        run_container(CALLS_PER_CONTAINER);
        if (fake_page_count() != 0) {
            (void)printf("not ok 1 - %llu pages leaked\n", (unsigned long long)fake_page_count());
            return 1;
        }
    }
    (void)printf("1..1\nok 1 - %llu random calls\n", (unsigned long long)calls);
    return 0;
}
