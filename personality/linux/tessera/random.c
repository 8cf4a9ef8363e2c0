// SPDX-License-Identifier: MIT OR Apache-2.0
// Random bytes: ChaCha20 (RFC 8439, 2.3) as a generator, keyed from the CPU's source where there is
// one, the loader's random word and the clock; the key is replaced after every request.
#include <arch_user/ticks.h>
#include <rt/bits.h>
#include <rt/string.h>
#include <tes/startup.h>

#include "guest_run.h"
#include "platform.h"

#define STATE_WORDS   16u
#define KEY_WORDS     8u
#define KEY_FIRST     4u
#define COUNTER_WORD  12u
#define DOUBLE_ROUNDS 10u

static struct {
    uint32_t state[STATE_WORDS];
    bool is_keyed;
} generator;

static uint32_t rotate(uint32_t value, uint32_t count)
{
    return value << count | value >> (32 - count);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

static void block(uint32_t out[STATE_WORDS])
{
    uint32_t *x = out;
    memcpy(x, generator.state, sizeof(generator.state));
    for (uint32_t round = 0; round < DOUBLE_ROUNDS; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            quarter(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
        }
        for (uint32_t i = 0; i < 4; i++) {
            quarter(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
        }
    }
    for (uint32_t i = 0; i < STATE_WORDS; i++) {
        out[i] += generator.state[i];
    }
    generator.state[COUNTER_WORD]++;
}

static void key(void)
{
    static const char constant[] = "expand 32-byte k";
    memcpy(generator.state, constant, KEY_FIRST * sizeof(uint32_t));
    for (uint32_t i = 0; i < KEY_WORDS; i += 2) {
        uint64_t word = tes_self()->random ^ tes_arch_ticks() ^ linux_cpu_random();
        memcpy(&generator.state[KEY_FIRST + i], &word, sizeof(word));
    }
    generator.is_keyed = true;
}

void platform_random(void *buffer, size_t size)
{
    uint32_t words[STATE_WORDS];
    uint8_t *bytes = buffer;
    if (!generator.is_keyed) {
        key();
    }
    for (size_t done = 0; done < size;) {
        size_t piece = min_u64(size - done, sizeof(words));
        block(words);
        memcpy(bytes + done, words, piece);
        done += piece;
    }
    block(words); // what was given out cannot be computed again
    memcpy(&generator.state[KEY_FIRST], words, KEY_WORDS * sizeof(uint32_t));
}
