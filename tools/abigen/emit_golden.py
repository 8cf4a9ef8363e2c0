# SPDX-License-Identifier: MIT OR Apache-2.0
# The golden dumps: what of the tables is interface (numbers, names, types, rights, flags, errors; not the
# texts). They are committed, so that a change of the interface shows; numbers never change hands.
from __future__ import annotations

import re

from emit_doc import pairs_of
from model import IdlError, Model, Param
from text import joined

SPDX = "# SPDX-License-Identifier: MIT OR Apache-2.0"


def param_text(p: Param) -> str:
    text = p.kind
    if p.kind == "handle":
        text = f"handle {p.type}{'?' if p.is_optional else ''}"
        text += f" {'+'.join(p.rights)}" if p.rights else ""
    if p.kind == "flags":
        text = "flags(" + " ".join(f"{name}={bit}" for name, bit in p.flags) + ")"
    return f"{p.name}: {text}"


def calls_txt(model: Model) -> str:
    lines = [SPDX]
    for call in model.calls:
        lines += [f"{call.number} {call.name} {call.call_class}"]
        lines += [f"  in {param_text(p)}" for p in call.inputs]
        lines += [f"  out {param_text(p)}" for p in call.outputs]
        lines += ["  errors " + " ".join(sorted(pairs_of(call)))] if pairs_of(call) else []
    return joined(lines)


def objects_txt(model: Model) -> str:
    lines = [SPDX] + [f"right {r.bit} {r.name}" for r in model.rights]
    for item in model.objects:
        lines += [f"{item.number} {item.name}"] + [f"  right {r.bit} {r.name}" for r in item.rights]
    return joined(lines)


def emit(model: Model) -> dict[str, str]:
    return {"calls.txt": calls_txt(model), "objects.txt": objects_txt(model),
            "errors.txt": joined([SPDX] + [f"{e.number} {e.name}" for e in model.errors]),
            "counters.txt": joined([SPDX] + [f"{c.number} {c.name}" for c in model.counters])}


NUMBERED = re.compile(r"(-?\d+) ([A-Za-z][A-Za-z0-9_]*).*")


def check_reuse(name: str, old: str, new: str) -> None:
    """A number that had a name may keep it or go away, but never name something else."""
    before = {m[1]: m[2] for m in map(NUMBERED.fullmatch, old.split("\n")) if m}
    for number, item in ((m[1], m[2]) for m in map(NUMBERED.fullmatch, new.split("\n")) if m):
        if before.get(number, item) != item:
            raise IdlError(name, f"number {number} was {before[number]} and is now {item}: numbers are never reused")
