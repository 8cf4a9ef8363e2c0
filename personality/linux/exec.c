// SPDX-License-Identifier: MIT OR Apache-2.0
// Loading a program: a new address space is built beside the old one and takes its place only when
// everything has succeeded. The first stack is that of the System V ABI (3.4.1) with Linux's
// auxiliary vector.

#include "exec.h"

#include <personality/elf.h>
#include <personality/errors.h>
#include <personality/memory.h>
#include <personality/signals.h>
#include <rt/string.h>

#include "files.h"
#include "guest.h"
#include "path.h"
#include "text.h"

#define STRINGS_MAX     ((size_t)128 << 10) // ARG_MAX
#define STACK_SIZE      (UINT64_C(8) << 20)
#define STACK_ALIGN     16U
#define IMAGE_BASE      UINT64_C(0x555555554000) // of position-independent programs
#define RANDOM_PAGES    0x3fffU                  // 64 MiB of variation
#define RANDOM_BRK      0x1fffU
#define MMAP_GAP        (UINT64_C(128) << 20)
#define RANDOM_BYTES    16U
#define AUXV_MAX        22U
#define CLOCK_TICKS     100U
#define MINSIGSTKSZ     2048U
#define START_FLAGS     UINT64_C(0x202)
#define START_MXCSR     0x1f80U // Intel SDM volume 1, 10.2.3
#define START_FCW       0x37fU
#define HWCAP_CPUID_EDX UINT64_C(0x078bfbff) // CPUID.1:EDX of every x86_64

// Tags of the auxiliary vector (uapi/linux/auxvec.h).
enum {
    AT_PHDR_TAG = 3,
    AT_PHENT_TAG = 4,
    AT_PHNUM_TAG = 5,
    AT_PAGESZ_TAG = 6,
    AT_BASE_TAG = 7,
    AT_FLAGS_TAG = 8,
    AT_ENTRY_TAG = 9,
    AT_UID_TAG = 11,
    AT_EUID_TAG = 12,
    AT_GID_TAG = 13,
    AT_EGID_TAG = 14,
    AT_PLATFORM_TAG = 15,
    AT_HWCAP_TAG = 16,
    AT_CLKTCK_TAG = 17,
    AT_SECURE_TAG = 23,
    AT_RANDOM_TAG = 25,
    AT_HWCAP2_TAG = 26,
    AT_EXECFN_TAG = 31,
    AT_MINSIGSTKSZ_TAG = 51,
};
#define PHENT_SIZE 56U

struct stack_builder {
    struct linux_task *task;
    uint64_t place; // grows down
    uint64_t words[2 * AUXV_MAX];
    uint32_t word_count;
    int error;
};

int linux_exec_strings_init(struct linux_task *task, struct linux_exec_strings *strings)
{
    memset(strings, 0, sizeof(*strings));
    strings->bytes = linux_heap_alloc(linux_task_heap(task), STRINGS_MAX);
    strings->capacity = STRINGS_MAX;
    return strings->bytes == NULL ? -LINUX_ENOMEM : 0;
}

void linux_exec_strings_fini(struct linux_task *task, struct linux_exec_strings *strings)
{
    linux_heap_free(linux_task_heap(task), strings->bytes, strings->capacity);
    strings->bytes = NULL;
}

int linux_exec_strings_add(struct linux_exec_strings *strings, const char *string)
{
    size_t size = strlen(string) + 1;
    if (size > strings->capacity - strings->used) {
        return -LINUX_E2BIG;
    }
    memcpy(strings->bytes + strings->used, string, size);
    strings->used += size;
    return 0;
}

static uint64_t random_pages(const struct linux_task *task, uint64_t mask)
{
    uint64_t value = 0;
    if (!task->container->options.is_fixed_layout) {
        platform_random(&value, sizeof(value));
    }
    return (value & mask) << LINUX_PAGE_SHIFT;
}

