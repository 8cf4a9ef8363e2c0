# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 46: something left to do names its issue, TODO(#issue): text; the other words are not used.
import re

OTHER = re.compile(r"\b(FIXME|XXX|HACK)\b")
LEFT = re.compile(r"\bTODO\b(?!\(#\d+\): \S)")
CODE = (".c", ".h", ".S", ".py", ".sh", ".mk", ".idl", ".ld", ".sys")


def check(tree):
    problems = []
    for path in tree.named(*CODE):
        if path.startswith("tools/check/"):
            continue
        for number, line in tree.lines(path):
            if OTHER.search(line) or LEFT.search(line):
                problems.append(f"{path}:{number}: write TODO(#issue): text")
    return problems
