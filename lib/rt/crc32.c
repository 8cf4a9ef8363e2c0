// SPDX-License-Identifier: MIT OR Apache-2.0
// CRC-32, four bits at a time: a table of 16 words instead of 256.
#include <rt/crc32.h>

#define NIBBLE_BITS 4u
#define NIBBLE_MASK 15u

static const uint32_t nibble_sums[NIBBLE_MASK + 1] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t rt_crc32(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    sum = ~sum;
    for (; size != 0; size--) {
        sum ^= *at++;
        sum = (sum >> NIBBLE_BITS) ^ nibble_sums[sum & NIBBLE_MASK];
        sum = (sum >> NIBBLE_BITS) ^ nibble_sums[sum & NIBBLE_MASK];
    }
    return ~sum;
}
