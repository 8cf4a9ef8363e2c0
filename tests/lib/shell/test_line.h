// SPDX-License-Identifier: MIT OR Apache-2.0
// A line editor with a screen of one line.
#pragma once

#include <line.h>

// What results from these keys: the text at LINE_DONE or where the keys end.
const char *line_after(const char *keys);
// What the screen shows then, from the prompt on.
const char *screen_after(const char *keys);
enum line_result line_last_result(void);
void line_plain(bool is_plain);
