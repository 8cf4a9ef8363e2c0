// SPDX-License-Identifier: MIT OR Apache-2.0
// Guest Spaces. The personality is a child process that lies in the part of its Space that guests
// share; it notes the line of the first thing that is wrong in the shared block, and the parent
// looks. It must not use tables of pointers.
#include "guest.h"
#include "test.h"

#include <abi/fault.h>

#define GUEST_CODE  0x400000ull
#define GUEST_DATA  0x500000ull
#define GUEST_STACK (GUEST_DATA + 2 * PAGE)
#define NEAR_STEP   (1ull << 24)
#define PATTERN     0x1111111111111111ull

#define FLAGS_FORBIDDEN 0x27000ull // IOPL, nested task, virtual 8086
#define FLAG_INTERRUPT  0x200ull
#define NOT_CANONICAL   0x8000000000000000ull

#define RUN_NS (5 * NS_PER_MS)

enum word { WORD_LINE, WORD_READY, WORD_GO, WORD_STATUS, WORD_REASON };
enum given { GIVEN_QUOTA = 1 };

struct guest {
    struct child_block *block;
    struct tes_guest_state *state;
    tes_space_t space;
    tes_memory_t code, data;
};

static uint64_t near(const struct child_block *block, uint64_t index)
{
    return ((uint64_t)block & ~(PAGE - 1)) + NEAR_STEP * (1 + index);
}

static void see(struct child_block *block, bool is_good, uint64_t line)
{
    if (!is_good && block->words[WORD_LINE] == 0) {
        block->words[WORD_LINE] = line;
    }
}
#define SEE(condition) see(guest.block, (condition), __LINE__)

static void guest_map(const struct guest *guest, tes_memory_t memory, uint64_t address,
                      uint64_t size, uint64_t flags)
{
    uint64_t mapped = 0;
    MUST(tes_space_map(guest->space, memory, 0, address, size, flags, &mapped));
}

static void guest_bind(const struct guest *guest, tes_space_t space)
{
    MUST(tes_thread_control((tes_thread_t){ 0 }, TES_THREAD_GUEST, space.value,
                            (uint64_t)guest->state));
}

static void fill_code(struct guest *guest)
{
    const tes_space_t own = guest->block->space;
    uint64_t at = 0;
    MUST(tes_memory_create(guest->block->quota, PAGE, 0, (tes_endpoint_t){ 0 }, 0, &guest->code));
    MUST(tes_space_map(own, guest->code, 0, near(guest->block, 0), PAGE, READ_WRITE, &at));
    memcpy((void *)at, guest_page, (size_t)(guest_page_end - guest_page));
    MUST(tes_space_unmap(own, at, PAGE));
    MUST(tes_memory_control(guest->code, TES_MEMORY_CONTROL_SEAL, 0, PAGE));
}

// A guest with code and two private pages of data; the thread is bound to it.
static struct guest guest_make(struct child_block *block)
{
    struct guest guest = { .block = block };
    const tes_quota_t given = { block->handles[GIVEN_QUOTA] };
    const tes_endpoint_t none = { 0 };
    tes_memory_t page = { 0 };
    uint64_t at = 0;
    fill_code(&guest);
    MUST(tes_space_create(given.value != 0 ? given : block->quota, 0, &guest.space));
    guest_map(&guest, guest.code, GUEST_CODE, PAGE, TES_SPACE_MAP_READ | TES_SPACE_MAP_EXECUTE);
    MUST(tes_memory_create(block->quota, 2 * PAGE, 0, none, 0, &guest.data));
    guest_map(&guest, guest.data, GUEST_DATA, 2 * PAGE, READ_WRITE | TES_SPACE_MAP_PRIVATE);
    MUST(tes_memory_create(block->quota, PAGE, 0, none, 0, &page));
    MUST(tes_space_map(block->space, page, 0, near(block, 1), PAGE, READ_WRITE, &at));
    guest.state = (struct tes_guest_state *)at;
    guest_bind(&guest, guest.space);
    return guest;
}

static uint64_t address_of(const uint8_t *program)
{
    const uint8_t *page = guest_page;
    __asm__("" : "+r"(page)); // where it is now: as a constant it would be where it was linked to
    return GUEST_CODE + (uint64_t)(program - page);
}

static void set(const struct guest *guest, const uint8_t *program, uint64_t rdi, uint64_t rsi)
{
    guest->state->registers = (struct tes_registers){
        .rip = address_of(program),
        .rsp = GUEST_STACK,
        .rdi = rdi,
        .rsi = rsi,
        .rflags = 2,
    };
    guest->state->full_restore = 1;
    guest->state->exit_reason = UINT32_MAX;
}

