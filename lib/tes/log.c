// SPDX-License-Identifier: MIT OR Apache-2.0
// Log lines and failed assertions.
#include <rt/format.h>
#include <rt/string.h>
#include <tes/calls.h>
#include <tes/log.h>
#include <tes/startup.h>

#define ASSERT_EXIT_STATUS 134

static tes_resource_t log_resource;

void tes_log_set(tes_resource_t resource)
{
    log_resource = resource;
}

void tes_log(const char *format, ...)
{
    tes_resource_t resource = log_resource;
    if (resource.value == 0) {
        resource = tes_resource_from(tes_startup_handle("log"));
    }
    char line[TES_LOG_LINE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int length = rt_vformat(line, sizeof(line), format, arguments);
    va_end(arguments);
    uint64_t size = length < (int)TES_LOG_LINE_MAX ? (uint64_t)length : TES_LOG_LINE_MAX;
    uint64_t result = 0;
    // A component without a log has nowhere to say so.
    (void)!tes_resource_control(resource, TES_RESOURCE_CONTROL_LOG_WRITE, (uint64_t)line, size, 0,
                                &result);
}

_Noreturn void tes_assert_fail(const char *condition, const char *file, int line)
{
    tes_log("assertion failed: %s at %s:%d", condition, file, line);
    tes_exit(ASSERT_EXIT_STATUS);
}