static void log_refusal(const char *path, const struct linux_elf *elf)
{
    char line[256];
    struct linux_text text = { .buffer = line, .size = sizeof(line) };
    linux_text_string(&text, "linux: ");
    linux_text_string(&text, path);
    linux_text_string(&text, ": not a program that can run: ");
    linux_text_string(&text, elf->bad_field);
    linux_text_string(&text, " at offset 0x");
    linux_text_hex(&text, elf->bad_offset, 1);
    (void)linux_text_end(&text); // a cut line is still a line
    platform_log(line);
}

// Maps one segment: its file pages, then zeroed pages; the rest of the last file page is cleared.
static int segment_map(struct linux_task *task, struct linux_entry *program,
                       const struct linux_elf_segment *segment, uint64_t bias)
{
    uint64_t start = linux_page_down(segment->address + bias);
    uint64_t file_end = segment->address + bias + segment->file_size;
    uint64_t end = linux_page_up(segment->address + bias + segment->memory_size);
    uint64_t file_pages_end = segment->file_size == 0 ? start : linux_page_up(file_end);
    struct linux_region region = { .start = start,
                                   .end = file_pages_end,
                                   .protection = segment->protection,
                                   .offset = linux_page_down(segment->file_offset),
                                   .file = program };
    int error = file_pages_end == start ? 0 : linux_memory_map(task, &region);
    if (error == 0 && end > file_pages_end) {
        struct linux_region zeros = { .start = file_pages_end,
                                      .end = end,
                                      .protection = segment->protection };
        error = linux_memory_map(task, &zeros);
    }
    bool has_tail = segment->memory_size > segment->file_size && file_pages_end > file_end;
    if (error == 0 && has_tail && segment->file_size != 0 &&
        (segment->protection & LINUX_PROT_WRITE) != 0) {
        error = linux_guest_zero(task, file_end, file_pages_end - file_end);
    }
    return error;
}

static int image_map(struct linux_task *task, struct linux_entry *program, struct linux_elf *elf,
                     uint64_t *out_bias)
{
    uint64_t bias = 0;
    if (elf->is_position_independent) {
        bias = IMAGE_BASE + random_pages(task, RANDOM_PAGES) - elf->low;
        if (elf->high - elf->low > LINUX_ADDRESS_TOP / 4) {
            return -LINUX_ENOEXEC;
        }
    }
    for (uint32_t index = 0; index < elf->segment_count; index++) {
        int error = segment_map(task, program, &elf->segments[index], bias);
        if (error != 0) {
            return error;
        }
    }
    task->memory->brk_start = elf->high + bias + random_pages(task, RANDOM_BRK);
    task->memory->brk_end = task->memory->brk_start;
    *out_bias = bias;
    return 0;
}

static uint64_t stack_put(struct stack_builder *stack, const void *bytes, size_t size)
{
    stack->place -= size;
    if (stack->error == 0) {
        stack->error = linux_guest_write(stack->task, stack->place, bytes, size);
    }
    return stack->place;
}

static void stack_auxiliary(struct stack_builder *stack, uint64_t tag, uint64_t value)
{
    stack->words[stack->word_count++] = tag;
    stack->words[stack->word_count++] = value;
}

static void stack_auxiliary_all(struct stack_builder *stack, const struct linux_elf *elf,
                                uint64_t bias)
{
    const struct linux_credentials *credentials = &stack->task->credentials;
    uint64_t headers = elf->headers_address == 0 ? 0 : elf->headers_address + bias;
    stack_auxiliary(stack, AT_MINSIGSTKSZ_TAG, MINSIGSTKSZ);
    stack_auxiliary(stack, AT_HWCAP_TAG, HWCAP_CPUID_EDX);
    stack_auxiliary(stack, AT_PAGESZ_TAG, LINUX_PAGE_SIZE);
    stack_auxiliary(stack, AT_CLKTCK_TAG, CLOCK_TICKS);
    stack_auxiliary(stack, AT_PHDR_TAG, headers);
    stack_auxiliary(stack, AT_PHENT_TAG, PHENT_SIZE);
    stack_auxiliary(stack, AT_PHNUM_TAG, elf->header_count);
    stack_auxiliary(stack, AT_BASE_TAG, 0);
    stack_auxiliary(stack, AT_FLAGS_TAG, 0);
    stack_auxiliary(stack, AT_ENTRY_TAG, elf->entry + bias);
    stack_auxiliary(stack, AT_UID_TAG, credentials->uid);
    stack_auxiliary(stack, AT_EUID_TAG, credentials->euid);
    stack_auxiliary(stack, AT_GID_TAG, credentials->gid);
    stack_auxiliary(stack, AT_EGID_TAG, credentials->egid);
    stack_auxiliary(stack, AT_SECURE_TAG, 0);
    stack_auxiliary(stack, AT_HWCAP2_TAG, 0);
}

