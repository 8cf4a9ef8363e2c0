#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# abigen: from abi/*.idl to headers, user stubs, kernel decoders, reference page, fuzzer's grammar and golden
# dumps. Start reading at model.py. Needs Python 3.9 or later and nothing else.
from __future__ import annotations

import argparse
import difflib
import pathlib
import sys

import check
import emit_abi
import emit_doc
import emit_fuzz
import emit_golden
import emit_kernel
import emit_user
import parse
from model import IdlError, Model

EMITTERS = (emit_abi, emit_user, emit_kernel, emit_doc, emit_fuzz)


def load(paths: list[str]) -> Model:
    model = parse.parse_text([(path, pathlib.Path(path).read_text(encoding="utf-8")) for path in paths])
    check.check(model)
    for what in ("errors", "objects", "calls", "counters"):
        if not getattr(model, what):
            raise IdlError(" ".join(paths), f"no {what}")
    return model


def write(root: pathlib.Path, files: dict[str, str]) -> None:
    """Leaves files alone whose text is the same."""
    for name, text in files.items():
        path = root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def read_golden(root: pathlib.Path, name: str) -> str:
    path = root / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def golden(root: pathlib.Path, files: dict[str, str], may_renumber: bool) -> None:
    for name, text in files.items():
        if not may_renumber:
            emit_golden.check_reuse(str(root / name), read_golden(root, name), text)
    write(root, files)


def compare(root: pathlib.Path, files: dict[str, str]) -> bool:
    is_same = True
    for name, text in files.items():
        old = read_golden(root, name)
        if old != text:
            is_same = False
            sys.stderr.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True),
                                                       str(root / name), "abi/*.idl"))
    return is_same


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="abigen", description="Generates everything that follows from abi/*.idl.")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the generated files")
    parser.add_argument("--golden", type=pathlib.Path, help="write the golden dumps to this folder")
    parser.add_argument("--renumber", action="store_true", help="let --golden give numbers to other names")
    parser.add_argument("--compare", type=pathlib.Path, help="compare with the golden dumps in this folder")
    parser.add_argument("tables", nargs="+")
    options = parser.parse_args(arguments)
    try:
        model = load(options.tables)
        if options.out:
            for emitter in EMITTERS:
                write(options.out, emitter.emit(model))
        if options.golden:
            golden(options.golden, emit_golden.emit(model), options.renumber)
        return 0 if not options.compare or compare(options.compare, emit_golden.emit(model)) else 1
    except (IdlError, OSError, UnicodeDecodeError) as mistake:
        print(mistake, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
