// SPDX-License-Identifier: MIT OR Apache-2.0
// Compiles memory.c and string.c once more, with every name changed.
// NOLINTBEGIN(readability-identifier-naming, bugprone-suspicious-include): that is the point
#define memcpy         our_memcpy
#define memmove        our_memmove
#define memset         our_memset
#define memcmp         our_memcmp
#define memchr         our_memchr
#define strlen         our_strlen
#define strnlen        our_strnlen
#define strcmp         our_strcmp
#define strncmp        our_strncmp
#define strchr         our_strchr
#define strrchr        our_strrchr
#define strstr         our_strstr
#define rt_string_copy our_string_copy
#include <memory.c>
#undef KEEP_LOOP
#include <string.c>
// NOLINTEND(readability-identifier-naming, bugprone-suspicious-include)
