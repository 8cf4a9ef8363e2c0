// SPDX-License-Identifier: MIT OR Apache-2.0
// What the system says about itself: names, memory, random bytes.

#include <personality/errors.h>
#include <rt/string.h>

#include "guest.h"
#include "linux_calls.h"

#define BOUNCE_SIZE   256U
#define PERSONA_QUERY UINT64_C(0xffffffff)
#define SYSLOG_SIZE   10

int64_t linux_call_uname(struct linux_task *task, uint64_t buffer)
{
    // The release is the Linux whose interface this is: programs compare it, glibc wants 3.2.
    static const char *const fields[] = { "Linux",  "tessera", "6.1.0-tessera",
                                          "#1 SMP", "x86_64",  "(none)" };
    struct linux_utsname names;
    memset(&names, 0, sizeof(names));
    for (size_t index = 0; index < sizeof(fields) / sizeof(fields[0]); index++) {
        memcpy(names.fields[index], fields[index], strlen(fields[index]));
    }
    return linux_guest_write(task, buffer, &names, sizeof(names));
}

int64_t linux_call_sysinfo(struct linux_task *task, uint64_t buffer)
{
    struct platform_memory_info memory;
    platform_memory_info(&memory);
    const struct linux_sysinfo info = {
        .uptime = (int64_t)(platform_clock_monotonic_ns() / LINUX_NS_PER_S),
        .totalram = memory.total,
        .freeram = memory.free,
        .sharedram = task->container->heap.pages_used << LINUX_PAGE_SHIFT,
        .procs = 1,
        .mem_unit = 1,
    };
    return linux_guest_write(task, buffer, &info, sizeof(info));
}

int64_t linux_call_getrandom(struct linux_task *task, uint64_t buffer, uint64_t size,
                             uint32_t flags)
{
    uint8_t bytes[BOUNCE_SIZE];
    uint64_t done = 0;
    if ((flags & ~LINUX_GRND_FLAGS) != 0) {
        return -LINUX_EINVAL;
    }
    size = size < INT32_MAX ? size : INT32_MAX;
    while (done < size) {
        size_t chunk = size - done < BOUNCE_SIZE ? (size_t)(size - done) : BOUNCE_SIZE;
        platform_random(bytes, chunk);
        if (linux_guest_write(task, buffer + done, bytes, chunk) != 0) {
            return done == 0 ? -LINUX_EFAULT : (int64_t)done;
        }
        done += chunk;
    }
    return (int64_t)done;
}

// The log ring that a container sees is empty.
int64_t linux_call_syslog(struct linux_task *task, int32_t type, uint64_t buffer, int32_t size)
{
    (void)buffer;
    (void)size;
    if (task->credentials.euid != 0) {
        return -LINUX_EPERM;
    }
    return type < 0 || type > SYSLOG_SIZE ? -LINUX_EINVAL : 0;
}

int64_t linux_call_getcpu(struct linux_task *task, uint64_t cpu, uint64_t node, uint64_t cache)
{
    static const uint32_t zero = 0;
    (void)cache;
    if (cpu != 0 && linux_guest_write(task, cpu, &zero, sizeof(zero)) != 0) {
        return -LINUX_EFAULT;
    }
    return node == 0 ? 0 : linux_guest_write(task, node, &zero, sizeof(zero));
}

int64_t linux_call_personality(struct linux_task *task, uint64_t persona)
{
    if (persona != PERSONA_QUERY && persona != 0) {
        task->container->refused_flags++;
        return -LINUX_EINVAL;
    }
    return 0;
}
