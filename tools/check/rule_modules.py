# SPDX-License-Identifier: MIT OR Apache-2.0
# Every folder with code has a module.mk that names each of its sources (no dead files) and a README.md of at most
# 40 lines. Folders of tests may share the README of the folder above; Python folders under tools/ need a README only.
import os

from runner import build

README_LINES = 40
ARCHITECTURES = ("x86_64", "aarch64", "riscv64")
TEST_KINDS = ("hosttest", "intest", "guest")


def has_readme(tree, folder):
    return f"{folder}/README.md" in tree.files


def readme_problems(tree):
    problems = []
    folders = set(tree.modules) | {os.path.dirname(p) for p in tree.named(".py") if p.startswith("tools/")}
    for folder in sorted(folders):
        kind = tree.modules.get(folder, ("", []))[0]
        shared = kind in TEST_KINDS and has_readme(tree, os.path.dirname(folder))
        if not has_readme(tree, folder) and not shared:
            problems.append(f"{folder}: no README.md")
    for path in tree.files:
        if path.endswith("/README.md") and tree.text(path).count("\n") > README_LINES:
            problems.append(f"{path}: {tree.text(path).count(chr(10))} lines, at most {README_LINES}")
    return problems


def sources_of(tree, folder):
    """With those of every architecture where a name begins with $(ARCH)."""
    for name in tree.modules[folder][1]:
        yield name
        yield from (name.replace("$(ARCH)", arch) for arch in ARCHITECTURES if "$(ARCH)" in name)


def dead_files(tree):
    problems = []
    for path in tree.named(".c", ".S"):
        folder = tree.module_of(path)
        if folder is None:
            problems.append(f"{path}: is in no module (no module.mk in a folder above)")
        elif os.path.relpath(path, folder) not in sources_of(tree, folder):
            problems.append(f"{path}: {folder}/module.mk does not name it")
    return problems


def check(tree):
    return build.listing("list-errors", tree.arch) + dead_files(tree) + readme_problems(tree)
