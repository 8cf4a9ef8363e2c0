# SPDX-License-Identifier: MIT OR Apache-2.0
# Reads abi/*.idl into the model. Knows the grammar of lines only: every line must match one statement whole.
# What the statements mean together (known types, order of numbers) is checked in check.py.
from __future__ import annotations

import re

from model import SCALARS, Call, Counter, Error, IdlError, Model, Object, Param, Right

NAME = r"[a-z][a-z0-9_]*"
UPPER = r"[A-Z][A-Z0-9_]*"
TYPE = r"[A-Z][A-Za-z]*"
TEXT = r'"([^"]+)"'

ERROR = re.compile(rf"error +({UPPER}) +(-?\d+) +{TEXT}")
RIGHT = re.compile(rf"right +({UPPER}) +(\d+) +{TEXT}")
OBJECT = re.compile(rf"object +({TYPE}) +(\d+) +{TEXT}")
COUNTER = re.compile(rf"counter +({UPPER}) +(\d+) +{TEXT}")
CALL = re.compile(rf"call +({NAME}) +(\d+) +([a-z]+)")
DOC = re.compile(rf"doc +{TEXT}")
PARAM = re.compile(rf"(in|out) +({NAME}): +(.+)")
CALL_ERROR = re.compile(rf"error +({UPPER}) +{TEXT}")
HANDLE = re.compile(rf"handle +({TYPE})(\??)((?: +{UPPER}(?:\+{UPPER})*)?)")
FLAGS = re.compile(rf"flags\(({UPPER}=\d+(?: {UPPER}=\d+)*)\)")
COMMENT = re.compile(r'^((?:[^"#]|"[^"]*")*)#.*$')


class Parser:
    def __init__(self) -> None:
        self.model = Model()
        self.open: Call | Object | None = None  # whom indented lines belong to

    def file(self, path: str, text: str) -> None:
        self.open = None
        for number, line in enumerate(text.split("\n"), 1):
            place = f"{path}:{number}"
            if "\t" in line:
                raise IdlError(place, "a tab: indent with spaces")
            match = COMMENT.match(line)
            line = (match.group(1) if match else line).rstrip()
            if line.startswith(" "):
                self.indented(place, line.strip())
            elif line:
                self.top(place, line)

    def top(self, place: str, line: str) -> None:
        model, word = self.model, line.split()[0]
        self.open = None
        if match := ERROR.fullmatch(line):
            model.errors.append(Error(place, match[1], int(match[2]), match[3]))
        elif match := RIGHT.fullmatch(line):
            model.rights.append(Right(place, match[1], int(match[2]), match[3]))
        elif match := COUNTER.fullmatch(line):
            model.counters.append(Counter(place, match[1], int(match[2]), match[3]))
        elif match := OBJECT.fullmatch(line):
            self.open = Object(place, match[1], int(match[2]), match[3])
            model.objects.append(self.open)
        elif match := CALL.fullmatch(line):
            self.open = Call(place, match[1], int(match[2]), match[3])
            model.calls.append(self.open)
        elif word in ("error", "right", "counter", "object", "call"):
            raise IdlError(place, f"malformed `{word}` statement")
        else:
            raise IdlError(place, f"unknown statement `{word}`")

    def indented(self, place: str, line: str) -> None:
        if isinstance(self.open, Object):
            match = RIGHT.fullmatch(line)
            if not match:
                raise IdlError(place, "expected `right NAME BIT \"meaning\"`")
            self.open.rights.append(Right(place, match[1], int(match[2]), match[3]))
        elif isinstance(self.open, Call):
            self.call_line(place, self.open, line)
        else:
            raise IdlError(place, "an indented line that belongs to no call and no object")

    def call_line(self, place: str, call: Call, line: str) -> None:
        if match := DOC.fullmatch(line):
            if call.doc:
                raise IdlError(place, "second `doc`")
            call.doc = match[1]
        elif match := PARAM.fullmatch(line):
            if call.errors or (match[1] == "in" and call.outputs):
                raise IdlError(place, "out of order: doc, in, out, error")
            params = call.inputs if match[1] == "in" else call.outputs
            params.append(param(place, match[2], match[3]))
        elif match := CALL_ERROR.fullmatch(line):
            call.errors.append((match[1], match[2], place))
        else:
            raise IdlError(place, "expected doc, in, out or error")


def param(place: str, name: str, text: str) -> Param:
    if text in SCALARS:
        return Param(place, name, text)
    if match := HANDLE.fullmatch(text):
        rights = match[3].strip()
        return Param(place, name, "handle", match[1], bool(match[2]), rights.split("+") if rights else [])
    if match := FLAGS.fullmatch(text):
        pairs = [pair.split("=") for pair in match[1].split(" ")]
        return Param(place, name, "flags", flags=[(key, int(bit)) for key, bit in pairs])
    raise IdlError(place, f"unknown parameter type `{text}`")


def parse_text(files: list[tuple[str, str]]) -> Model:
    parser = Parser()
    for path, text in files:
        parser.file(path, text)
    return parser.model
