// SPDX-License-Identifier: MIT OR Apache-2.0
// str* functions. Not compiled for a host; rt_string_copy, which no C library has, is in text.c.
#include <rt/string.h>
#include <stdint.h>

#define KEEP_LOOP() __asm__ volatile("")

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != 0) {
        KEEP_LOOP();
        length++;
    }
    return length;
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;
    while (length < limit && text[length] != 0) {
        KEEP_LOOP();
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        if (a[i] != b[i]) {
            return (unsigned char)a[i] - (unsigned char)b[i];
        }
        if (a[i] == 0) {
            return 0;
        }
    }
    return 0;
}

char *strchr(const char *text, int character)
{
    for (;; text++) {
        if (*text == (char)character) {
            return (char *)(uintptr_t)text;
        }
        if (*text == 0) {
            return NULL;
        }
    }
}

char *strrchr(const char *text, int character)
{
    char *found = NULL;
    for (;; text++) {
        if (*text == (char)character) {
            found = (char *)(uintptr_t)text;
        }
        if (*text == 0) {
            return found;
        }
    }
}

char *strstr(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text != 0 || length == 0; text++) {
        if (strncmp(text, part, length) == 0) {
            return (char *)(uintptr_t)text;
        }
    }
    return NULL;
}
