// SPDX-License-Identifier: MIT OR Apache-2.0
// A program that is the first component: its entry, its options, its output, its end.
#pragma once

#include <abi/image.h>
#include <abi/info.h>
#include <abi/startup.h>
#include <stdbool.h>
#include <stddef.h>
#include <tes/calls.h>

#define PROGRAM_EXIT_GOOD 0x10u // debug-exit values: docs/guide/debugging.md
#define PROGRAM_EXIT_BAD  0x20u

#define NS_PER_US     1000ull
#define NS_PER_MS     1000000ull
#define NS_PER_SECOND 1000000000ull

// The program itself; its exit value.
uint32_t program_main(void);
_Noreturn void program_exit(uint32_t value);
const struct tes_image_header *program_image(void);
struct tes_message_page *program_message_page(void); // of the first thread
void program_machine(struct tes_info_machine *out_machine);
// `name=value` of the kernel's command line: the number, or other if it is not there.
uint64_t program_option_number(const char *name, uint64_t other);
// Copies the value of a text option; false if it is not there.
bool program_option(const char *name, char *buffer, size_t size);

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The kernel's log: bytes from a position, the position behind the last, and printing the last
// bytes.
uint64_t log_read(uint64_t position, char *buffer, uint64_t size);
uint64_t log_end(void);
void log_print(uint64_t bytes);
const char *status_name(tes_status_t status);
// For what a program cannot go on without: says what failed and ends.
void must_be_ok(tes_status_t status, const char *what, int line);
#define MUST(expression) must_be_ok((expression), #expression, __LINE__)

static inline tes_quota_t own_quota(void)
{
    return (tes_quota_t){ TES_STARTUP_QUOTA };
}

static inline tes_space_t own_space(void)
{
    return (tes_space_t){ TES_STARTUP_SPACE };
}

static inline tes_process_t own_process(void)
{
    return (tes_process_t){ TES_STARTUP_PROCESS };
}

static inline tes_resource_t own_machine(void)
{
    return (tes_resource_t){ TES_STARTUP_MACHINE };
}

// From the time page.
uint64_t time_now(void);
uint64_t time_ticks_per_second(void);
uint32_t time_core_count(void);
uint32_t machine_core_count(void); // the kernel's word
// Waits that long on a notification of the program's own; the first thread only.
void program_sleep(uint64_t ns);
