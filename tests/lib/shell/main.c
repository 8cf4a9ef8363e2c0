// SPDX-License-Identifier: MIT OR Apache-2.0
// The shell's editor, parser and expansion.
#include <parse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing/tap.h>

#include "test_line.h"

#define LEFT  "\x1b[D"
#define RIGHT "\x1b[C"
#define UP    "\x1b[A"
#define DOWN  "\x1b[B"

static bool edits_to(const char *keys, const char *text)
{
    bool is_same = strcmp(line_after(keys), text) == 0;
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "> %s", text);
    return is_same && strcmp(screen_after(keys), wanted) == 0;
}

static void test_editing(void)
{
    CHECK(edits_to("hello", "hello"));
    CHECK(edits_to("hllo" LEFT LEFT LEFT "e", "hello"));
    CHECK(edits_to("xab\x01\x1b[3~", "ab"));
    CHECK(edits_to("abc" LEFT "\x7f", "ac"));
    CHECK(edits_to("one two three\x17", "one two "));
    CHECK(edits_to("one two" LEFT LEFT LEFT "\x0b", "one "));
    CHECK(edits_to("one two" LEFT LEFT LEFT "\x15", "two"));
    CHECK(edits_to("bc\x1b[Ha\x1b[Fd", "abcd"));
    CHECK(edits_to("bc\x1b[1~a\x05"
                   "d",
                   "abcd"));
    CHECK(edits_to("a" LEFT LEFT LEFT RIGHT RIGHT RIGHT "b", "ab"));
    CHECK(edits_to("\x1b[99999999999~\x1b[Zab", "ab"));
}

static void test_history(void)
{
    line_after("first\r");
    line_after("second\r");
    line_after("second\r");
    CHECK(edits_to(UP, "second"));
    CHECK(edits_to(UP UP, "first"));
    CHECK(edits_to(UP UP UP UP, "first"));
    CHECK(edits_to("new" UP UP DOWN DOWN, "new"));
    CHECK(edits_to(UP "x", "secondx"));
}

static void test_completion(void)
{
    CHECK(edits_to("hi\t", "history "));
    CHECK(edits_to("e\t", "ech"));
    CHECK(edits_to("echo\t", "echo "));
    CHECK(edits_to("zzz\t", "zzz"));
}

static void test_results(void)
{
    line_after("abc\r");
    CHECK(line_last_result() == LINE_DONE);
    line_after("abc\x03");
    CHECK(line_last_result() == LINE_CANCELLED);
    line_after("\x04");
    CHECK(line_last_result() == LINE_END_OF_INPUT);
    line_plain(true);
    CHECK(strcmp(screen_after("abc\n"), "> ") == 0 && line_last_result() == LINE_DONE);
    line_plain(false);
}

static void test_noise(void)
{
    srand(3);
    for (unsigned round = 0; round < 3000; round++) {
        char keys[400];
        for (size_t i = 0; i < sizeof(keys) - 1; i++) {
            keys[i] = (char)(rand() % 255 + 1);
        }
        keys[sizeof(keys) - 1] = 0;
        line_after(keys);
    }
    CHECK(true);
}

static struct parse_list list;

static void test_parse(void)
{
    CHECK(parse_line("a b | c > f && d; e & f || g", &list) == NULL);
    CHECK(list.count == 5 && list.pipelines[0].stage_count == 2);
    CHECK(strcmp(list.pipelines[0].stages[1].output, "f") == 0);
    CHECK(list.pipelines[1].join == JOIN_AND && list.pipelines[2].join == JOIN_ALWAYS);
    CHECK(list.pipelines[2].is_background && list.pipelines[4].join == JOIN_OR);
    CHECK(parse_line("echo 'a;b' \"c|d\" e\\ f >> g 2> h < i", &list) == NULL);
    CHECK(list.count == 1 && list.pipelines[0].stages[0].word_count == 4);
    CHECK(list.pipelines[0].stages[0].appends);
    CHECK(parse_line("", &list) == NULL && list.count == 0);
    CHECK(parse_line("  # words", &list) == NULL && list.count == 0);
    CHECK(parse_line("a;", &list) == NULL && list.count == 1);
}

static void test_mistakes(void)
{
    static const char *const wrong[] = { "|",     "a |",     "a && ", "|| a",    "a > ",   "'abc",
                                         "\"abc", "a | | b", "> f",   "a & & b", "a ; ; b" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(parse_line(wrong[i], &list) != NULL);
    }
    char many[400] = "";
    for (size_t i = 0; i < 70; i++) {
        memcpy(&many[2 * i], "x ", 3);
    }
    CHECK(parse_line(many, &list) != NULL);
}

static const char *variable(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "A") == 0 ? "value" : strcmp(name, "?") == 0 ? "3" : NULL;
}

static bool expands_to(const char *raw, const char *wanted)
{
    char out[64];
    return parse_expand(raw, variable, NULL, out, sizeof(out)) && strcmp(out, wanted) == 0;
}

static void test_expansion(void)
{
    CHECK(expands_to("abc", "abc") && expands_to("$A", "value") && expands_to("${A}x", "valuex"));
    CHECK(expands_to("'$A'", "$A") && expands_to("\"$A $?\"", "value 3"));
    CHECK(expands_to("\\$A", "$A") && expands_to("$", "$") && expands_to("a$B-", "a-"));
    CHECK(expands_to("\"a\\\"b\"", "a\"b") && expands_to("''", ""));
    char small[4];
    CHECK(!parse_expand("$A", variable, NULL, small, sizeof(small)));
}

static void test_parse_noise(void)
{
    static const char alphabet[] = "ab '\"\\$&|;<>{}?2#\t";
    srand(5);
    for (unsigned round = 0; round < 20000; round++) {
        char line[64];
        size_t size = (size_t)rand() % sizeof(line);
        for (size_t i = 0; i < size; i++) {
            line[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        }
        line[size != 0 ? size - 1 : 0] = 0;
        if (parse_line(line, &list) != NULL) {
            continue;
        }
        for (unsigned i = 0; i < list.count; i++) {
            char out[128];
            (void)parse_expand(list.pipelines[i].stages[0].words[0], variable, NULL, out,
                               sizeof(out));
        }
    }
    CHECK(true);
}

int main(void)
{
    tap_test("editing keys", test_editing);
    tap_test("history", test_history);
    tap_test("completion", test_completion);
    tap_test("ends of a line", test_results);
    tap_test("random keys", test_noise);
    tap_test("pipelines, joins, redirections", test_parse);
    tap_test("mistakes are refused", test_mistakes);
    tap_test("expansion", test_expansion);
    tap_test("random lines", test_parse_noise);
    return tap_end();
}
