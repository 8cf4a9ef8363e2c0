// SPDX-License-Identifier: MIT OR Apache-2.0
// Text through the first serial port (16550: data sheet, register map), a character at a time.
#include <rt/format.h>
#include <support/program.h>
#include <test_names.h>

#define SERIAL_PORT        0x3f8u
#define SERIAL_LINE_STATUS (SERIAL_PORT + 5)
#define SERIAL_THR_EMPTY   0x20u
#define LINE_SIZE          400u
#define TRIES_MAX          1000000u

static void put(char c)
{
    const tes_resource_t ports = { TES_STARTUP_PORTS };
    uint64_t value = 0;
    for (uint32_t i = 0; i < TRIES_MAX && (value & SERIAL_THR_EMPTY) == 0; i++) {
        if (tes_resource_control(ports, TES_RESOURCE_CONTROL_PORT_READ, SERIAL_LINE_STATUS, 1, 0,
                                 &value) != TES_OK) {
            return;
        }
    }
    // Without a port there is nowhere to say so.
    (void)!tes_resource_control(ports, TES_RESOURCE_CONTROL_PORT_WRITE, SERIAL_PORT, 1, (uint8_t)c,
                                &value);
}

void print(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    rt_vformat(line, sizeof(line), format, arguments);
    va_end(arguments);
    for (const char *at = line; *at != '\0'; at++) {
        put(*at);
    }
}

const char *status_name(tes_status_t status)
{
    uint64_t index = (uint64_t) - (int64_t)status;
    if (index >= sizeof(test_status_names) / sizeof(test_status_names[0])) {
        return "(no status)";
    }
    return test_status_names[index];
}

void must_be_ok(tes_status_t status, const char *what, int line)
{
    if (status != TES_OK) {
        print("\nBail out! line %d: %s: %s\n", line, what, status_name(status));
        program_exit(PROGRAM_EXIT_BAD);
    }
}
