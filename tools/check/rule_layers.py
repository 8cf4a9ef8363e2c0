# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 7: no "../" and no other module's private files. That <...> includes only name declared dependencies is kept
# by the compiler: the include path has nothing else (tools/make/README.md).
import os
import re

from runner import build

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def quoted_problem(tree, path, name):
    folder = tree.module_of(path)
    places = [os.path.dirname(path)] + ([folder] if folder else [])
    if folder and os.path.isfile(os.path.join(build.BUILD, "gen", folder, name)):
        return ""
    for place in places:
        target = os.path.normpath(os.path.join(place, name))
        if os.path.isfile(target):
            same = tree.module_of(target) == folder
            return "" if same else f'"{name}" is a private file of {tree.module_of(target)}'
    return f'"{name}" is not in this module; include other modules\' headers as <name/...>'


def check(tree):
    tree.generate()
    problems = []
    for path in tree.named(".c", ".h", ".S"):
        for number, line in tree.lines(path):
            found = INCLUDE.match(line)
            if not found:
                continue
            sign, name = found.groups()
            if ".." in name.split("/"):
                problems.append(f'{path}:{number}: include with ".."')
            elif sign == '"':
                wrong = quoted_problem(tree, path, name)
                problems += [f"{path}:{number}: {wrong}"] if wrong else []
    return problems
