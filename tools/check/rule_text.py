# SPDX-License-Identifier: MIT OR Apache-2.0
# Rules of STYLE that a line of text shows: each row is (number, pattern, file endings, exempt prefixes, what to do).
import re

ROWS = (
    (6, r"^extern\b", (".c",), (), "declare it in a header"),
    (9, r"^\s*typedef\s+(struct|union)\b(?!\s*\{)", (".c", ".h"), (), "no typedef of structs"),
    (16, r"\b(alloca|__builtin_alloca)\s*\(", (".c", ".h"), ("tools/check/",), "no alloca"),
    (33, r"(?<!asm )(?<!__asm__ )\bvolatile\b(?!\s*\()", (".c", ".h"), ("arch/", "lib/rt/include/rt/mmio.h", "tests/"),
     "volatile only inside rt/mmio.h"),
    (46, r"^\s*//\s*[-=*~]{8,}", (".c", ".h"), (), "no ASCII art"),
)

# An unnamed struct may be given the name of a value type.
UNNAMED = re.compile(r"^[ \t]*typedef\s+(?:struct|union)\s*\{[^{}]*\}(?!\s*\w+_t;)", re.MULTILINE)


def typedefs(tree, path):
    text = tree.text(path)
    return [f"{path}:{text.count(chr(10), 0, m.start()) + 1}: no typedef of structs (STYLE 9)"
            for m in UNNAMED.finditer(text)]


def without_strings(line):
    return re.sub(r'"(\\.|[^"\\])*"|//(?![\s*~=-]).*', '""', line)


def check(tree):
    problems = [f"{path}:1: no #pragma once (STYLE 6)" for path in tree.named(".h")
                if "#pragma once" not in tree.text(path)]
    problems += [problem for path in tree.named(".c", ".h") for problem in typedefs(tree, path)]
    for rule, pattern, endings, exempt, advice in ROWS:
        matcher = re.compile(pattern)
        for path in tree.named(*endings):
            if path.startswith(tuple(exempt)):
                continue
            for number, line in tree.lines(path):
                code = without_strings(line) if rule == 46 else without_strings(line.split("//")[0])
                if matcher.search(code):
                    problems.append(f"{path}:{number}: {advice} (STYLE {rule})")
    return problems
