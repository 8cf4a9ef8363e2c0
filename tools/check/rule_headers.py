# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 6: each header compiles alone, with just its own module's include path. Not those of arch_impl/: they are
# the last lines of a contract header (arch/include/arch), which is checked with them.
import os
import shlex

from check import tree as trees
from runner import build


def flags_of(tree, path, by_module):
    flavour = "host" if path.startswith("arch/host/") else "target"
    return by_module.get((tree.module_of(path), flavour))


def is_foreign(tree, path):
    parts = path.split("/")
    return parts[0] == "arch" and len(parts) > 2 and parts[1] not in ("include", "host", tree.arch)


def check(tree):
    headers = [h for h in tree.named(".h") if not is_foreign(tree, h)
               and not h.startswith("tools/") and "/arch_impl/" not in h]
    if not headers:
        return []
    tree.generate()
    by_module = {}
    for line in build.listing("list-flags", tree.arch):
        module, flavour, flags = line.split("\t")
        by_module[(module, flavour)] = shlex.split(flags)
    outside = [f"{h}: is in no module (no module.mk in a folder above)" for h in headers
               if tree.module_of(h) is None or not flags_of(tree, h, by_module)]
    inside = [h for h in headers if flags_of(tree, h, by_module)]

    def command(path):
        return ["clang"] + flags_of(tree, path, by_module) + ["-fsyntax-only", "-x", "c", "-include", path]

    def key_of(path):
        read = trees.dependencies(command(path), os.devnull)
        return trees.digest(" ".join(command(path)), *(trees.content(f) for f in read))

    def problems(path):
        done = trees.run(command(path) + [os.devnull])
        return trees.problem_lines(done.stdout, 3) if done.returncode else []

    return outside + trees.check_cached("headers", inside, key_of, problems)
