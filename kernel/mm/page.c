// SPDX-License-Identifier: MIT OR Apache-2.0
// Clearing pages and copying them or parts of them with general registers, 8 bytes a store,
// unrolled. String instructions would count one instruction per repetition in the emulator.
#include "mm.h"

#include <rt/string.h>

#define WORDS_PER_TURN 32u
#define PAGE_WORDS     (PAGE_SIZE / sizeof(uint64_t))

static inline void zero_line(uint64_t *words)
{
    words[0] = 0;
    words[1] = 0;
    words[2] = 0;
    words[3] = 0;
    words[4] = 0;
    words[5] = 0;
    words[6] = 0;
    words[7] = 0;
}

typedef uint64_t __attribute__((aligned(1), may_alias)) word_t;

static inline void copy_line(word_t *to, const word_t *from)
{
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
    to[3] = from[3];
    to[4] = from[4];
    to[5] = from[5];
    to[6] = from[6];
    to[7] = from[7];
}

// The empty assembly keeps the compiler from turning the loops into calls of memset and memcpy.
void page_zero(void *page)
{
    uint64_t *words = page;
    for (uint64_t *end = words + PAGE_WORDS; words != end; words += WORDS_PER_TURN) {
        zero_line(words);
        zero_line(words + 8);
        zero_line(words + 16);
        zero_line(words + 24);
        __asm__ volatile("" : : : "memory");
    }
}

void bytes_copy(void *to, const void *from, uint64_t size)
{
    word_t *words = to;
    const word_t *source = from;
    for (; size >= WORDS_PER_TURN * sizeof(word_t); size -= WORDS_PER_TURN * sizeof(word_t)) {
        copy_line(words, source);
        copy_line(words + 8, source + 8);
        copy_line(words + 16, source + 16);
        copy_line(words + 24, source + 24);
        words += WORDS_PER_TURN;
        source += WORDS_PER_TURN;
        __asm__ volatile("" : : : "memory");
    }
    memcpy(words, source, size);
}

void page_copy(void *to, const void *from)
{
    bytes_copy(to, from, PAGE_SIZE);
}