// argv or envp: pointers to strings that lie one after the other from address on.
static uint64_t stack_pointers(struct stack_builder *stack, const char *bytes, uint64_t address,
                               uint32_t count, uint64_t place)
{
    size_t offset = 0;
    for (uint32_t index = 0; index < count && stack->error == 0; index++) {
        uint64_t pointer = address + offset;
        stack->error = linux_guest_write(stack->task, place, &pointer, sizeof(pointer));
        place += sizeof(pointer);
        offset += strlen(bytes + offset) + 1;
    }
    return address + offset;
}

static int stack_build(struct stack_builder *stack, const struct linux_exec_strings *strings,
                       const char *path, const struct linux_elf *elf, uint64_t bias)
{
    static const char platform_name[] = "x86_64";
    uint8_t random[RANDOM_BYTES];
    struct linux_memory *memory = stack->task->memory;
    platform_random(random, sizeof(random));
    stack->place -= sizeof(uint64_t); // Linux leaves one empty word at the top
    uint64_t name = stack_put(stack, path, strlen(path) + 1);
    uint64_t bytes = stack_put(stack, strings->bytes, strings->used);
    memory->arguments_start = bytes;
    uint64_t platform = stack_put(stack, platform_name, sizeof(platform_name));
    uint64_t random_place = stack_put(stack, random, sizeof(random));
    stack_auxiliary_all(stack, elf, bias);
    stack_auxiliary(stack, AT_RANDOM_TAG, random_place);
    stack_auxiliary(stack, AT_EXECFN_TAG, name);
    stack_auxiliary(stack, AT_PLATFORM_TAG, platform);
    stack_auxiliary(stack, 0, 0);
    uint64_t auxiliary_size = stack->word_count * sizeof(uint64_t);
    uint64_t pointers = 3 + (uint64_t)strings->argument_count + strings->environment_count;
    uint64_t total = pointers * sizeof(uint64_t) + auxiliary_size;
    uint64_t start = (stack->place - total) & ~(uint64_t)(STACK_ALIGN - 1);
    uint64_t count = strings->argument_count;
    uint64_t environment = start + (2 + count) * sizeof(uint64_t);
    stack->place = start + sizeof(count);
    (void)stack_put(stack, &count, sizeof(count));
    memory->arguments_end = stack_pointers(stack, strings->bytes, bytes, strings->argument_count,
                                           start + sizeof(uint64_t));
    (void)stack_pointers(stack, strings->bytes + (memory->arguments_end - bytes),
                         memory->arguments_end, strings->environment_count, environment);
    stack->place = start + total;
    (void)stack_put(stack, stack->words, auxiliary_size);
    stack->place = start;
    return stack->error;
}

static int stack_map(struct linux_task *task, bool is_executable)
{
    struct linux_memory *memory = task->memory;
    memory->stack_top = LINUX_ADDRESS_TOP - LINUX_PAGE_SIZE - random_pages(task, RANDOM_PAGES);
    memory->mmap_base =
        memory->stack_top - STACK_SIZE - MMAP_GAP - random_pages(task, RANDOM_PAGES);
    struct linux_region region = {
        .start = memory->stack_top - STACK_SIZE,
        .end = memory->stack_top,
        .protection = LINUX_PROT_READ | LINUX_PROT_WRITE | (is_executable ? LINUX_PROT_EXEC : 0U),
        .flags = LINUX_REGION_STACK,
    };
    return linux_memory_map(task, &region);
}

