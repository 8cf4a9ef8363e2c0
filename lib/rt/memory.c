// SPDX-License-Identifier: MIT OR Apache-2.0
// memcpy, memmove, memset, memcmp, memchr: eight bytes at a time with plain loads and stores.
// String instructions are not used: they count (and on emulators cost) one step for each byte. Not
// compiled for a host. The empty assembly in loops keeps compilers from turning a loop back into a
// call of the very function it implements.
#include <rt/string.h>
#include <stdint.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) word_t;
typedef uint32_t __attribute__((aligned(1), may_alias)) half_t;

#define WORD  sizeof(word_t)
#define HALF  sizeof(half_t)
#define BLOCK (4 * WORD)

#define KEEP_LOOP() __asm__ volatile("")

static void copy_small(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= WORD) {
        word_t last = *(const word_t *)(from + size - WORD);
        *(word_t *)to = *(const word_t *)from;
        *(word_t *)(to + size - WORD) = last;
    } else if (size >= HALF) {
        half_t last = *(const half_t *)(from + size - HALF);
        *(half_t *)to = *(const half_t *)from;
        *(half_t *)(to + size - HALF) = last;
    } else if (size != 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    uint8_t *to = destination;
    const uint8_t *from = source;
    for (; size >= BLOCK; size -= BLOCK) {
        KEEP_LOOP();
        word_t a = ((const word_t *)from)[0];
        word_t b = ((const word_t *)from)[1];
        word_t c = ((const word_t *)from)[2];
        word_t d = ((const word_t *)from)[3];
        ((word_t *)to)[0] = a;
        ((word_t *)to)[1] = b;
        ((word_t *)to)[2] = c;
        ((word_t *)to)[3] = d;
        to += BLOCK;
        from += BLOCK;
    }
    for (; size > 2 * WORD; size -= WORD) {
        KEEP_LOOP();
        *(word_t *)to = *(const word_t *)from;
        to += WORD;
        from += WORD;
    }
    copy_small(to, from, size);
    return destination;
}

static void copy_up(uint8_t *to, const uint8_t *from, size_t size)
{
    for (; size >= WORD; size -= WORD) {
        KEEP_LOOP();
        *(word_t *)to = *(const word_t *)from;
        to += WORD;
        from += WORD;
    }
    for (; size != 0; size--) {
        KEEP_LOOP();
        *to++ = *from++;
    }
}

static void copy_down(uint8_t *to, const uint8_t *from, size_t size)
{
    for (; size >= WORD; size -= WORD) {
        KEEP_LOOP();
        *(word_t *)(to + size - WORD) = *(const word_t *)(from + size - WORD);
    }
    for (; size != 0; size--) {
        KEEP_LOOP();
        to[size - 1] = from[size - 1];
    }
}

void *memmove(void *destination, const void *source, size_t size)
{
    uintptr_t distance = (uintptr_t)destination - (uintptr_t)source;
    if (distance >= size) {
        copy_up(destination, source, size);
    } else {
        copy_down(destination, source, size);
    }
    return destination;
}

void *memset(void *destination, int byte, size_t size)
{
    const uint64_t every_byte = UINT64_C(0x0101010101010101);
    uint8_t *to = destination;
    word_t pattern = every_byte * (uint8_t)byte;
    for (; size >= BLOCK; size -= BLOCK) {
        KEEP_LOOP();
        ((word_t *)to)[0] = pattern;
        ((word_t *)to)[1] = pattern;
        ((word_t *)to)[2] = pattern;
        ((word_t *)to)[3] = pattern;
        to += BLOCK;
    }
    for (; size >= WORD; size -= WORD) {
        KEEP_LOOP();
        *(word_t *)to = pattern;
        to += WORD;
    }
    for (; size != 0; size--) {
        KEEP_LOOP();
        *to++ = (uint8_t)byte;
    }
    return destination;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    while (size >= WORD && *(const word_t *)x == *(const word_t *)y) {
        KEEP_LOOP();
        x += WORD;
        y += WORD;
        size -= WORD;
    }
    for (; size != 0; size--) {
        KEEP_LOOP();
        if (*x != *y) {
            return *x - *y;
        }
        x++;
        y++;
    }
    return 0;
}

void *memchr(const void *bytes, int byte, size_t size)
{
    const uint8_t *at = bytes;
    for (; size != 0; size--, at++) {
        KEEP_LOOP();
        if (*at == (uint8_t)byte) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}
