# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 5: the first line (the second after #!) is the SPDX line; a comment that says what the file is for follows it.
LINE = "SPDX-License-Identifier: MIT OR Apache-2.0"
CODE = (".c", ".h", ".S", ".py", ".sh", ".mk", ".idl", ".ld", "Makefile")
EXPLAINED = (".c", ".h", ".S")


def is_exempt(path):
    return path.endswith("module.mk") or path.startswith("third_party/") and not path.endswith(".py")


def check(tree):
    problems = []
    for path in tree.named(*CODE):
        if is_exempt(path):
            continue
        lines = tree.text(path).split("\n")
        first = 1 if lines[0].startswith("#!") else 0
        if len(lines) <= first or LINE not in lines[first]:
            problems.append(f"{path}:{first + 1}: no line '{LINE}'")
        elif path.endswith(EXPLAINED) and not lines[first + 1].startswith(("//", "/*", " *", "#")):
            problems.append(f"{path}:{first + 2}: no comment that says what the file does")
    return problems