static bool runs_to_call(const struct guest *guest, const uint8_t *program, uint64_t rdi,
                         uint64_t rsi)
{
    set(guest, program, rdi, rsi);
    return guest_run() == TES_OK && guest->state->exit_reason == TES_GUEST_EXIT_SYSTEM_CALL;
}

static bool runs_to_fault(const struct guest *guest, const uint8_t *program, uint64_t rdi,
                          uint64_t cause)
{
    set(guest, program, rdi, 1);
    return guest_run() == TES_OK && guest->state->exit_reason == TES_GUEST_EXIT_FAULT &&
           guest->state->fault_cause == cause;
}

// --- in the personality ---

// rax rbx rcx rdx rsi rdi rbp rsp r8..r15 are words 0 to 15.
static void registers_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    uint64_t *words = (uint64_t *)&guest.state->registers;
    const uint32_t lost = 1u << 2 | 1u << 11 | 1u << 7; // rcx, r11; rsp apart
    for (uint32_t round = 0; round < 4; round++) {      // full and quick way in
        for (uint64_t i = 0; i < 16; i++) {
            words[i] = PATTERN * i;
        }
        guest.state->registers.rsp = GUEST_STACK; // the full way checks it
        guest.state->registers.rip = address_of(guest_count);
        guest.state->registers.rflags = 2;
        guest.state->registers.fs_base = 0x12345000;
        guest.state->registers.gs_base = 0x54321000;
        guest.state->full_restore = round % 2;
        SEE(guest_run() == TES_OK);
        SEE(guest.state->exit_reason == TES_GUEST_EXIT_SYSTEM_CALL);
        for (uint64_t i = 0; i < 16; i++) {
            SEE((lost >> i & 1) != 0 || words[i] == PATTERN * i + 1);
        }
        SEE(guest.state->registers.rsp == GUEST_STACK + 1);
        SEE(guest.state->registers.fs_base == 0x12345000);
        SEE(guest.state->registers.gs_base == 0x54321000);
        SEE(guest.state->registers.rip == address_of(guest_undefined));
    }
}

static void faults_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    const struct tes_guest_state *state = guest.state;
    SEE(runs_to_fault(&guest, guest_undefined, 7, TES_FAULT_INSTRUCTION));
    SEE(state->registers.rip == address_of(guest_undefined) && state->registers.rdi == 7);
    SEE(state->fault_detail >> 32 == 6);
    SEE(runs_to_fault(&guest, guest_halt, 0, TES_FAULT_PROTECTION));
    SEE(state->fault_detail >> 32 == 13);
    SEE(runs_to_fault(&guest, guest_breakpoint, 0, TES_FAULT_BREAKPOINT));
    SEE(state->registers.rip == address_of(guest_divide)); // behind it
    SEE(runs_to_fault(&guest, guest_divide, 0, TES_FAULT_DIVIDE));
    SEE(runs_to_fault(&guest, guest_read, 0x10, TES_FAULT_PAGE));
    SEE(state->fault_address == 0x10 && state->fault_access == 0);
    SEE(runs_to_fault(&guest, guest_write, GUEST_CODE, TES_FAULT_PAGE));
    SEE(state->fault_address == GUEST_CODE);
    SEE((state->fault_access & TES_FAULT_ACCESS_WRITE) != 0);
    SEE(runs_to_fault(&guest, guest_read, NOT_CANONICAL, TES_FAULT_PROTECTION));
}

// Neither the personality's part nor the kernel's.
static void upper_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    SEE(runs_to_fault(&guest, guest_read, (uint64_t)guest.state, TES_FAULT_PAGE));
    SEE(guest.state->fault_address == (uint64_t)guest.state);
    SEE(runs_to_fault(&guest, guest_write, (uint64_t)guest.block, TES_FAULT_PAGE));
    SEE(runs_to_fault(&guest, guest_read, TES_PERSONALITY_BASE, TES_FAULT_PAGE));
    SEE(runs_to_fault(&guest, guest_read, 0xffffffff80200000ull, TES_FAULT_PAGE));
    SEE(runs_to_call(&guest, guest_read, GUEST_DATA, 0));
}

static bool is_refused(const struct guest *guest, const struct tes_registers *registers,
                       uint32_t full_restore)
{
    guest->state->registers = *registers;
    guest->state->full_restore = full_restore;
    return guest_run() == TES_ERROR_BAD_ADDRESS;
}

