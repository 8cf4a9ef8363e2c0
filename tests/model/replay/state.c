// SPDX-License-Identifier: MIT OR Apache-2.0
// The kernel's state as far as a process can see it, as the text that Model.state in reference.py
// makes: each open handle with type, rights and badge, each Quota's counters, and what exists more
// than before the trace.
#include "replay.h"

#include <abi/objects.h>
#include <rt/crc32.h>
#include <rt/format.h>

#define SEEN_MAX 1024u

struct text {
    char *at;
    size_t left;
};

static struct tes_info_handle seen[SEEN_MAX]; // the process's live handles

static void text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = rt_vformat(text->at, text->left, format, arguments);
    va_end(arguments);
    MUST((size_t)length < text->left ? TES_OK : TES_ERROR_NO_MEMORY);
    text->at += length;
    text->left -= (size_t)length;
}

static uint32_t see_handles(void)
{
    uint32_t count = 0;
    uint64_t written = 0;
    for (uint64_t index = 0; count < SEEN_MAX; index++) {
        tes_status_t status =
            tes_object_info(tes_process_any(own_process()), TES_INFO_HANDLE, index,
                            (uint64_t)&seen[count], sizeof(seen[0]), &written);
        if (status == TES_ERROR_NOT_FOUND) {
            break;
        }
        MUST(status);
        count += seen[count].is_live != 0 ? 1 : 0;
    }
    return count;
}

static const struct tes_info_handle *find_seen(uint32_t count, uint64_t handle)
{
    for (uint32_t i = 0; i < count; i++) {
        if (seen[i].handle == handle) {
            return &seen[i];
        }
    }
    return NULL;
}

static struct tes_info_quota quota_info(uint64_t handle)
{
    struct tes_info_quota info = { 0 };
    uint64_t written = 0;
    MUST(tes_object_info((tes_handle_t){ handle }, TES_INFO_QUOTA, 0, (uint64_t)&info, sizeof(info),
                         &written));
    return info;
}

static void counts_take(struct tes_info_object_counts *out_counts)
{
    uint64_t written = 0;
    MUST(tes_object_info(tes_resource_any(own_machine()), TES_INFO_OBJECT_COUNTS, 0,
                         (uint64_t)out_counts, sizeof(*out_counts), &written));
}

void replay_base_take(struct replay_base *out_base)
{
    out_base->own = quota_info(own_quota().value);
    counts_take(&out_base->counts);
}

static void show_handles(const struct replay *replay, uint32_t count, struct text *text)
{
    for (uint64_t symbol = REPLAY_OWN + 1; symbol < replay->symbol_end; symbol++) {
        uint64_t handle = replay->handles[symbol];
        const struct tes_info_handle *info = find_seen(count, handle);
        if (info != NULL) {
            text_add(text, "h%lu:%u.%x.%lx ", symbol, info->type, info->rights, info->badge);
        } else if (handle != REPLAY_HANDLE_NEVER) {
            text_add(text, "h%lu:dead ", symbol);
        }
    }
}

static void show_quotas(const struct replay *replay, uint32_t count, struct text *text)
{
    for (uint64_t symbol = REPLAY_OWN + 1; symbol < replay->symbol_end; symbol++) {
        const struct tes_info_handle *handle = find_seen(count, replay->handles[symbol]);
        if (handle == NULL || handle->type != TES_TYPE_QUOTA ||
            (handle->rights & TES_RIGHT_INSPECT) == 0) {
            continue;
        }
        struct tes_info_quota info = quota_info(handle->handle);
        text_add(text, "q%lu:%lu.%lu.%lu.%lu.%lu.%lu ", symbol, info.pages_limit, info.pages_used,
                 info.objects_limit, info.objects_used, info.handles_limit, info.handles_used);
    }
}

static void show_counts(const struct replay_base *base, struct text *text)
{
    static const uint8_t types[] = { TES_TYPE_ENDPOINT, TES_TYPE_NOTIFICATION, TES_TYPE_QUOTA,
                                     TES_TYPE_MEMORY, TES_TYPE_SESSION };
    struct tes_info_object_counts counts = { 0 };
    struct tes_info_quota own = quota_info(own_quota().value);
    counts_take(&counts);
    text_add(text, "own:%ld.%ld n:%ld", (int64_t)(own.objects_used - base->own.objects_used),
             (int64_t)(own.handles_used - base->own.handles_used),
             (int64_t)(counts.sessions - base->counts.sessions));
    for (size_t i = 0; i < sizeof(types); i++) {
        text_add(text, ".%ld",
                 (int64_t)(counts.by_type[types[i]] - base->counts.by_type[types[i]]));
    }
}

uint32_t replay_state(struct replay *replay)
{
    struct text text = { .at = replay->state, .left = sizeof(replay->state) };
    uint32_t count = see_handles();
    show_handles(replay, count, &text);
    show_quotas(replay, count, &text);
    show_counts(&replay->base, &text);
    return rt_crc32(0, replay->state, (size_t)(text.at - replay->state));
}
