// SPDX-License-Identifier: MIT OR Apache-2.0
// Memory and string functions under their standard names, for the kernel and for components.
// Nothing here allocates. On a host (tests, tools) the C library's own are used.
#pragma once

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *bytes, int byte, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);
char *strstr(const char *text, const char *part);

// Copies at most size - 1 characters and always ends with 0 (size > 0). The length copied.
size_t rt_string_copy(char *destination, size_t size, const char *source);
