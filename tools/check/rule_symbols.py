# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 26: the kernel has no general allocator, and no undefined symbol is left in it.
import os
import subprocess

from check import kernel_lines
from runner import build

FORBIDDEN = {"malloc", "calloc", "realloc", "free", "kmalloc", "kfree", "alloca", "sbrk", "abort", "exit", "printf"}


def check(tree):
    if not kernel_lines.has_kernel(tree.arch):
        return []
    build.make("kernel", arch=tree.arch, quiet=True)
    done = subprocess.run(["llvm-nm", build.kernel(tree.arch)], stdout=subprocess.PIPE, text=True, check=True)
    problems = []
    for line in done.stdout.split("\n"):
        words = line.split()
        if words and words[-1] in FORBIDDEN:
            problems.append(f"{os.path.basename(build.kernel(tree.arch))}: symbol {words[-1]}")
        elif len(words) == 2 and words[0] == "U":
            problems.append(f"{os.path.basename(build.kernel(tree.arch))}: undefined symbol {words[1]}")
    return problems
