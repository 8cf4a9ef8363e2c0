# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE and architecture: no CPU #if outside arch/. Choose files in module.mk instead.
import re

CPU = re.compile(r"^\s*#\s*(?:el)?if.*\b(__x86_64__|__i386__|__amd64__|__aarch64__|__arm__|__riscv\w*|_M_X64|_M_ARM64)\b"
                 r"|^\s*#\s*ifn?def\s+(__x86_64__|__i386__|__amd64__|__aarch64__|__arm__|__riscv\w*)\b")


def check(tree):
    return [f"{path}:{number}: CPU #if outside arch/" for path in tree.named(".c", ".h", ".S")
            if not path.startswith("arch/") for number, line in tree.lines(path) if CPU.match(line)]
