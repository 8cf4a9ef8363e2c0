// SPDX-License-Identifier: MIT OR Apache-2.0
// The ELF parser: each malformed field is refused by name, and random damage to a good header is
// either refused or leads to segments that lie within file and address space.
//
// usage: fuzz_elf [ROUNDS [SEED]]

#include <personality/abi.h>
#include <personality/elf.h>
#include <personality/errors.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_DEFAULT 200000U
#define FILE_SIZE      8192U
#define HEAD_SIZE      (64U + 4U * 56U)
#define TOP            UINT64_C(0x7d0000000000)
#define PROGRAM_OFFSET 64U
#define PROGRAM_SIZE   ((size_t)56)

static uint64_t state = 1;

static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void put(uint8_t *head, size_t offset, uint64_t value, size_t size)
{
    memcpy(head + offset, &value, size);
}

static void put_segment(uint8_t *head, uint32_t index, uint32_t flags, uint64_t offset,
                        uint64_t address)
{
    uint8_t *program = head + PROGRAM_OFFSET + index * PROGRAM_SIZE;
    put(program, 0, 1, 4);
    put(program, 4, flags, 4);
    put(program, 8, offset, 8);
    put(program, 16, address, 8);
    put(program, 32, 0x800, 8);
    put(program, 40, 0x1000, 8);
    put(program, 48, 0x1000, 8);
}

static void make_good(uint8_t *head)
{
    static const uint8_t identity[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    memset(head, 0, HEAD_SIZE);
    memcpy(head, identity, sizeof(identity));
    put(head, 16, 2, 2);
    put(head, 18, 62, 2);
    put(head, 20, 1, 4);
    put(head, 24, 0x401010, 8);
    put(head, 32, PROGRAM_OFFSET, 8);
    put(head, 52, 64, 2);
    put(head, 54, PROGRAM_SIZE, 2);
    put(head, 56, 4, 2);
    put_segment(head, 0, 4, 0, 0x400000);
    put_segment(head, 1, 5, 0x1000, 0x401000);
    put_segment(head, 2, 6, 0x1800, 0x402800);
    put(head + PROGRAM_OFFSET + 3 * PROGRAM_SIZE, 0, 0x6474e551, 4); // PT_GNU_STACK
    put(head + PROGRAM_OFFSET + 3 * PROGRAM_SIZE, 4, 6, 4);
}

struct damage {
    const char *field; // NULL: the file stays good
    size_t offset;
    uint64_t value;
    size_t size;
};

static const struct damage damages[] = {
    { NULL, 16, 2, 2 },
    { NULL, 16, 3, 2 },
    { "e_ident magic", 0, 0x7e, 1 },
    { "e_ident magic", 3, 0, 1 },
    { "e_ident class", 4, 1, 1 },
    { "e_ident data", 5, 2, 1 },
    { "e_ident version", 6, 0, 1 },
    { "e_type", 16, 1, 2 },
    { "e_machine", 18, 3, 2 },
    { "e_entry", 24, 0, 8 },
    { "e_entry", 24, 0x402900, 8 },
    { "e_phoff", 32, UINT64_MAX, 8 },
    { "e_phoff", 32, HEAD_SIZE - 1, 8 },
    { "e_phentsize", 54, 32, 2 },
    { "e_phnum", 56, 0, 2 },
    { "e_phnum", 56, 0xffff, 2 },
    { "p_type (a program interpreter is needed)", PROGRAM_OFFSET, 3, 4 },
    { "p_offset", PROGRAM_OFFSET + 8, UINT64_MAX - 0xfff, 8 },
    { "p_vaddr", PROGRAM_OFFSET + 16, 0x400001, 8 },
    { "p_vaddr", PROGRAM_OFFSET + 16, TOP, 8 },
    { "p_vaddr", PROGRAM_OFFSET + 16, UINT64_MAX - 0xfff, 8 },
    { "p_vaddr", PROGRAM_OFFSET + PROGRAM_SIZE + 16, 0x400000, 8 },
    { "p_vaddr (page 0)", PROGRAM_OFFSET + 16, 0, 8 },
    { "p_filesz", PROGRAM_OFFSET + 32, UINT64_MAX, 8 },
    { "p_memsz", PROGRAM_OFFSET + 40, 1, 8 },
    { "p_vaddr", PROGRAM_OFFSET + 40, UINT64_MAX, 8 },
};

static bool test_damage(const struct damage *damage, size_t number)
{
    struct linux_elf elf;
    uint8_t head[HEAD_SIZE];
    make_good(head);
    put(head, damage->offset, damage->value, damage->size);
    int result = linux_elf_parse(&elf, head, sizeof(head), FILE_SIZE, TOP);
    bool is_right = damage->field == NULL
                        ? result == 0
                        : result == -LINUX_ENOEXEC && strcmp(elf.bad_field, damage->field) == 0;
    (void)printf("%sok %zu - %s at %zu\n", is_right ? "" : "not ", number,
                 damage->field == NULL ? "accepted" : damage->field, damage->offset);
    if (!is_right) {
        (void)printf("# result %d, field %s\n", result,
                     elf.bad_field == NULL ? "-" : elf.bad_field);
    }
    return is_right;
}

static bool segments_are_sane(const struct linux_elf *elf)
{
    uint64_t end = 0;
    for (uint32_t index = 0; index < elf->segment_count; index++) {
        const struct linux_elf_segment *segment = &elf->segments[index];
        bool is_in_file = segment->file_offset <= FILE_SIZE &&
                          segment->file_size <= FILE_SIZE - segment->file_offset;
        bool is_in_space =
            segment->memory_size <= TOP && segment->address <= TOP - segment->memory_size;
        if (!is_in_file || !is_in_space || segment->address < end ||
            segment->memory_size < segment->file_size) {
            return false;
        }
        end = segment->address + segment->memory_size;
    }
    return elf->segment_count != 0;
}

static bool fuzz_round(void)
{
    struct linux_elf elf;
    static uint8_t head[HEAD_SIZE];
    make_good(head);
    uint64_t changes = 1 + random_next() % 6;
    while (changes-- > 0) {
        size_t offset = random_next() % HEAD_SIZE;
        head[offset] = (uint8_t)(random_next() >> 24);
    }
    size_t size = random_next() % 4 == 0 ? random_next() % HEAD_SIZE : HEAD_SIZE;
    uint8_t *exact = malloc(size == 0 ? 1 : size); // so that the sanitizer sees one byte too many
    memcpy(exact, head, size);
    int result = linux_elf_parse(&elf, exact, size, FILE_SIZE, TOP);
    free(exact);
    return result == 0 ? segments_are_sane(&elf)
                       : result == -LINUX_ENOEXEC && elf.bad_field != NULL;
}

int main(int count, char **arguments)
{
    uint64_t rounds = count > 1 ? strtoull(arguments[1], NULL, 10) : ROUNDS_DEFAULT;
    state = count > 2 ? strtoull(arguments[2], NULL, 10) * 2 + 1 : 1;
    size_t tests = sizeof(damages) / sizeof(damages[0]);
    bool is_right = true;
    (void)printf("1..%zu\n", tests + 1);
    for (size_t index = 0; index < tests; index++) {
        is_right = test_damage(&damages[index], index + 1) && is_right;
    }
    bool fuzz_right = true;
    for (uint64_t round = 0; round < rounds && fuzz_right; round++) {
        fuzz_right = fuzz_round();
    }
    (void)printf("%sok %zu - %llu damaged headers\n", fuzz_right ? "" : "not ", tests + 1,
                 (unsigned long long)rounds);
    return is_right && fuzz_right ? 0 : 1;
}
