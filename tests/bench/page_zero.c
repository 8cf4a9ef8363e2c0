// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel's routine that clears a page (kernel/mm/page.c), word for word: what the row page_zero
// measures and anon_fault leaves out.
#include "measure.h"

#define WORDS_PER_TURN 32u
#define PAGE_WORDS     (TES_PAGE_SIZE / sizeof(uint64_t))

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

// The empty assembly keeps the compiler from turning the loop into a call of memset.
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