static void state_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    set(&guest, guest_flags, 0, 0);
    const struct tes_registers good = guest.state->registers;
    for (uint32_t full = 0; full < 2; full++) {
        struct tes_registers bad = good;
        bad.rip = NOT_CANONICAL;
        SEE(is_refused(&guest, &bad, full));
        bad = good;
        bad.fs_base = NOT_CANONICAL;
        SEE(is_refused(&guest, &bad, full));
        bad = good;
        bad.gs_base = 0xffffffff80000000ull;
        SEE(is_refused(&guest, &bad, full));
    }
    struct tes_registers flags = good;
    flags.rflags = FLAGS_FORBIDDEN | 2;
    SEE(is_refused(&guest, &flags, 1));
    guest.state->registers = flags;
    guest.state->full_restore = 0; // the quick way takes what user code may have
    SEE(guest_run() == TES_OK && guest.state->exit_reason == TES_GUEST_EXIT_SYSTEM_CALL);
    SEE((guest.state->registers.rax & FLAGS_FORBIDDEN) == 0);
    SEE((guest.state->registers.rax & FLAG_INTERRUPT) != 0);
}

static void bind_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    const tes_thread_t self = { 0 };
    const uint64_t state = (uint64_t)guest.state;
    SEE(runs_to_call(&guest, guest_call, 0, 0));
    SEE(guest.state->registers.rip == address_of(guest_call_end));
    SEE(tes_thread_control(self, TES_THREAD_GUEST, guest.space.value, state + 8) ==
        TES_ERROR_BAD_ADDRESS);
    SEE(tes_thread_control(self, TES_THREAD_GUEST, guest.space.value, 0x1000) ==
        TES_ERROR_BAD_ADDRESS);
    SEE(tes_thread_control(self, TES_THREAD_GUEST, block->space.value, state) == TES_ERROR_INVALID);
    SEE(tes_thread_control(self, TES_THREAD_GUEST, 0, 0) == TES_OK);
    SEE(guest_run() == TES_ERROR_INVALID);
    guest_bind(&guest, guest.space);
    SEE(runs_to_call(&guest, guest_call, 0, 0));
}

static void clone_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    const uint64_t at = GUEST_DATA;
    tes_space_t clone = { 0 };
    SEE(runs_to_call(&guest, guest_write, at, 1));
    MUST(tes_space_clone(guest.space, block->quota, &clone));
    SEE(runs_to_call(&guest, guest_write, at, 2));
    guest_bind(&guest, clone);
    SEE(runs_to_call(&guest, guest_read, at, 0) && guest.state->registers.rax == 1);
    SEE(runs_to_call(&guest, guest_write, at, 3));
    guest_bind(&guest, guest.space);
    SEE(runs_to_call(&guest, guest_read, at, 0) && guest.state->registers.rax == 2);
    guest_bind(&guest, clone);
    SEE(tes_object_destroy(tes_space_any(guest.space)) == TES_OK);
    SEE(runs_to_call(&guest, guest_read, at, 0) && guest.state->registers.rax == 3);
}

static void writable_code_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    const uint64_t all = READ_WRITE | TES_SPACE_MAP_EXECUTE;
    uint64_t mapped = 0;
    SEE(tes_space_map(guest.space, guest.data, 0, 0, PAGE, all, &mapped) == TES_ERROR_INVALID);
    SEE(tes_space_protect(guest.space, GUEST_DATA, PAGE, all) == TES_ERROR_INVALID);
    set(&guest, guest_call, 0, 0);
    guest.state->registers.rip = GUEST_DATA;
    SEE(guest_run() == TES_OK && guest.state->exit_reason == TES_GUEST_EXIT_FAULT);
    SEE((guest.state->fault_access & TES_FAULT_ACCESS_EXECUTE) != 0);
}

// The numbers of the kernel's own calls mean nothing special in a guest.
static void numbers_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    for (uint64_t number = 0; number < TES_CALL_COUNT; number++) {
        set(&guest, guest_call, block->process.value, 0);
        guest.state->registers.rax = number;
        guest.state->full_restore = number % 2 == 0;
        SEE(guest_run() == TES_OK && guest.state->exit_reason == TES_GUEST_EXIT_SYSTEM_CALL);
        SEE(guest.state->registers.rax == number);
        SEE(guest.state->registers.rip == address_of(guest_call_end));
    }
}

static void wait_go(struct child_block *block)
{
    volatile uint64_t *words = block->words;
    words[WORD_READY] = 1;
    while (words[WORD_GO] == 0) {
    }
}

static void spin_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    set(&guest, guest_spin, GUEST_DATA, 0);
    block->words[WORD_READY] = 1;
    block->words[WORD_STATUS] = (uint64_t)(int64_t)guest_run();
    block->words[WORD_REASON] = guest.state->exit_reason;
    SEE(runs_to_call(&guest, guest_read, GUEST_DATA, 0) && guest.state->registers.rax != 0);
}

