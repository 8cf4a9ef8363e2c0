# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 3: clang-format decides layout.
from check import tree as trees


def problems(path):
    done = trees.run(["clang-format", "--dry-run", "-Werror", path])
    return trees.problem_lines(done.stdout, 2) if done.returncode else []


def check(tree):
    style = trees.content(".clang-format")
    return trees.check_cached("format", tree.named(".c", ".h"),
                              lambda path: trees.digest(style, trees.content(path)), problems)
