# SPDX-License-Identifier: MIT OR Apache-2.0
# No file over 1 MiB, and no compiled thing, is committed.
import os

MAX_BYTES = 1 << 20
COMPILED = (".o", ".a", ".so", ".elf", ".img", ".iso", ".deb", ".pyc")


def check(tree):
    big = [f"{p}: {os.path.getsize(p)} bytes, at most {MAX_BYTES}" for p in tree.files
           if os.path.getsize(p) > MAX_BYTES]
    return big + [f"{p}: is compiled, not source" for p in tree.named(*COMPILED)]