static void latched_main(struct child_block *block)
{
    const struct guest guest = guest_make(block);
    wait_go(block); // kicked meanwhile
    set(&guest, guest_spin, GUEST_DATA, 0);
    SEE(guest_run() == TES_OK && guest.state->exit_reason == TES_GUEST_EXIT_KICK);
    SEE(runs_to_call(&guest, guest_call, 0, 0)); // once
}

// --- the parent ---

static void start(struct child *child, child_entry_t *entry, tes_quota_t given)
{
    const struct child_options options = { .name = "personality",
                                           .is_personality = true,
                                           .quota = test.quota };
    OK(child_create(child, &options));
    if (given.value != 0) {
        OK(child_give(child, GIVEN_QUOTA, given.value));
    }
    OK(child_run(child, entry));
}

static void finish(struct child *child)
{
    OK(child_wait(child));
    CHECK_EQUAL(child->block->words[WORD_LINE], 0); // the line of what was wrong
    OK(child_destroy(child));
}

static void run(child_entry_t *entry)
{
    struct child child;
    start(&child, entry, (tes_quota_t){ 0 });
    finish(&child);
}

static void await_ready(struct child *child)
{
    test_await_above(&child->block->words[WORD_READY], 0);
    program_sleep(RUN_NS);
}

static void registers_pass_both_ways(void)
{
    run(registers_main);
}

static void faults_are_told(void)
{
    run(faults_main);
}

static void a_guest_sees_its_own_half_only(void)
{
    run(upper_main);
}

static void bad_states_are_refused(void)
{
    run(state_main);
    test_covered(TES_CALL_GUEST_ENTER, TES_ERROR_BAD_ADDRESS);
}

static void a_thread_is_bound_and_unbound(void)
{
    run(bind_main);
}

static void clones_have_their_own_pages(void)
{
    run(clone_main);
}

static void the_kernels_call_numbers_are_the_guests(void)
{
    run(numbers_main);
}

static void code_is_not_writable(void)
{
    run(writable_code_main);
}

static void a_kick_ends_a_running_guest(void)
{
    struct child child;
    start(&child, spin_main, (tes_quota_t){ 0 });
    await_ready(&child);
    OK(tes_thread_cancel(child.thread, TES_THREAD_CANCEL_KICK));
    OK(child_wait(&child));
    CHECK_EQUAL(child.block->words[WORD_STATUS], TES_OK);
    CHECK_EQUAL(child.block->words[WORD_REASON], TES_GUEST_EXIT_KICK);
    CHECK_EQUAL(child.block->words[WORD_LINE], 0);
    OK(child_destroy(&child));
}

static void a_kick_outside_waits_for_the_next_enter(void)
{
    struct child child;
    start(&child, latched_main, (tes_quota_t){ 0 });
    await_ready(&child);
    OK(tes_thread_cancel(child.thread, TES_THREAD_CANCEL_KICK));
    child.block->words[WORD_GO] = 1;
    finish(&child);
}

static void a_personality_dies_in_its_guest(void)
{
    struct child child;
    start(&child, spin_main, (tes_quota_t){ 0 });
    await_ready(&child);
    OK(child_destroy(&child));
}

// The Space goes with the Quota that paid for it, its thread inside: the thread comes out.
static void a_guest_goes_while_a_thread_is_inside(void)
{
    struct child child;
    tes_quota_t quota = { 0 };
    OK(tes_quota_create(test.quota, 100, 20, 20, 0, &quota));
    start(&child, spin_main, quota);
    await_ready(&child);
    test_destroy(tes_quota_any(quota));
    OK(child_wait(&child));
    CHECK_EQUAL(child.block->words[WORD_STATUS], TES_OK);
    CHECK_EQUAL(child.block->words[WORD_REASON], TES_GUEST_EXIT_KICK);
    OK(child_destroy(&child));
}

static const struct test_case guest_tests[] = {
    { "registers pass both ways", registers_pass_both_ways, 0 },
    { "faults are told", faults_are_told, 0 },
    { "a guest sees its own half only", a_guest_sees_its_own_half_only, 0 },
    { "bad states are refused", bad_states_are_refused, 0 },
    { "a thread is bound and unbound", a_thread_is_bound_and_unbound, 0 },
    { "clones have their own pages", clones_have_their_own_pages, 0 },
    { "the kernel's call numbers are the guest's", the_kernels_call_numbers_are_the_guests, 0 },
    { "code is not writable", code_is_not_writable, 0 },
    { "a kick ends a running guest", a_kick_ends_a_running_guest, 0 },
    { "a kick outside waits for the next enter", a_kick_outside_waits_for_the_next_enter, 0 },
    { "a personality dies in its guest", a_personality_dies_in_its_guest, 0 },
    { "a guest goes while a thread is inside", a_guest_goes_while_a_thread_is_inside, 0 },
};
const struct test_group guest_group = TEST_GROUP(guest);
