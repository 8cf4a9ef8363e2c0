// SPDX-License-Identifier: MIT OR Apache-2.0
// CRC-32 as in IEEE 802.3 and zlib (reflected polynomial 0xedb88320).
#pragma once

#include <stddef.h>
#include <stdint.h>

// Continues a sum: begin with 0, then hand in what the part before returned.
uint32_t rt_crc32(uint32_t sum, const void *bytes, size_t size);
