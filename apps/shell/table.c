// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading what the kernel tells through the machine's Resource.
#include <abi/info.h>
#include <rt/string.h>
#include <tes/calls.h>

#include "shell.h"

tes_status_t info_read(struct shell *shell, uint64_t topic, uint64_t index, void *out,
                       uint64_t size)
{
    uint64_t written = 0;
    memset(out, 0, size);
    return tes_object_info(tes_resource_any(shell->machine), topic, index, (uint64_t)out, size,
                           &written);
}