static void registers_start(struct linux_task *task, uint64_t entry, uint64_t stack)
{
    struct {
        uint16_t control;
        uint16_t state[11];
        uint32_t mxcsr;
        uint8_t rest[LINUX_VECTOR_STATE_SIZE - 28];
    } vector_state = { .control = START_FCW, .mxcsr = START_MXCSR };
    static_assert(sizeof(vector_state) == LINUX_VECTOR_STATE_SIZE, "FXSAVE area");
    struct linux_registers *registers = platform_guest_registers(task->memory->guest);
    *registers = (struct linux_registers){ .rip = entry, .rsp = stack, .rflags = START_FLAGS };
    platform_guest_load_vector(task->memory->guest, &vector_state);
    task->registers = registers;
}

// Everything that can fail. The task already has the new, empty memory.
static int exec_load(struct linux_task *task, struct linux_entry *program, const char *path,
                     const struct linux_exec_strings *strings)
{
    struct linux_elf elf;
    uint64_t bias = 0;
    const struct linux_inode *inode = program->inode;
    uint8_t *head = linux_heap_page_alloc(linux_task_heap(task));
    if (head == NULL) {
        return -LINUX_ENOMEM;
    }
    int64_t size = linux_inode_read(inode, head, LINUX_ELF_HEAD_SIZE, 0);
    int error = linux_elf_parse(&elf, head, size < 0 ? 0 : (size_t)size, inode->data.size,
                                LINUX_ADDRESS_TOP - STACK_SIZE - 2 * MMAP_GAP);
    linux_heap_page_free(linux_task_heap(task), head);
    if (error != 0) {
        log_refusal(path, &elf);
        return error;
    }
    error = stack_map(task, elf.has_executable_stack);
    if (error == 0) {
        error = image_map(task, program, &elf, &bias);
    }
    if (error != 0) {
        return error;
    }
    struct stack_builder stack = { .task = task, .place = task->memory->stack_top };
    error = stack_build(&stack, strings, path, &elf, bias);
    if (error == 0) {
        registers_start(task, elf.entry + bias, stack.place);
    }
    return error;
}

static void exec_commit(struct linux_task *task, const char *path)
{
    const char *name = strrchr(path, '/');
    name = name == NULL ? path : name + 1;
    size_t size = strlen(name);
    size = size < LINUX_NAME_SIZE ? size : LINUX_NAME_SIZE - 1;
    memset(task->name, 0, sizeof(task->name));
    memcpy(task->name, name, size);
    linux_files_close_on_exec(task);
    linux_actions_reset_for_exec(task);
    task->alternate_stack = (struct linux_sigaltstack){ .flags = LINUX_SS_DISABLE };
    task->clear_child_tid = 0;
    task->attention |= LINUX_ATTENTION_REPLACED;
}

int linux_exec(struct linux_task *task, struct linux_entry *program, const char *path,
               const struct linux_exec_strings *strings)
{
    struct linux_inode *inode = program->inode;
    if (!linux_inode_is(inode, LINUX_S_IFREG)) {
        return -LINUX_EACCES;
    }
    int error = linux_permission(task, inode, LINUX_X_OK);
    if (error != 0) {
        return error;
    }
    struct linux_memory *old = task->memory;
    task->memory = linux_memory_create(task);
    if (task->memory == NULL) {
        task->memory = old;
        return -LINUX_ENOMEM;
    }
    error = exec_load(task, program, path, strings);
    if (error != 0) {
        linux_memory_put(task, task->memory);
        task->memory = old;
        return error;
    }
    task->memory->executable = linux_entry_get(program);
    if (old != NULL) {
        linux_memory_put(task, old);
    }
    exec_commit(task, path);
    return 0;
}
