// SPDX-License-Identifier: MIT OR Apache-2.0
// lib/rt's memory and string functions under names that do not collide with the C library's.
#pragma once

#include <stddef.h>

void *our_memcpy(void *restrict destination, const void *restrict source, size_t size);
void *our_memmove(void *destination, const void *source, size_t size);
void *our_memset(void *destination, int byte, size_t size);
int our_memcmp(const void *a, const void *b, size_t size);
void *our_memchr(const void *bytes, int byte, size_t size);
size_t our_strlen(const char *text);
size_t our_strnlen(const char *text, size_t limit);
int our_strcmp(const char *a, const char *b);
int our_strncmp(const char *a, const char *b, size_t limit);
char *our_strchr(const char *text, int character);
char *our_strrchr(const char *text, int character);
char *our_strstr(const char *text, const char *part);
size_t our_string_copy(char *destination, size_t size, const char *source);
