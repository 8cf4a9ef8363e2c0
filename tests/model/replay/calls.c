// SPDX-License-Identifier: MIT OR Apache-2.0
// A trace's calls, made through the stubs. Arguments are as generate.py writes them: symbols where
// the call takes or makes handles, numbers elsewhere. A symbol whose call failed names a handle
// that was never given out.
#include "replay.h"

#include <abi/message.h>
#include <rt/string.h>

#define EXPIRY_SOON       2u // as in reference.py
#define EXPIRY_SOON_NS    NS_PER_SECOND
#define EXPIRY_MARGIN_NS  (5 * NS_PER_MS)
#define NOTICE_TIMEOUT_NS NS_PER_MS
#define PAGE_BYTES        4096u

struct maker {
    struct replay *replay;
    const uint64_t *a; // the step's arguments
};

static uint64_t handle_of(const struct maker *m, uint32_t argument)
{
    uint64_t symbol = m->a[argument];
    if (symbol == 0) {
        return 0;
    }
    return symbol < m->replay->symbol_end ? m->replay->handles[symbol] : REPLAY_HANDLE_NEVER;
}

static tes_handle_t any_of(const struct maker *m, uint32_t argument)
{
    return (tes_handle_t){ handle_of(m, argument) };
}

static tes_quota_t quota_of(const struct maker *m, uint32_t argument)
{
    return (tes_quota_t){ handle_of(m, argument) };
}

static tes_status_t made(const struct maker *m, tes_status_t status, uint64_t handle)
{
    uint64_t symbol = m->a[0];
    MUST(symbol < REPLAY_SYMBOLS_MAX ? TES_OK : TES_ERROR_NO_HANDLES);
    m->replay->handles[symbol] = status == TES_OK ? handle : REPLAY_HANDLE_NEVER;
    m->replay->symbol_end = symbol + 1;
    return status;
}

static tes_status_t call_quota(const struct maker *m)
{
    tes_quota_t child = { 0 };
    tes_status_t status = tes_quota_create(quota_of(m, 1), m->a[2], m->a[3], m->a[4], 0, &child);
    return made(m, status, child.value);
}

static tes_status_t call_adjust(const struct maker *m)
{
    return tes_quota_adjust(quota_of(m, 0), m->a[1], m->a[2], m->a[3]);
}

static tes_status_t call_endpoint(const struct maker *m)
{
    tes_endpoint_t endpoint = { 0 };
    tes_status_t status = tes_endpoint_create(quota_of(m, 1), &endpoint);
    return made(m, status, endpoint.value);
}

static tes_status_t call_notification(const struct maker *m)
{
    tes_notification_t notification = { 0 };
    tes_status_t status = tes_notification_create(quota_of(m, 1), &notification);
    return made(m, status, notification.value);
}

static tes_status_t call_memory(const struct maker *m)
{
    tes_memory_t memory = { 0 };
    tes_status_t status = tes_memory_create(quota_of(m, 1), m->a[2] * PAGE_BYTES, m->a[3],
                                            (tes_endpoint_t){ 0 }, 0, &memory);
    return made(m, status, memory.value);
}

static tes_status_t call_session(const struct maker *m)
{
    tes_session_t session = { 0 };
    uint64_t expiry_ns = m->a[4];
    if (expiry_ns == EXPIRY_SOON) {
        expiry_ns = time_now() + EXPIRY_SOON_NS;
        m->replay->expiry_ns = expiry_ns;
    }
    tes_status_t status =
        tes_session_create(any_of(m, 1), quota_of(m, 2), m->a[3], expiry_ns, &session);
    return made(m, status, session.value);
}

static tes_status_t call_derive(const struct maker *m)
{
    tes_handle_t derived = { 0 };
    tes_session_t session = { handle_of(m, 3) };
    tes_status_t status = tes_handle_derive(any_of(m, 1), m->a[2], session, &derived);
    return made(m, status, derived.value);
}

static tes_status_t call_copy(const struct maker *m)
{
    uint64_t copied = 0;
    bool is_move = m->a[3] == TES_HANDLE_COPY_MOVE;
    tes_status_t status =
        tes_handle_copy((tes_process_t){ 0 }, any_of(m, 1), m->a[2], m->a[3], &copied);
    if (status == TES_OK && is_move) {
        m->replay->handles[m->a[1]] = REPLAY_HANDLE_NEVER;
    }
    return made(m, status, copied);
}

static tes_status_t call_close(const struct maker *m)
{
    tes_status_t status = tes_handle_close(handle_of(m, 0));
    if (m->a[0] < m->replay->symbol_end) {
        m->replay->handles[m->a[0]] = REPLAY_HANDLE_NEVER;
    }
    return status;
}

static tes_status_t call_revoke(const struct maker *m)
{
    return tes_handle_revoke(any_of(m, 0), m->a[1]);
}

static tes_status_t call_destroy(const struct maker *m)
{
    return tes_object_destroy(any_of(m, 0));
}

static tes_status_t call_signal(const struct maker *m)
{
    return tes_notification_signal((tes_notification_t){ handle_of(m, 0) }, m->a[1]);
}

static tes_status_t call_poll(const struct maker *m)
{
    return tes_notification_wait((tes_notification_t){ handle_of(m, 0) }, m->a[1],
                                 TES_NOTIFICATION_WAIT_POLL, &m->replay->results[0]);
}

// All closed notices that wait at the endpoint: their number and the sum of their badges.
static tes_status_t call_drain(const struct maker *m)
{
    for (;;) {
        struct tes_message message = { .handle = handle_of(m, 0) };
        MUST(tes_thread_deadline(time_now() + NOTICE_TIMEOUT_NS));
        tes_status_t status = tes_arch_message(TES_CALL_IPC_RECV, &message);
        MUST(tes_thread_deadline(0));
        if (status != TES_OK) {
            return status == TES_ERROR_TIMED_OUT ? TES_OK : status;
        }
        uint64_t kind = (message.label >> TES_LABEL_KIND_SHIFT) & TES_LABEL_KIND_MASK;
        if (kind == TES_MESSAGE_CLOSED) {
            m->replay->results[0]++;
            m->replay->results[1] += message.badge;
        }
    }
}

static tes_status_t call_elapse(const struct maker *m)
{
    uint64_t now_ns = time_now();
    uint64_t end_ns = m->replay->expiry_ns + EXPIRY_MARGIN_NS;
    if (end_ns > now_ns) {
        program_sleep(end_ns - now_ns);
    }
    return TES_OK;
}

static const struct {
    const char *name;
    tes_status_t (*run)(const struct maker *m);
} calls[] = {
    { "quota", call_quota },   { "adjust", call_adjust },   { "endpoint", call_endpoint },
    { "memory", call_memory }, { "session", call_session }, { "notification", call_notification },
    { "derive", call_derive }, { "copy", call_copy },       { "close", call_close },
    { "revoke", call_revoke }, { "destroy", call_destroy }, { "signal", call_signal },
    { "poll", call_poll },     { "drain", call_drain },     { "elapse", call_elapse },
};

tes_status_t replay_call(struct replay *replay, const struct replay_step *step)
{
    const struct maker maker = { .replay = replay, .a = step->arguments };
    replay->results[0] = 0;
    replay->results[1] = 0;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, step->call) == 0) {
            return calls[i].run(&maker);
        }
    }
    return TES_ERROR_BAD_CALL;
}
