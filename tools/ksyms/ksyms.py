# SPDX-License-Identifier: MIT OR Apache-2.0
# Links the kernel with a table of its own function names in it, for the panic's backtrace
# (kernel/include/kernel/symbols.h). Linked with an empty table, with one of the right size, with the right
# addresses: until the table agrees with what was linked. Offsets are relative to a label in the table itself,
# so that they hold wherever the kernel runs.
import argparse
import os
import shlex
import subprocess
import sys

BASE = "kernel_symbol_base"
MAX_NAME = 47
MAX_LINKS = 5


def functions(nm, elf):
    """(address of the base label, [(address, name)] sorted, one name for each address)."""
    done = subprocess.run([nm, "--defined-only", elf], stdout=subprocess.PIPE, text=True, check=True)
    base, found = 0, {}
    for line in done.stdout.split("\n"):
        words = line.split()
        if len(words) == 3 and words[2] == BASE:
            base = int(words[0], 16)
        elif len(words) == 3 and words[1] in "tT" and not words[2].startswith((".", "$")):
            address = int(words[0], 16)
            found[address] = min(found.get(address, words[2]), words[2])
    return base, sorted(found.items())


def assembly(base, symbols):
    out = ['.section .rodata.kernel_symbols,"a"', ".balign 8",
           ".globl kernel_symbol_base, kernel_symbol_count, kernel_symbol_table, kernel_symbol_names",
           ".hidden kernel_symbol_base, kernel_symbol_count, kernel_symbol_table, kernel_symbol_names",
           f"{BASE}:", "kernel_symbol_count:", f".long {len(symbols)}", ".long 0", "kernel_symbol_table:"]
    names = 0
    for address, name in symbols:
        out.append(f".long {address - base}, {names}")
        names += len(name[:MAX_NAME]) + 1
    out.append("kernel_symbol_names:")
    out += [f'.asciz "{name[:MAX_NAME]}"' for _, name in symbols]
    return "\n".join(out + ['.section .note.GNU-stack,"",@progbits', ""])


def link(args, table, output):
    source = args.out + ".symbols.S"
    with open(source, "w", encoding="utf-8") as text:
        text.write(table)
    target = args.out + ".symbols.o"
    subprocess.run([*shlex.split(args.cc), "-c", source, "-o", target], check=True)
    subprocess.run([*args.command, target, "-o", output], check=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cc", required=True, help="compiler and its CPU flags, for the table")
    p.add_argument("--nm", default="llvm-nm")
    p.add_argument("--out", required=True)
    p.add_argument("command", nargs="+", help="after --: the linker, its options and objects")
    args = p.parse_args()
    trial = args.out + ".trial"
    try:
        table = (0, [])
        for _ in range(MAX_LINKS):
            link(args, assembly(*table), trial)
            previous, table = table, functions(args.nm, trial)
            if previous == table:
                break
        else:
            sys.exit(f"ksyms: the kernel's addresses still changed after {MAX_LINKS} links")
        os.replace(trial, args.out)
    except subprocess.CalledProcessError as error:
        sys.exit(f"ksyms: failed: {shlex.join(error.cmd)[:200]} …")


if __name__ == "__main__":
    main()
