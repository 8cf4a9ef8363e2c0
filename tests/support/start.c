// SPDX-License-Identifier: MIT OR Apache-2.0
// From the first component's entry to program_main, and back to the machine's power switch.
#include <abi/settings.h>
#include <abi/time_page.h>
#include <abi_arch/registers.h>
#include <arch_user/ticks.h>
#include <rt/atomic.h>
#include <rt/string.h>
#include <support/program.h>

#define LOG_CHUNK 240u

// The compiler gives these names.
uintptr_t __stack_chk_guard;           // NOLINT(readability-identifier-naming)
_Noreturn void __stack_chk_fail(void); // NOLINT(readability-identifier-naming)
_Noreturn void tes_start(uint64_t image, uint64_t size);
_Noreturn void tes_thread_begin(uint64_t entry, uint64_t argument);

static struct {
    const struct tes_image_header *image;
    tes_notification_t sleep;
    _Alignas(TES_PAGE_SIZE) uint8_t message_page[TES_PAGE_SIZE];
} program;

_Noreturn void __stack_chk_fail(void) // NOLINT(readability-identifier-naming)
{
    print("Bail out! stack canary overwritten\n");
    program_exit(PROGRAM_EXIT_BAD);
}

void log_print(uint64_t bytes)
{
    char text[LOG_CHUNK + 1];
    uint64_t end = log_end();
    uint64_t at = end > bytes ? end - bytes : 0;
    while (at < end) {
        uint64_t count = log_read(at, text, LOG_CHUNK);
        if (count == 0) {
            return;
        }
        text[count] = '\0';
        print("%s", text);
        at += count;
    }
}

uint64_t log_read(uint64_t position, char *buffer, uint64_t size)
{
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_resource_any(own_machine()), TES_INFO_LOG, position,
                                          (uint64_t)buffer, size, &written);
    return status != TES_OK ? 0 : written < size ? written : size;
}

uint64_t log_end(void)
{
    char text[LOG_CHUNK];
    uint64_t at = 0;
    uint64_t count = 0;
    do {
        count = log_read(at, text, sizeof(text));
        at += count;
    } while (count != 0);
    return at;
}

_Noreturn void program_exit(uint32_t value)
{
    uint64_t result = 0;
    tes_status_t status =
        tes_resource_control(own_machine(), TES_RESOURCE_CONTROL_POWER_OFF, 0, 0, value, &result);
    print("Bail out! power off: %s\n", status_name(status));
    for (;;) {
        (void)!tes_thread_exit(0); // does not come back
    }
}

const struct tes_image_header *program_image(void)
{
    return program.image;
}

struct tes_message_page *program_message_page(void)
{
    return (struct tes_message_page *)program.message_page;
}

void program_machine(struct tes_info_machine *out_machine)
{
    uint64_t written = 0;
    MUST(tes_object_info(tes_resource_any(own_machine()), TES_INFO_MACHINE, 0,
                         (uint64_t)out_machine, sizeof(*out_machine), &written));
}

bool program_option(const char *name, char *buffer, size_t size)
{
    struct tes_info_machine machine = { 0 };
    program_machine(&machine);
    size_t length = strlen(name);
    const char *at = machine.command_line;
    while (*at != '\0') {
        const char *end = at;
        while (*end != ' ' && *end != '\0') {
            end++;
        }
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            size_t count = (size_t)(end - at) - length - 1;
            count = count < size ? count : size - 1;
            memcpy(buffer, at + length + 1, count);
            buffer[count] = '\0';
            return true;
        }
        at = *end == ' ' ? end + 1 : end;
    }
    return false;
}

uint64_t program_option_number(const char *name, uint64_t other)
{
    char text[32];
    if (!program_option(name, text, sizeof(text))) {
        return other;
    }
    uint64_t value = 0;
    for (const char *at = text; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    return value;
}

void program_sleep(uint64_t ns)
{
    uint64_t bits = 0;
    if (program.sleep.value == 0) {
        MUST(tes_notification_create(own_quota(), &program.sleep));
    }
    MUST(tes_timer_set(program.sleep, 0, 1, time_now() + ns, 0));
    // Cancelled or past the thread's deadline: the sleep is over early.
    (void)!tes_notification_wait(program.sleep, 1, 0, &bits);
}

static const struct tes_time_page *time_page(void)
{
    return (const struct tes_time_page *)TES_TIME_PAGE_ADDRESS;
}

uint64_t time_now(void)
{
    const struct tes_time_page *page = time_page();
    uint32_t before = 0;
    uint64_t now = 0;
    do { // pairs with the kernel's stores of sequence around a change
        before = atomic_load_u32(&page->sequence, ATOMIC_ACQUIRE);
        uint64_t ticks = tes_arch_ticks() - page->base_ticks;
        now =
            page->base_ns + (uint64_t)((unsigned __int128)ticks * page->multiplier >> page->shift);
    } while ((before & 1) != 0 || atomic_load_u32(&page->sequence, ATOMIC_ACQUIRE) != before);
    return now;
}

uint64_t time_ticks_per_second(void)
{
    return time_page()->ticks_per_second;
}

uint32_t machine_core_count(void)
{
    struct tes_info_machine machine = { 0 };
    program_machine(&machine);
    return machine.core_count;
}

uint32_t time_core_count(void)
{
    return time_page()->core_count;
}

__attribute__((noinline)) static _Noreturn void run(void)
{
    const tes_thread_t self = { 0 };
    MUST(tes_thread_control(self, TES_THREAD_MESSAGE_PAGE, (uint64_t)program.message_page, 0));
    program_exit(program_main());
}

__attribute__((used, no_stack_protector)) _Noreturn void tes_start(uint64_t image, uint64_t size)
{
    __stack_chk_guard = (image ^ size * 0x9e3779b97f4a7c15ull) & ~(uint64_t)0xff;
    program.image = (const struct tes_image_header *)image;
    run();
}

__attribute__((used)) _Noreturn void tes_thread_begin(uint64_t entry, uint64_t argument)
{
    ((void (*)(uint64_t))entry)(argument);
    for (;;) {
        (void)!tes_thread_exit(0); // does not come back
    }
}
