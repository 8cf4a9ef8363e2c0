# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests that each textual rule fires on a tree that breaks it, and counts lines as documented.
import os
import tempfile

from check import (kernel_lines, rule_arch, rule_files, rule_layers, rule_sizes, rule_spdx, rule_text, rule_todo)
from check import tree as trees
from runner import selftest

SPDX = "// SPDX-License-Identifier: MIT OR Apache-2.0\n// What it is.\n"


def found_in(rule, files):
    """What a rule says about a tree of just these files (name -> text)."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for name, text in files.items():
                os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
                with open(name, "w", encoding="utf-8") as out:
                    out.write(text)
            tree = trees.Tree("x86_64")
            tree.__dict__["files"] = sorted(files)
            return rule.check(tree)
        finally:
            os.chdir(here)


def test_arch_rule():
    bad = SPDX + "#ifdef __x86_64__\n#endif\n#if defined(A) && defined(__riscv)\n#endif\n"
    assert len(found_in(rule_arch, {"kernel/a.c": bad})) == 2
    assert found_in(rule_arch, {"arch/x86_64/a.c": bad}) == []


def test_layers_rule():
    files = {"a/module.mk": "module := a\nkind := library\n", "a/a.h": "", "a/include/a/p.h": "",
             "b/module.mk": "module := b\nkind := library\n", "b/own.h": ""}
    assert len(found_in(rule_layers, {**files, "b/b.c": '#include "../a/a.h"\n'})) == 1
    assert len(found_in(rule_layers, {**files, "b/b.c": '#include "a.h"\n'})) == 1
    assert found_in(rule_layers, {**files, "b/b.c": '#include "own.h"\n#include <a/p.h>\n'}) == []


def test_sizes_rule():
    found = found_in(rule_sizes, {"a.c": "x\n" * 500})
    assert not [problem for problem in found if problem.startswith("a.c")]
    found = found_in(rule_sizes, {"a.c": "x\n" * 501})
    assert len([problem for problem in found if problem.startswith("a.c")]) == 1


def test_spdx_rule():
    assert found_in(rule_spdx, {"a.c": SPDX}) == []
    assert len(found_in(rule_spdx, {"a.c": "int x;\n"})) == 1
    assert len(found_in(rule_spdx, {"a.c": SPDX.split("\n")[0] + "\nint x;\n"})) == 1


def test_todo_rule():
    assert found_in(rule_todo, {"a.c": "// TODO(#3): later\n"}) == []
    assert len(found_in(rule_todo, {"a.c": "// TODO: later\n// FIXME\n"})) == 2


def test_text_rule():
    assert len(found_in(rule_text, {"a.c": "extern int x;\nvolatile int y;\n"})) == 2
    assert found_in(rule_text, {"a.c": '__asm__ volatile("nop");\nint x; // volatile\n'}) == []
    assert len(found_in(rule_text, {"a.h": "int x;\n"})) == 1


def test_text_rule_on_typedefs():
    value = "typedef struct {\n    int value;\n} a_t;\n"
    assert found_in(rule_text, {"a.c": value}) == []
    assert len(found_in(rule_text, {"a.c": value.replace("a_t", "a")})) == 1
    assert len(found_in(rule_text, {"a.c": "typedef struct a *a_t;\n"})) == 1


def test_files_rule():
    assert len(found_in(rule_files, {"a.txt": "x" * ((1 << 20) + 1), "b.o": ""})) == 2


def test_lines_counted_without_blanks_and_comments():
    text = 'int a; // one\n\n/* two\n three */ int b;\n// four\nconst char *c = "// not /* a comment";\n'
    left = kernel_lines.without_comments(text, "a.c")
    assert sum(1 for line in left.split("\n") if line.strip()) == 3, left


if __name__ == "__main__":
    selftest.main(__name__)
