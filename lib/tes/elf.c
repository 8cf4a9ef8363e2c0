// SPDX-License-Identifier: MIT OR Apache-2.0
// The ELF checks. Every field is copied out of the file once, checked, and the copy is used.
#include <abi_arch/registers.h>
#include <arch_user/elf.h>
#include <rt/bits.h>
#include <rt/checked.h>
#include <rt/string.h>
#include <tes/elf.h>

// System V gABI 4.1: ELF header.
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_size, program_size, program_count, section_size, section_count, names;
};
static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");

// gABI 5: program header.
struct elf_program {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, alignment;
};
static_assert(sizeof(struct elf_program) == 56, "Elf64_Phdr");

struct elf_dynamic {
    uint64_t tag, value;
};
struct elf_relocation {
    uint64_t offset, info;
    uint64_t addend;
};

#define ELF_TYPE_DYN            3u
#define ELF_PROGRAMS_MAX        16u
#define ELF_PROGRAM_LOAD        1u
#define ELF_PROGRAM_DYNAMIC     2u
#define ELF_PROGRAM_INTERPRETER 3u
#define ELF_PROGRAM_TLS         7u
#define ELF_DYNAMIC_NULL        0u
#define ELF_DYNAMIC_NEEDED      1u
#define ELF_DYNAMIC_RELA        7u
#define ELF_DYNAMIC_RELA_SIZE   8u
#define ELF_DYNAMIC_RELA_ENTRY  9u
#define ELF_DYNAMIC_REL         17u
#define ELF_DYNAMIC_JMPREL      23u
#define ELF_DYNAMIC_RELR        36u
#define ELF_RELOCATION_MASK     0xffffffffu

// 64-bit (2), little-endian (1), version 1.
static const uint8_t ident_expected[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

struct parse {
    const uint8_t *file;
    uint64_t size;
    struct tes_elf *elf;
    struct tes_elf_error *error;
    uint64_t rela_address, rela_size, rela_entry;
};

static bool fail(struct tes_elf_error *error, const char *field, uint64_t offset,
                 const char *reason)
{
    *error = (struct tes_elf_error){ .field = field, .offset = offset, .reason = reason };
    return false;
}

static bool read_at(const struct parse *p, uint64_t offset, void *out, uint64_t size,
                    const char *field)
{
    if (!range_is_inside(offset, size, p->size)) {
        return fail(p->error, field, offset, "lies outside the file");
    }
    memcpy(out, p->file + offset, size);
    return true;
}

#define HEADER_FIELD(name) #name, offsetof(struct elf_header, name)

static bool check_header(struct parse *p, struct elf_header *h)
{
    if (!read_at(p, 0, h, sizeof(*h), "ELF header")) {
        return false;
    }
    for (uint64_t i = 0; i < sizeof(ident_expected); i++) {
        if (h->ident[i] != ident_expected[i]) {
            return fail(p->error, "ident", i, "is not that of a 64-bit little-endian ELF file");
        }
    }
    if (h->type != ELF_TYPE_DYN) {
        return fail(p->error, HEADER_FIELD(type), "is not DYN: components are static PIE");
    }
    if (h->machine != TES_ARCH_ELF_MACHINE) {
        return fail(p->error, HEADER_FIELD(machine), "is another machine");
    }
    if (h->program_size != sizeof(struct elf_program)) {
        return fail(p->error, HEADER_FIELD(program_size), "is not 56");
    }
    if (h->program_count == 0 || h->program_count > ELF_PROGRAMS_MAX) {
        return fail(p->error, HEADER_FIELD(program_count), "is 0 or above 16");
    }
    p->elf->entry = h->entry;
    return true;
}

static bool check_load(struct parse *p, const struct elf_program *ph, uint64_t at)
{
    struct tes_elf *elf = p->elf;
    uint64_t end = 0;
    if (elf->segment_count == TES_ELF_SEGMENTS_MAX) {
        return fail(p->error, "p_type", at, "is one LOAD too many");
    }
    if (!range_is_inside(ph->offset, ph->file_size, p->size)) {
        return fail(p->error, "p_filesz", at, "reaches past the end of the file");
    }
    if (ph->memory_size == 0 || ph->memory_size < ph->file_size) {
        return fail(p->error, "p_memsz", at, "is 0 or below p_filesz");
    }
    if (!is_aligned(ph->offset | ph->address, TES_PAGE_SIZE)) {
        return fail(p->error, "p_vaddr", at, "or p_offset is not on a page boundary");
    }
    if (!checked_add(ph->address, ph->memory_size, &end) || end > TES_ELF_SPAN_MAX) {
        return fail(p->error, "p_vaddr", at, "and p_memsz are too large");
    }
    if (ph->address < elf->span) {
        return fail(p->error, "p_vaddr", at, "overlaps or precedes the segment before");
    }
    if ((ph->flags & TES_ELF_WRITE) != 0 && (ph->flags & TES_ELF_EXECUTE) != 0) {
        return fail(p->error, "p_flags", at, "is writable and executable");
    }
    if ((ph->flags & TES_ELF_WRITE) == 0 &&
        align_up(ph->memory_size, TES_PAGE_SIZE) != align_up(ph->file_size, TES_PAGE_SIZE)) {
        return fail(p->error, "p_memsz", at, "adds zeros to a segment that is not writable");
    }
    elf->segments[elf->segment_count++] = (struct tes_elf_segment){ .address = ph->address,
                                                                    .offset = ph->offset,
                                                                    .file_size = ph->file_size,
                                                                    .memory_size = ph->memory_size,
                                                                    .access = ph->flags };
    elf->span = align_up(end, TES_PAGE_SIZE);
    return true;
}

static bool check_dynamic_entry(struct parse *p, const struct elf_dynamic *entry, uint64_t at)
{
    switch (entry->tag) {
    case ELF_DYNAMIC_NEEDED:
        return fail(p->error, "DT_NEEDED", at, "asks for a shared library");
    case ELF_DYNAMIC_REL:
    case ELF_DYNAMIC_JMPREL:
    case ELF_DYNAMIC_RELR:
        return fail(p->error, "d_tag", at, "is a form of relocation that is not supported");
    case ELF_DYNAMIC_RELA:
        p->rela_address = entry->value;
        return true;
    case ELF_DYNAMIC_RELA_SIZE:
        p->rela_size = entry->value;
        return true;
    case ELF_DYNAMIC_RELA_ENTRY:
        p->rela_entry = entry->value;
        return true;
    default:
        return true;
    }
}

static bool check_dynamic(struct parse *p, const struct elf_program *ph)
{
    if (!range_is_inside(ph->offset, ph->file_size, p->size)) {
        return fail(p->error, "PT_DYNAMIC", ph->offset, "lies outside the file");
    }
    for (uint64_t done = 0; ph->file_size - done >= sizeof(struct elf_dynamic);
         done += sizeof(struct elf_dynamic)) {
        struct elf_dynamic entry;
        memcpy(&entry, p->file + ph->offset + done, sizeof(entry));
        if (entry.tag == ELF_DYNAMIC_NULL) {
            return true;
        }
        if (!check_dynamic_entry(p, &entry, ph->offset + done)) {
            return false;
        }
    }
    return true;
}

static bool check_program(struct parse *p, const struct elf_program *ph, uint64_t at)
{
    switch (ph->type) {
    case ELF_PROGRAM_LOAD:
        return check_load(p, ph, at);
    case ELF_PROGRAM_DYNAMIC:
        return check_dynamic(p, ph);
    case ELF_PROGRAM_INTERPRETER:
        return fail(p->error, "p_type", at, "asks for an interpreter");
    case ELF_PROGRAM_TLS:
        return fail(p->error, "p_type", at, "is TLS, which components do not have");
    default:
        return true;
    }
}

static const struct tes_elf_segment *segment_of(const struct tes_elf *elf, uint64_t address)
{
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        if (address - elf->segments[i].address < elf->segments[i].memory_size) {
            return &elf->segments[i];
        }
    }
    return NULL;
}

