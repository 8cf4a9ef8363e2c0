// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading numbers and words from text.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The whole text is one number, decimal or 0x hexadecimal, that fits. Nothing is written otherwise.
bool tes_text_to_u64(const char *text, uint64_t *out_value);
// The next word of [*at, end): *at is moved past it. False at the end of the text.
bool tes_text_word(const char **at, const char *end, const char **out_word, size_t *out_size);
