// SPDX-License-Identifier: MIT OR Apache-2.0
// signal_wait_rt: two processes, two notifications; each signals the other's and waits for its own.
#include "measure.h"

#define BIT_GO      1u
#define BIT_STOP    2u
#define HANDLE_OWN  1u // of the child's block: the notification it waits for
#define HANDLE_PEER 2u
#define WORD_ERRORS 0u

static void peer_main(struct child_block *block)
{
    const tes_notification_t own = { block->handles[HANDLE_OWN] };
    const tes_notification_t peer = { block->handles[HANDLE_PEER] };
    uint64_t bits = 0;
    while ((bits & BIT_STOP) == 0) {
        if (tes_notification_wait(own, BIT_GO | BIT_STOP, 0, &bits) != TES_OK ||
            tes_notification_signal(peer, BIT_GO) != TES_OK) {
            block->words[WORD_ERRORS]++;
            return;
        }
    }
}

struct two {
    tes_notification_t own, peer;
};

static void round_trips(void *context, uint32_t operations)
{
    const struct two two = *(const struct two *)context;
    for (uint32_t i = 0; i < operations; i++) {
        uint64_t bits = 0;
        if (tes_notification_signal(two.peer, BIT_GO) != TES_OK ||
            tes_notification_wait(two.own, BIT_GO, 0, &bits) != TES_OK || bits != BIT_GO) {
            program_exit(PROGRAM_EXIT_BAD);
        }
    }
}

void bench_signal_wait(void)
{
    struct child child;
    struct two two;
    uint64_t bits = 0;
    helper_create(&child, 1);
    MUST(tes_notification_create(own_quota(), &two.own));
    MUST(tes_notification_create(own_quota(), &two.peer));
    MUST(child_give(&child, HANDLE_OWN, two.peer.value));
    MUST(child_give(&child, HANDLE_PEER, two.own.value));
    MUST(child_run(&child, peer_main));
    bench("signal_wait_rt", round_trips, &two, BENCH_OPERATIONS);
    MUST(tes_notification_signal(two.peer, BIT_STOP));
    MUST(tes_notification_wait(two.own, BIT_GO, 0, &bits));
    MUST(child_wait(&child));
    MUST(child.block->words[WORD_ERRORS] == 0 ? TES_OK : TES_ERROR_INVALID);
    MUST(child_destroy(&child));
    MUST(tes_object_destroy(tes_notification_any(two.own)));
    MUST(tes_object_destroy(tes_notification_any(two.peer)));
}
