// SPDX-License-Identifier: MIT OR Apache-2.0
// What happened to components, as lines of text: the newest few kilobytes are kept. Positions count
// every byte ever written, so a reader can go on where it stopped.
#pragma once

#include <stdint.h>

#define EVENTS_SIZE 8192u // power of two

struct events {
    char text[EVENTS_SIZE];
    uint64_t end; // position behind the newest byte
};

void events_add(struct events *events, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The oldest position at or behind `position` that is still there; *out_size bytes of text from it,
// in one piece, at *out_text.
uint64_t events_read(const struct events *events, uint64_t position, const char **out_text,
                     uint64_t *out_size);
