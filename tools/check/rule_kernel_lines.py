# SPDX-License-Identifier: MIT OR Apache-2.0
# At most 12,000 lines are linked into a kernel; printed by folder. While a kernel is above that, its number stands in
# ratchet.txt as `kernel-lines ARCH NUMBER` and may only go down.
from check import kernel_lines, ratchet
from runner import build

MAX_LINES = 12000
NOTE = ""


def check(tree):
    global NOTE
    if not kernel_lines.has_kernel(tree.arch):
        return []
    build.make("kernel", arch=tree.arch, quiet=True)
    folders = kernel_lines.by_folder(tree.arch)
    total = sum(folders.values())
    NOTE = "\n".join(f"{count:6} {folder}" for folder, count in sorted(folders.items()))
    NOTE += f"\n{total:6} lines linked into the {tree.arch} kernel, at most {MAX_LINES}"
    limit = ratchet.read().get(("kernel-lines", tree.arch), MAX_LINES)
    return [f"the {tree.arch} kernel has {total} lines, at most {limit}"] if total > limit else []