static bool check_entry(struct parse *p)
{
    const struct tes_elf_segment *segment = segment_of(p->elf, p->elf->entry);
    if (segment == NULL || (segment->access & TES_ELF_EXECUTE) == 0) {
        return fail(p->error, HEADER_FIELD(entry), "is not in an executable segment");
    }
    return true;
}

static bool check_relocations(struct parse *p)
{
    if (p->rela_size == 0) {
        return true;
    }
    const struct tes_elf_segment *segment = segment_of(p->elf, p->rela_address);
    uint64_t inside = segment != NULL ? p->rela_address - segment->address : 0;
    if (segment == NULL || !range_is_inside(inside, p->rela_size, segment->file_size)) {
        return fail(p->error, "DT_RELA", p->rela_address, "lies outside the segments");
    }
    if (p->rela_entry != sizeof(struct elf_relocation) || p->rela_size % p->rela_entry != 0) {
        return fail(p->error, "DT_RELAENT", p->rela_entry, "is not 24, or DT_RELASZ no multiple");
    }
    p->elf->relocation_offset = segment->offset + inside;
    p->elf->relocation_count = p->rela_size / p->rela_entry;
    return true;
}

bool tes_elf_parse(const void *file, uint64_t size, struct tes_elf *out_elf,
                   struct tes_elf_error *out_error)
{
    struct elf_header header;
    memset(out_elf, 0, sizeof(*out_elf));
    memset(out_error, 0, sizeof(*out_error));
    struct parse p = { .file = file, .size = size, .elf = out_elf, .error = out_error };
    if (!check_header(&p, &header)) {
        return false;
    }
    for (uint64_t i = 0; i < header.program_count; i++) {
        struct elf_program program;
        uint64_t at = 0;
        if (!checked_add(header.program_offset, i * sizeof(program), &at)) {
            return fail(out_error, HEADER_FIELD(program_offset), "is too large");
        }
        if (!read_at(&p, at, &program, sizeof(program), "program header") ||
            !check_program(&p, &program, at)) {
            return false;
        }
    }
    return check_entry(&p) && check_relocations(&p);
}

bool tes_elf_relocate(const void *file, const struct tes_elf *elf,
                      const struct tes_elf_segment *segment, uint8_t *data, uint64_t base,
                      struct tes_elf_error *out_error)
{
    const uint8_t *table = (const uint8_t *)file + elf->relocation_offset;
    for (uint64_t i = 0; i < elf->relocation_count; i++) {
        struct elf_relocation entry;
        uint64_t at = elf->relocation_offset + i * sizeof(entry);
        memcpy(&entry, table + i * sizeof(entry), sizeof(entry));
        if ((entry.info & ELF_RELOCATION_MASK) != TES_ARCH_ELF_RELOC_RELATIVE) {
            return fail(out_error, "r_info", at, "is not a RELATIVE relocation");
        }
        if (entry.addend > elf->span) {
            return fail(out_error, "r_addend", at, "lies outside the program");
        }
        uint64_t inside = entry.offset - segment->address;
        if (!range_is_inside(inside, sizeof(uint64_t), segment->memory_size)) {
            return fail(out_error, "r_offset", at, "lies outside the writable segment");
        }
        uint64_t value = base + entry.addend;
        memcpy(data + inside, &value, sizeof(value));
    }
    return true;
}
