#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks a composition and writes the boot image that it describes (layout: abi/include/abi/image.h).
#   image.py --arch x86_64 --composition system/default.sys --components DIR --out FILE
import argparse
import os
import struct
import sys
import zlib

import composition
import elf

MAGIC = 0x3130474D49534554
VERSION = 1
ARCHITECTURES = {"x86_64": 1, "aarch64": 2, "riscv64": 3}
FIRST_BASE = 0x400000
NAME_SIZE = 40
KIND_DATA, KIND_COMPONENT, KIND_COMPOSITION = 0, 1, 2
HEADER, ENTRY = struct.Struct("<QIIQIIQQQQQQ48x"), struct.Struct(f"<{NAME_SIZE}sQQII")


def padded(data):
    return data + bytes(elf.pages(len(data)) - len(data))


def collect(parts, folder, source):
    """[(name, bytes, kind)] and what is missing."""
    files, problems, seen = [("composition", composition.canonical(parts).encode(), KIND_COMPOSITION)], [], set()

    def add(name, path, kind, line, read):
        if name in seen:
            return
        seen.add(name)
        try:
            files.append((name, read(path), kind))
        except OSError:
            problems.append(f"{source}:{line}: there is no {path}")
        except elf.ElfError as error:
            problems.append(str(error))

    def whole(path):
        with open(path, "rb") as file:
            return file.read()
    for part in parts:
        add(part.binary, os.path.join(folder, part.binary + ".elf"), KIND_COMPONENT,
            part.keys.get("binary", part.line), lambda p: elf.Elf(p).stripped())
        for key, local, _, line in part.grants:
            if key == "file":
                add(local, os.path.join(folder, local), KIND_DATA, line, whole)
    return files, problems


def build(files, first, arch):
    """first: what elf.flat returned."""
    flat, text_size, data_size, zero_size, entry = first
    at = elf.pages(HEADER.size + ENTRY.size * len(files))
    first_offset, body, table = at, padded(flat), b""
    at += len(body)
    for name, data, kind in files:
        table += ENTRY.pack(name.encode(), at, len(data), zlib.crc32(data), kind)
        body += padded(data)
        at += elf.pages(len(data))

    def header(checksum):
        return HEADER.pack(MAGIC, VERSION, checksum, at, ARCHITECTURES[arch], len(files), first_offset, text_size,
                           data_size, zero_size, entry, FIRST_BASE)
    head = header(zlib.crc32(header(0) + table)) + table
    return padded(head) + body


def standalone(path):
    """Tests have images of one component, which the kernel starts in init's place: the file's one line is `first NAME`."""
    with open(path, encoding="utf-8") as source:
        words = [word for line in source for word in line.split("#")[0].split()]
    return composition.name(words[1]) if len(words) == 2 and words[0] == "first" else None


def main():
    p = argparse.ArgumentParser(description="Checks a composition and writes its boot image.")
    p.add_argument("--arch", required=True, choices=sorted(ARCHITECTURES))
    p.add_argument("--composition", required=True)
    p.add_argument("--components", help="folder of built components")
    p.add_argument("--out", help="without it the composition is only checked")
    args = p.parse_args()
    first = standalone(args.composition)
    parts, problems = ([], []) if first else composition.read(args.composition)
    data = b""
    if args.out and not problems:
        files, problems = ([], []) if first else collect(parts, args.components, args.composition)
        try:
            data = build(files, elf.flat(os.path.join(args.components, f"{first or 'init'}.elf"), FIRST_BASE, args.arch), args.arch)
        except (elf.ElfError, OSError) as error:
            problems.append(str(error))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    if args.out:
        with open(args.out, "wb") as out:
            out.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
