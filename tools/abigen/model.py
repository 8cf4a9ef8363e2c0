# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tables in abi/*.idl say, as plain data. Filled by parse.py, checked by check.py, read by emit_*.py.
from __future__ import annotations

import re
from dataclasses import dataclass, field

CLASSES = ("simple", "waiting", "message")
SCALARS = ("u64", "u32", "address", "size")
INPUTS_MAX = 6
OUTPUTS_MAX = 2
CALLS_MAX = 50
CALL_NUMBERS = 64  # call numbers fit one mask word
RIGHT_BITS = 16
FLAG_BITS = 32
COUNTERS_MAX = 64  # TES_COUNTERS_MAX in abi/info.h
TYPES_MAX = 32  # tes_info_object_counts in abi/info.h
HANDLE_ERRORS = (
    ("BAD_HANDLE", "{0} was never given out, or was closed."),
    ("BAD_TYPE", "{0} is no {1} handle."),
    ("NO_RIGHT", "{0} lacks {2}."),
    ("REVOKED", "The Session of {0} was revoked or has expired, or its object was destroyed."),
)


class IdlError(Exception):
    """A mistake in a table: FILE:LINE: what."""

    def __init__(self, place: str, what: str):
        super().__init__(f"{place}: {what}")


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass
class Error:
    place: str
    name: str
    number: int
    doc: str


@dataclass
class Right:
    place: str
    name: str
    bit: int
    doc: str


@dataclass
class Object:
    place: str
    name: str
    number: int
    doc: str
    rights: list[Right] = field(default_factory=list)

    @property
    def lower(self) -> str:
        return snake(self.name)

    @property
    def upper(self) -> str:
        return self.lower.upper()


@dataclass
class Counter:
    place: str
    name: str
    number: int
    doc: str


@dataclass
class Param:
    place: str
    name: str
    kind: str  # a scalar, "flags" or "handle"
    type: str = ""  # handle: an object's name or "Any"
    is_optional: bool = False
    rights: list[str] = field(default_factory=list)
    flags: list[tuple[str, int]] = field(default_factory=list)

    @property
    def flag_mask(self) -> int:
        return sum(1 << bit for _, bit in self.flags)


@dataclass
class Call:
    place: str
    name: str
    number: int
    call_class: str
    doc: str = ""
    inputs: list[Param] = field(default_factory=list)
    outputs: list[Param] = field(default_factory=list)
    errors: list[tuple[str, str, str]] = field(default_factory=list)  # name, cause, place

    @property
    def upper(self) -> str:
        return self.name.upper()

    @property
    def handles(self) -> list[Param]:
        return [p for p in self.inputs if p.kind == "handle"]

    def all_errors(self) -> list[tuple[str, str]]:
        """Implied errors first, then those of the table: (name, cause)."""
        result = []
        for p in self.handles:
            what = "object" if p.type == "Any" else p.type
            for name, cause in HANDLE_ERRORS:
                if name == "BAD_TYPE" and p.type == "Any":
                    continue
                result.append((name, cause.format(f"`{p.name}`", what, "+".join(p.rights))))
        for p in self.inputs:
            if p.kind == "flags":
                result.append(("INVALID", f"`{p.name}` has bits that are not in the table."))
            if p.kind == "u32":
                result.append(("INVALID", f"`{p.name}` is above 32 bits."))
        if any(p.kind == "handle" for p in self.outputs):
            result.append(("NO_HANDLES", "The caller's handle table or its Quota is full."))
        return result + [(name, cause) for name, cause, _ in self.errors]


@dataclass
class Model:
    errors: list[Error] = field(default_factory=list)
    rights: list[Right] = field(default_factory=list)
    objects: list[Object] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)

    def object(self, name: str) -> Object | None:
        return next((o for o in self.objects if o.name == name), None)

    def right_of(self, type_name: str, name: str) -> Right | None:
        own = self.object(type_name)
        return next((r for r in self.rights + (own.rights if own else []) if r.name == name), None)

    def right_symbol(self, type_name: str, name: str) -> str:
        if any(r.name == name for r in self.rights):
            return f"TES_RIGHT_{name}"
        return f"TES_RIGHT_{self.object(type_name).upper}_{name}"

    def right_mask(self, p: Param) -> int:
        return sum(1 << self.right_of(p.type, r).bit for r in p.rights)

    def mask_of_object(self, o: Object) -> int:
        return sum(1 << r.bit for r in self.rights + o.rights) if o.number else 0

    @property
    def call_count(self) -> int:
        """One more than the highest number."""
        return self.calls[-1].number + 1 if self.calls else 0

    @property
    def live_types(self) -> list[Object]:
        return [o for o in self.objects if o.number]
