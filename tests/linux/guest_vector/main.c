// SPDX-License-Identifier: MIT OR Apache-2.0
// Vector registers that must survive system calls, the personality's run and other threads. Calls
// and spins are in start.S, where the compiler cannot touch a register between load and store.

#include <stdint.h>

#define CALL_WRITE      1
#define CALL_GETPID     39
#define CALL_EXIT_GROUP 231
#define REGISTERS       16
#define WORDS           (2 * REGISTERS)
#define ROUNDS          40
#define CALLS           200
#define SPIN            400000
#define MXCSR_ROUND_UP  0x5f80U

void vector_load(const void *registers);
void vector_store(void *registers);
long raw(long number, long a, long b, long c);
void spin(long count);
__attribute__((noreturn, used)) void start_main(long count, char **arguments);

static void say(const char *text)
{
    long size = 0;
    while (text[size] != '\0') {
        size++;
    }
    (void)raw(CALL_WRITE, 1, (long)text, size);
}

static int differs(const uint64_t *a, const uint64_t *b)
{
    for (int i = 0; i < WORDS; i++) {
        if (a[i] != b[i]) {
            return 1;
        }
    }
    return 0;
}

static const char *check(uint64_t seed)
{
    uint64_t before[WORDS];
    uint64_t after[WORDS];
    uint32_t control = MXCSR_ROUND_UP;
    for (int i = 0; i < WORDS; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        before[i] = seed;
    }
    __asm__ volatile("ldmxcsr %0" : : "m"(control));
    vector_load(before);
    for (int call = 0; call < CALLS; call++) {
        (void)raw(CALL_GETPID, 0, 0, 0);
    }
    spin(SPIN);
    vector_store(after);
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    if (differs(before, after)) {
        return "a vector register changed\n";
    }
    return control == MXCSR_ROUND_UP ? (const char *)0 : "MXCSR changed\n";
}

__attribute__((noreturn, used)) void start_main(long count, char **arguments)
{
    uint64_t seed = count > 1 ? (uint64_t)(unsigned char)arguments[1][0] : 1;
    for (int round = 0; round < ROUNDS; round++) {
        const char *problem = check(seed + (uint64_t)round);
        if (problem != (const char *)0) {
            say(problem);
            (void)raw(CALL_EXIT_GROUP, 1, 0, 0);
        }
    }
    say("vector ok\n");
    for (;;) {
        (void)raw(CALL_EXIT_GROUP, 0, 0, 0);
    }
}
