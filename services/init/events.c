// SPDX-License-Identifier: MIT OR Apache-2.0
// The event text: a ring of bytes.
#include <rt/bits.h>
#include <rt/format.h>

#include "events.h"

#define EVENTS_MASK (EVENTS_SIZE - 1)
#define LINE_MAX    160u

void events_add(struct events *events, const char *format, ...)
{
    char line[LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = rt_vformat(line, sizeof(line), format, arguments);
    va_end(arguments);
    uint64_t size = min_u64((uint64_t)length, sizeof(line) - 1);
    for (uint64_t i = 0; i < size; i++) {
        events->text[events->end++ & EVENTS_MASK] = line[i];
    }
    events->text[events->end++ & EVENTS_MASK] = '\n';
}

uint64_t events_read(const struct events *events, uint64_t position, const char **out_text,
                     uint64_t *out_size)
{
    uint64_t oldest = events->end > EVENTS_SIZE ? events->end - EVENTS_SIZE : 0;
    uint64_t from = min_u64(max_u64(position, oldest), events->end);
    uint64_t at = from & EVENTS_MASK;
    *out_text = events->text + at;
    *out_size = min_u64(events->end - from, EVENTS_SIZE - at);
    return from;
}
