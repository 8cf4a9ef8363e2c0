// SPDX-License-Identifier: MIT OR Apache-2.0
// ELF64 for x86_64 (System V ABI, chapter 4 and 5): executables and static position-independent
// ones. A program interpreter is refused for now, with the field named. All sums are checked.

#include <personality/elf.h>

#include <personality/abi.h>
#include <personality/errors.h>
#include <rt/string.h>

#define ELF_TYPE_EXECUTABLE 2U
#define ELF_TYPE_SHARED     3U
#define ELF_MACHINE_X86_64  62U
#define ELF_PAGE            4096U

#define SEGMENT_LOAD   1U
#define SEGMENT_INTERP 3U
#define SEGMENT_STACK  0x6474e551U
#define FLAG_EXECUTE   1U
#define FLAG_WRITE     2U
#define FLAG_READ      4U

struct elf_header {
    uint8_t identity[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset;
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_size;
    uint16_t program_count;
    uint16_t section_size;
    uint16_t section_count;
    uint16_t section_names;
};
static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");

struct elf_program {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t physical;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t align;
};
static_assert(sizeof(struct elf_program) == 56, "Elf64_Phdr");

static int elf_refuse(struct linux_elf *elf, const char *field, uint64_t offset)
{
    elf->bad_field = field;
    elf->bad_offset = offset;
    return -LINUX_ENOEXEC;
}

static int elf_identity(struct linux_elf *elf, const struct elf_header *header)
{
    // Magic, 64 bits, little-endian, version 1; the ABI byte may be System V or GNU.
    static const uint8_t identity[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    static const char *const names[] = { "e_ident magic",  "e_ident magic", "e_ident magic",
                                         "e_ident magic",  "e_ident class", "e_ident data",
                                         "e_ident version" };
    for (size_t index = 0; index < sizeof(identity); index++) {
        if (header->identity[index] != identity[index]) {
            return elf_refuse(elf, names[index], index);
        }
    }
    return 0;
}

static int elf_header_check(struct linux_elf *elf, const struct elf_header *header,
                            size_t head_size)
{
    int error = elf_identity(elf, header);
    if (error != 0) {
        return error;
    }
    if (header->type != ELF_TYPE_EXECUTABLE && header->type != ELF_TYPE_SHARED) {
        return elf_refuse(elf, "e_type", offsetof(struct elf_header, type));
    }
    if (header->machine != ELF_MACHINE_X86_64) {
        return elf_refuse(elf, "e_machine", offsetof(struct elf_header, machine));
    }
    if (header->program_size != sizeof(struct elf_program)) {
        return elf_refuse(elf, "e_phentsize", offsetof(struct elf_header, program_size));
    }
    if (header->program_count == 0 || header->program_count > LINUX_ELF_HEADERS_MAX) {
        return elf_refuse(elf, "e_phnum", offsetof(struct elf_header, program_count));
    }
    uint64_t size = (uint64_t)header->program_count * sizeof(struct elf_program);
    if (header->program_offset > head_size || size > head_size - header->program_offset) {
        return elf_refuse(elf, "e_phoff", offsetof(struct elf_header, program_offset));
    }
    elf->is_position_independent = header->type == ELF_TYPE_SHARED;
    elf->header_count = header->program_count;
    elf->entry = header->entry;
    return 0;
}

static uint32_t segment_protection(uint32_t flags)
{
    return ((flags & FLAG_READ) != 0 ? LINUX_PROT_READ : 0U) |
           ((flags & FLAG_WRITE) != 0 ? LINUX_PROT_WRITE : 0U) |
           ((flags & FLAG_EXECUTE) != 0 ? LINUX_PROT_EXEC : 0U);
}

struct segment_limits {
    uint64_t file_size;
    uint64_t address_top;
    uint64_t base; // offset of this program header in the file
};

static int segment_check(struct linux_elf *elf, const struct elf_program *program,
                         const struct segment_limits *limits)
{
    uint64_t base = limits->base;
    if (program->offset > limits->file_size) {
        return elf_refuse(elf, "p_offset", base + offsetof(struct elf_program, offset));
    }
    if (program->file_size > limits->file_size - program->offset) {
        return elf_refuse(elf, "p_filesz", base + offsetof(struct elf_program, file_size));
    }
    if (program->memory_size < program->file_size) {
        return elf_refuse(elf, "p_memsz", base + offsetof(struct elf_program, memory_size));
    }
    if (program->address >= limits->address_top ||
        program->memory_size > limits->address_top - program->address) {
        return elf_refuse(elf, "p_vaddr", base + offsetof(struct elf_program, address));
    }
    if ((program->address & (ELF_PAGE - 1)) != (program->offset & (ELF_PAGE - 1))) {
        return elf_refuse(elf, "p_vaddr", base + offsetof(struct elf_program, address));
    }
    if (elf->segment_count != 0 && (program->address & ~(uint64_t)(ELF_PAGE - 1)) < elf->high) {
        return elf_refuse(elf, "p_vaddr", base + offsetof(struct elf_program, address));
    }
    return 0;
}

static int segment_add(struct linux_elf *elf, const struct elf_program *program,
                       const struct segment_limits *limits)
{
    if (program->memory_size == 0) {
        return 0;
    }
    if (elf->segment_count == LINUX_ELF_SEGMENTS_MAX) {
        return elf_refuse(elf, "p_type", limits->base);
    }
    int error = segment_check(elf, program, limits);
    if (error != 0) {
        return error;
    }
    if (elf->segment_count == 0) {
        elf->low = program->address & ~(uint64_t)(ELF_PAGE - 1);
    }
    elf->segments[elf->segment_count++] = (struct linux_elf_segment){
        .address = program->address,
        .file_offset = program->offset,
        .file_size = program->file_size,
        .memory_size = program->memory_size,
        .protection = segment_protection(program->flags),
    };
    uint64_t end = program->address + program->memory_size;
    elf->high = (end + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1);
    return 0;
}

static int program_take(struct linux_elf *elf, const struct elf_program *program,
                        const struct segment_limits *limits)
{
    switch (program->type) {
    case SEGMENT_LOAD:
        return segment_add(elf, program, limits);
    case SEGMENT_INTERP:
        return elf_refuse(elf, "p_type (a program interpreter is needed)", limits->base);
    case SEGMENT_STACK:
        elf->has_executable_stack = (program->flags & FLAG_EXECUTE) != 0;
        return 0;
    default:
        return 0;
    }
}

static int elf_finish(struct linux_elf *elf, uint64_t program_offset)
{
    bool has_entry = false;
    uint64_t headers_size = (uint64_t)elf->header_count * sizeof(struct elf_program);
    for (uint32_t index = 0; index < elf->segment_count; index++) {
        const struct linux_elf_segment *segment = &elf->segments[index];
        bool is_inside =
            elf->entry >= segment->address && elf->entry - segment->address < segment->memory_size;
        has_entry = has_entry || (is_inside && (segment->protection & LINUX_PROT_EXEC) != 0);
        if (program_offset >= segment->file_offset && headers_size <= segment->file_size &&
            program_offset - segment->file_offset <= segment->file_size - headers_size) {
            elf->headers_address = segment->address + (program_offset - segment->file_offset);
        }
    }
    if (elf->segment_count == 0) {
        return elf_refuse(elf, "e_phnum (nothing to load)",
                          offsetof(struct elf_header, program_count));
    }
    if (!has_entry) {
        return elf_refuse(elf, "e_entry", offsetof(struct elf_header, entry));
    }
    if (!elf->is_position_independent && elf->low == 0) {
        return elf_refuse(elf, "p_vaddr (page 0)", program_offset);
    }
    return 0;
}

int linux_elf_parse(struct linux_elf *elf, const uint8_t *head, size_t head_size,
                    uint64_t file_size, uint64_t address_top)
{
    struct elf_header header;
    memset(elf, 0, sizeof(*elf));
    elf->has_executable_stack = true; // without PT_GNU_STACK, as Linux
    if (head_size < sizeof(header)) {
        return elf_refuse(elf, "e_ident (the file is shorter than its header)", 0);
    }
    memcpy(&header, head, sizeof(header));
    int error = elf_header_check(elf, &header, head_size);
    struct segment_limits limits = { .file_size = file_size, .address_top = address_top };
    for (uint32_t index = 0; error == 0 && index < elf->header_count; index++) {
        struct elf_program program;
        limits.base = header.program_offset + (uint64_t)index * sizeof(program);
        memcpy(&program, head + limits.base, sizeof(program));
        error = program_take(elf, &program, &limits);
    }
    return error != 0 ? error : elf_finish(elf, header.program_offset);
}
