# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 4 and 48: a file has 500 lines, 1000 at the very most; ratchet.txt lists the exceptions, which may only shrink.
from check import ratchet

AIMED_LINES = 500
HARD_LINES = 1000
CODE = (".c", ".h", ".S", ".py", ".sh", ".mk", ".idl")


def check(tree):
    allowed = {what: n for (limit, what), n in ratchet.read().items() if limit == "file-lines"}
    problems = []
    for path in tree.named(*CODE):
        count = tree.text(path).count("\n")
        limit = allowed.get(path, AIMED_LINES)
        if count > HARD_LINES:
            problems.append(f"{path}: {count} lines, at most {HARD_LINES}: split it by object and verb")
        elif count > limit:
            problems.append(f"{path}: {count} lines, at most {limit}")
        elif path in allowed and count < limit:
            problems.append(f"tools/check/ratchet.txt: {path} has shrunk to {count} lines: lower its number "
                            f"{limit}" + (", or remove it" if count <= AIMED_LINES else ""))
    gone = [w for w in allowed if w not in tree.files]
    return problems + [f"tools/check/ratchet.txt: {w} does not exist" for w in gone]
