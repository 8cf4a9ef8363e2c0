#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the checks of compositions and the layout of the boot image; TAP.
import os
import struct
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import composition  # noqa: E402
import elf  # noqa: E402
import image  # noqa: E402

GOOD = "component a\n export x\ncomponent b\n import x\n ports p 0x10-0x17\n irq i 4\n"
MISTAKES = {
    "colour red\n": (1, "before the first component"),
    "component a\ncolour red\n": (2, "unknown key"),
    "component A\n": (1, "is not a name"),
    "component a\ncomponent a\n": (2, "twice"),
    "component a\n priority 99\n": (2, "not in 1..63"),
    "component a\n priority 1\n priority 2\n": (3, "line 2 already"),
    "component a\n import y\n": (2, "nobody exports"),
    "component a\n restart sometimes 5\n": (2, "policy"),
    "component a\n restart always\n": (2, "back-off"),
    "component a\n ports p 0x20-0x10\n": (2, "ends before"),
    "component a\n irq i 4\ncomponent b\n irq i 4\n": (4, "is 'a's already"),
    "component a\n ports p 0x10-0x1f\ncomponent b\n ports p 0x18-0x18\n": (4, "'a's already"),
    "component a\n export x\n import y\ncomponent b\n export y\n import x\n": (1, "circle"),
    "component a\n export x\ncomponent b\n export x\n": (4, "twice"),
    "component a\n quota 1 2\n": (2, "quota takes 3"),
    "component a\n machine m fly\n": (2, "machine right"),
    "": (1, "names no component"),
}


def problems_of(text):
    with tempfile.NamedTemporaryFile("w", suffix=".sys") as file:
        file.write(text)
        file.flush()
        return [p[len(file.name) + 1:] for p in composition.read(file.name)[1]]


def check_mistake(text, line, words):
    found = problems_of(text)
    return any(p.startswith(f"{line}:") and words in p for p in found)


def check_layout():
    files = [("composition", b"x" * 5000, 2), ("b", b"hello", 0)]
    data = image.build(files, (bytes(8192), 4096, 4096, 4096, 16), "x86_64")
    fields = image.HEADER.unpack_from(data, 0)
    table = data[128:128 + 2 * 64]
    zeroed = data[:12] + bytes(4) + data[16:128] + table
    name, offset, size, checksum, _ = image.ENTRY.unpack_from(table, 64)
    return (len(data) == fields[3] and fields[2] == zlib.crc32(zeroed) and len(data) % 4096 == 0 and
            name.rstrip(b"\0") == b"b" and data[offset:offset + size] == b"hello" and
            checksum == zlib.crc32(b"hello") and struct.unpack_from("<Q", data)[0] == image.MAGIC)


def check_bad_elf():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\x7fELF\x02\x01" + bytes(50) + b"\xff\xff" + bytes(6))
        file.flush()
        try:
            elf.Elf(file.name)
        except elf.ElfError as error:
            return "program_count" in str(error) and file.name in str(error)
    return False


def main():
    tests = [("a right composition", lambda: problems_of(GOOD) == []),
             ("layout and checksums of the image", check_layout), ("a cut-off ELF file", check_bad_elf)]
    tests += [(f"mistake: {words}", lambda t=text, n=line, w=words: check_mistake(t, n, w))
              for text, (line, words) in MISTAKES.items()]
    failed = 0
    for number, (name, run) in enumerate(tests, 1):
        holds = run()
        failed += not holds
        print(f"{'' if holds else 'not '}ok {number} - {name}")
    print(f"1..{len(tests)}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
