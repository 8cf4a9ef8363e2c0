// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers and words in text.
#include <rt/checked.h>
#include <tes/text.h>

#define BASE_TEN 10u
#define BASE_HEX 16u

static unsigned digit_value(char character)
{
    if (character >= '0' && character <= '9') {
        return (unsigned)(character - '0');
    }
    char lower = (char)(character | ' ');
    return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + BASE_TEN : BASE_HEX;
}

bool tes_text_to_u64(const char *text, uint64_t *out_value)
{
    unsigned base = text[0] == '0' && (text[1] | ' ') == 'x' ? BASE_HEX : BASE_TEN;
    text += base == BASE_HEX ? 2 : 0;
    uint64_t value = 0;
    if (*text == 0) {
        return false;
    }
    for (; *text != 0; text++) {
        unsigned digit = digit_value(*text);
        if (digit >= base || !checked_multiply(value, base, &value) ||
            !checked_add(value, digit, &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

bool tes_text_word(const char **at, const char *end, const char **out_word, size_t *out_size)
{
    const char *start = *at;
    while (start < end && is_space(*start)) {
        start++;
    }
    const char *stop = start;
    while (stop < end && !is_space(*stop)) {
        stop++;
    }
    *at = stop;
    if (stop == start) {
        return false;
    }
    *out_word = start;
    *out_size = (size_t)(stop - start);
    return true;
}
