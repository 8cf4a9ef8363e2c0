# SPDX-License-Identifier: MIT OR Apache-2.0
# Counts the lines of every committed source that is linked into a kernel: C, headers and assembly by the compiler's
# own dependency files, and the tables that generated sources come from. Blank lines and comments do not count.
import glob
import os
import re

from runner import build

COMMENT = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
HASH_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


def without_comments(text, path):
    def keep(found):
        token = found.group(0)
        return re.sub(r"[^\n]", "", token) if token.startswith("/") else token
    if path.endswith(".idl"):
        text = HASH_COMMENT.sub("", text)
    return COMMENT.sub(keep, text)


def count(path):
    with open(path, encoding="utf-8", errors="replace") as data:
        text = without_comments(data.read(), path)
    return sum(1 for line in text.split("\n") if line.strip())


def has_kernel(arch):
    return bool(build.listing("list-kernel-deps", arch))


def linked_files(arch):
    """Needs a built kernel: the dependency files must exist."""
    found = set()
    for path in build.listing("list-kernel-deps", arch):
        with open(path, encoding="utf-8") as data:
            rule = data.read().replace("\\\n", " ").split("\n")[0]
        found.update(os.path.normpath(word) for word in rule.split(":", 1)[1].split())
    inside = {p for p in found if not os.path.isabs(p) and not p.startswith(build.BUILD.rstrip("/") + "/")}
    return sorted(inside | set(glob.glob("abi/*.idl")))


def by_folder(arch):
    folders = {}
    for path in linked_files(arch):
        folder = os.path.dirname(path)
        folders[folder] = folders.get(folder, 0) + count(path)
    return folders


def total(arch):
    return sum(by_folder(arch).values())
