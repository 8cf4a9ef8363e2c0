// SPDX-License-Identifier: MIT OR Apache-2.0
// revoke_256: 16 processes with 16 handles each under one Session. After each revocation every
// process tries all of its handles and counts those that still work or fail with anything but
// REVOKED. revoke_256_reclaimed: until every slot, object and page that they took is free again.
#include "measure.h"

#define PROCESSES   16u
#define HANDLES     16u
#define HANDLE_WAKE 20u // of a child's block
#define HANDLE_DONE 21u
#define BIT_TRY     1u
#define BIT_STOP    2u
#define WORD_WRONG  0u
#define WORD_TRIED  1u
#define POLLS_MAX   10000u

struct revocation {
    struct child children[PROCESSES];
    tes_notification_t wake[PROCESSES];
    tes_notification_t done; // a bit for each child
    tes_notification_t target;
    tes_session_t session;
};

static void holder_main(struct child_block *block)
{
    const tes_notification_t wake = { block->handles[HANDLE_WAKE] };
    const tes_notification_t done = { block->handles[HANDLE_DONE] };
    for (;;) {
        uint64_t bits = 0;
        if (tes_notification_wait(wake, BIT_TRY | BIT_STOP, 0, &bits) != TES_OK ||
            (bits & BIT_STOP) != 0) {
            return;
        }
        for (uint32_t i = 0; i < HANDLES; i++) {
            const tes_notification_t handle = { block->handles[i] };
            block->words[WORD_WRONG] += tes_notification_signal(handle, 1) != TES_ERROR_REVOKED;
            block->words[WORD_TRIED]++;
        }
        if (tes_notification_signal(done, block->words[2]) != TES_OK) {
            return;
        }
    }
}

static void quota_read(struct tes_info_quota *info)
{
    uint64_t written = 0;
    MUST(tes_object_info(tes_quota_any(own_quota()), TES_INFO_QUOTA, 0, (uint64_t)info,
                         sizeof(*info), &written));
}

static void setup(struct revocation *r)
{
    MUST(tes_notification_create(own_quota(), &r->done));
    MUST(tes_notification_create(own_quota(), &r->target));
    for (uint32_t i = 0; i < PROCESSES; i++) {
        helper_create(&r->children[i], 1);
        MUST(tes_notification_create(own_quota(), &r->wake[i]));
        MUST(child_give(&r->children[i], HANDLE_WAKE, r->wake[i].value));
        MUST(child_give(&r->children[i], HANDLE_DONE, r->done.value));
        r->children[i].block->words[2] = 1ull << i;
        MUST(child_run(&r->children[i], holder_main));
    }
}

static void hand_out(struct revocation *r)
{
    tes_handle_t derived = { 0 };
    MUST(tes_session_create(tes_notification_any(r->target), own_quota(), 0, 0, &r->session));
    MUST(tes_handle_derive(tes_notification_any(r->target), UINT16_MAX, r->session, &derived));
    for (uint32_t i = 0; i < PROCESSES * HANDLES; i++) {
        MUST(child_give(&r->children[i / HANDLES], i % HANDLES, derived.value));
    }
    MUST(tes_handle_close(derived.value));
}

static void everyone_tries(struct revocation *r)
{
    uint64_t all = (1ull << PROCESSES) - 1;
    for (uint32_t i = 0; i < PROCESSES; i++) {
        MUST(tes_notification_signal(r->wake[i], BIT_TRY));
    }
    while (all != 0) {
        uint64_t bits = 0;
        MUST(tes_notification_wait(r->done, all, 0, &bits));
        all &= ~bits;
    }
}

static void check(const struct revocation *r, uint64_t rounds)
{
    for (uint32_t i = 0; i < PROCESSES; i++) {
        const uint64_t *words = r->children[i].block->words;
        if (words[WORD_WRONG] != 0 || words[WORD_TRIED] != rounds * HANDLES) {
            print("revoke_256: process %u tried %lu handles, %lu were not dead\n", i,
                  (unsigned long)words[WORD_TRIED], (unsigned long)words[WORD_WRONG]);
            program_exit(PROGRAM_EXIT_BAD);
        }
    }
}

static void revoke_rounds(struct revocation *r, struct bench_samples *samples)
{
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        hand_out(r);
        uint64_t start = tes_arch_ticks();
        tes_status_t status = tes_handle_revoke(tes_session_any(r->session), 0);
        samples_add(samples, tes_arch_ticks() - start);
        MUST(status);
        everyone_tries(r);
        MUST(tes_object_destroy(tes_session_any(r->session)));
    }
}

// The quota's figures are those from before: a handful of polls, whose own cost counts too.
static void await_reclaimed(const struct tes_info_quota *before)
{
    struct tes_info_quota now = { 0 };
    for (uint32_t i = 0; i < POLLS_MAX; i++) {
        quota_read(&now);
        if (now.handles_used == before->handles_used && now.objects_used == before->objects_used &&
            now.pages_used == before->pages_used) {
            return;
        }
        MUST(tes_yield());
    }
    print("revoke_256_reclaimed: handles %lu of %lu, objects %lu of %lu, pages %lu of %lu\n",
          (unsigned long)now.handles_used, (unsigned long)before->handles_used,
          (unsigned long)now.objects_used, (unsigned long)before->objects_used,
          (unsigned long)now.pages_used, (unsigned long)before->pages_used);
    program_exit(PROGRAM_EXIT_BAD);
}

static void reclaim_rounds(struct revocation *r, struct bench_samples *samples)
{
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        struct tes_info_quota before = { 0 };
        quota_read(&before);
        hand_out(r);
        uint64_t start = tes_arch_ticks();
        tes_status_t status = tes_handle_revoke(tes_session_any(r->session), 0);
        if (status == TES_OK) {
            status = tes_object_destroy(tes_session_any(r->session));
        }
        MUST(status);
        await_reclaimed(&before);
        samples_add(samples, tes_arch_ticks() - start);
    }
}

void bench_revoke(void)
{
    static struct revocation r;
    struct bench_samples samples = { 0 };
    setup(&r);
    revoke_rounds(&r, &samples);
    check(&r, BENCH_BATCHES);
    samples_report(&samples, "revoke_256", 1);
    samples.count = 0;
    reclaim_rounds(&r, &samples);
    samples_report(&samples, "revoke_256_reclaimed", 1);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        MUST(tes_notification_signal(r.wake[i], BIT_STOP));
        MUST(child_wait(&r.children[i]));
        MUST(child_destroy(&r.children[i]));
        MUST(tes_object_destroy(tes_notification_any(r.wake[i])));
    }
    MUST(tes_object_destroy(tes_notification_any(r.target)));
    MUST(tes_object_destroy(tes_notification_any(r.done)));
}
