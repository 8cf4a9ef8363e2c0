// SPDX-License-Identifier: MIT OR Apache-2.0
// Device registers in memory: one access of exactly that width, neither merged nor left out. Order
// against normal memory is the caller's business (arch barriers). The only place for volatile.
#pragma once

#include <stdint.h>

static inline uint8_t mmio_read8(const void *address)
{
    return *(const volatile uint8_t *)address;
}

static inline uint16_t mmio_read16(const void *address)
{
    return *(const volatile uint16_t *)address;
}

static inline uint32_t mmio_read32(const void *address)
{
    return *(const volatile uint32_t *)address;
}

static inline uint64_t mmio_read64(const void *address)
{
    return *(const volatile uint64_t *)address;
}

static inline void mmio_write8(void *address, uint8_t value)
{
    *(volatile uint8_t *)address = value;
}

static inline void mmio_write16(void *address, uint16_t value)
{
    *(volatile uint16_t *)address = value;
}

static inline void mmio_write32(void *address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline void mmio_write64(void *address, uint64_t value)
{
    *(volatile uint64_t *)address = value;
}
