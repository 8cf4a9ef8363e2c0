# SPDX-License-Identifier: MIT OR Apache-2.0
# The interface's committed dump (abi/golden/*.txt) is what tools/abigen makes of abi/*.idl now.
import sys

from check import tree as trees


def check(tree):
    if not tree.has_tables():
        return []
    command = [sys.executable, "tools/abigen/abigen.py", "--compare", "abi/golden"]
    done = trees.run(command + sorted(p for p in tree.named(".idl") if p.startswith("abi/")))
    if done.returncode == 0:
        return []
    return done.stdout.strip().split("\n") + ["if the change is intended: tools/abigen/abigen.py --golden abi/golden"]
