// SPDX-License-Identifier: MIT OR Apache-2.0
// Host (unit tests of kernel objects): what the portable kernel looks at in a core's architecture
// data.
#pragma once

#include <stdint.h>

struct arch_cpu {
    uint64_t root;
    uint32_t in_guest;
    uint32_t reserved;
};
