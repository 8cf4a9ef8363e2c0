# SPDX-License-Identifier: MIT OR Apache-2.0
# Helpers for all emitters: headers of generated files, wrapped comments, aligned defines.
from __future__ import annotations

import textwrap

WIDTH = 100


def c_head(*what: str) -> list[str]:
    lines = ["// SPDX-License-Identifier: MIT OR Apache-2.0"]
    for line in what:
        lines += comment(line)
    return lines + ["// Generated from abi/*.idl by tools/abigen: change those, not this."]


def header(what: str, includes: list[str]) -> list[str]:
    lines = c_head(what) + ["#pragma once", ""]
    return lines + [f"#include <{name}>" for name in includes] + ([""] if includes else [])


def comment(text: str, first: str = "// ", rest: str = "// ", indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent + first, subsequent_indent=indent + rest,
                         break_long_words=False, break_on_hyphens=False)


def defines(pairs: list[tuple[str, str]], notes: list[str] | None = None) -> list[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    lines = []
    for index, (name, value) in enumerate(pairs):
        line = f"#define {name:<{width}} {value}"
        note = f" // {notes[index]}" if notes else ""
        if notes and len(line + note) > WIDTH:
            lines += comment(notes[index])
            note = ""
        lines.append(line + note)
    return lines


def wrapped(head: str, parts: list[str], tail: str) -> list[str]:
    """head + comma-separated parts + tail, continued under the bracket, or by 4 where that is too far right."""
    pieces = [part + ("," if index < len(parts) - 1 else tail) for index, part in enumerate(parts)] or [tail]
    lines = filled(head, pieces, " " * len(head))
    if max(len(line) for line in lines) <= WIDTH:
        return lines
    pad = " " * (len(head) - len(head.lstrip()) + 4)
    return [head] + filled(pad, pieces, pad)


def filled(first: str, pieces: list[str], pad: str) -> list[str]:
    lines = [first + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) > WIDTH:
            lines.append(pad + piece)
        else:
            lines[-1] += " " + piece
    return lines


def joined(lines: list[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
