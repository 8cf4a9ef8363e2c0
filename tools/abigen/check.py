# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks a parsed model: numbers ascend and are used once, names are known and used once, limits are kept.
# The first mistake ends the run with its place.
from __future__ import annotations

from model import (CALL_NUMBERS, CALLS_MAX, CLASSES, COUNTERS_MAX, FLAG_BITS, INPUTS_MAX, OUTPUTS_MAX,
                   RIGHT_BITS, TYPES_MAX, Call, IdlError, Model, Param)

# Names that a parameter cannot have: used by the generated code, or words of C.
RESERVED = {"call", "outcome", "data", "int", "long", "short", "char", "void", "struct", "union",
            "enum", "const", "static", "inline", "return", "switch", "case", "default", "for", "while", "do", "if",
            "else", "goto", "break", "continue", "register", "volatile", "signed", "unsigned", "asm", "extern"}


def unique(items: list, what: str) -> None:
    seen: dict[str, str] = {}
    for item in items:
        if item.name in seen:
            raise IdlError(item.place, f"{what} {item.name} is already at {seen[item.name]}")
        seen[item.name] = item.place


def ascending(items: list, what: str, sign: int = 1) -> None:
    """Numbers in order and once."""
    seen: dict[int, str] = {}
    last = None
    for item in items:
        if item.number in seen:
            raise IdlError(item.place, f"{what} number {item.number} is already used at {seen[item.number]}")
        if last is not None and item.number * sign < last * sign:
            raise IdlError(item.place, f"{what} number {item.number} is out of order (after {last})")
        seen[item.number] = item.place
        last = item.number


def bits(rights: list, used: dict[int, str]) -> None:
    for right in rights:
        if right.bit >= RIGHT_BITS:
            raise IdlError(right.place, f"right {right.name}: bit {right.bit} is above {RIGHT_BITS - 1}")
        if right.bit in used:
            raise IdlError(right.place, f"right {right.name}: bit {right.bit} is already {used[right.bit]}")
        used[right.bit] = right.name


def check_errors(model: Model) -> None:
    unique(model.errors, "error")
    ascending(model.errors, "error", -1)
    for error in model.errors:
        if error.number >= 0:
            raise IdlError(error.place, f"error {error.name}: number must be negative")


def check_objects(model: Model) -> None:
    unique(model.objects, "object")
    ascending(model.objects, "object")
    generic: dict[int, str] = {}
    unique(model.rights, "right")
    bits(model.rights, generic)
    for item in model.objects:
        if item.number >= TYPES_MAX:
            raise IdlError(item.place, f"object {item.name}: number is above {TYPES_MAX - 1}")
        if item.name == "Any":
            raise IdlError(item.place, "object Any: the name stands for every type")
        if (item.number == 0) != (item.name == "None") or (item.number == 0 and item.rights):
            raise IdlError(item.place, "number 0 is for None, which has no rights")
        unique(model.rights + item.rights, "right")
        bits(item.rights, dict(generic))


def check_param(model: Model, call: Call, p: Param, is_output: bool) -> None:
    if p.name in RESERVED:
        raise IdlError(p.place, f"parameter name {p.name} is reserved")
    if is_output and p.kind not in ("u64", "handle"):
        raise IdlError(p.place, "a result is u64 or a handle")
    if p.kind == "flags":
        check_flags(p)
    if p.kind != "handle":
        return
    if p.type != "Any" and (model.object(p.type) is None or p.type == "None"):
        raise IdlError(p.place, f"unknown type {p.type}")
    if is_output and (p.rights or p.is_optional):
        raise IdlError(p.place, "a resulting handle names a type only")
    if not is_output and not p.rights:
        raise IdlError(p.place, f"handle {p.name} names no right")
    for right in p.rights:
        if model.right_of(p.type, right) is None:
            raise IdlError(p.place, f"unknown right {right} of {p.type}")
    if len(set(p.rights)) != len(p.rights):
        raise IdlError(p.place, "a right is named twice")


def check_flags(p: Param) -> None:
    names = [name for name, _ in p.flags]
    numbers = [bit for _, bit in p.flags]
    if len(set(names)) != len(names) or len(set(numbers)) != len(numbers):
        raise IdlError(p.place, "a flag or its bit is named twice")
    if numbers != sorted(numbers):
        raise IdlError(p.place, "flag bits are out of order")
    if max(numbers) >= FLAG_BITS:
        raise IdlError(p.place, f"a flag bit is above {FLAG_BITS - 1}")


def check_call(model: Model, call: Call) -> None:
    if call.call_class not in CLASSES:
        raise IdlError(call.place, f"unknown class {call.call_class}")
    if not call.doc:
        raise IdlError(call.place, f"call {call.name} has no doc")
    if len(call.inputs) > INPUTS_MAX:
        raise IdlError(call.inputs[INPUTS_MAX].place, f"more than {INPUTS_MAX} `in`")
    if len(call.outputs) > OUTPUTS_MAX:
        raise IdlError(call.outputs[OUTPUTS_MAX].place, f"more than {OUTPUTS_MAX} `out`")
    if call.call_class == "message" and (call.outputs or len(call.inputs) > 1):
        raise IdlError(call.place, "a message call has at most one `in` and no `out`: the registers hold words")
    unique(call.inputs + call.outputs, "parameter")
    for p in call.inputs:
        check_param(model, call, p, False)
    for p in call.outputs:
        check_param(model, call, p, True)
    if sum(1 for p in call.inputs if p.kind in ("flags", "u32")) > 1:
        raise IdlError(call.place, "more than one `flags` or `u32`: the kernel's decoder checks one limit")
    check_call_errors(model, call)


def check_call_errors(model: Model, call: Call) -> None:
    known = {e.name for e in model.errors}
    seen: set[str] = set()
    for name, _, place in call.errors:
        if name not in known:
            raise IdlError(place, f"error {name} is not in errors.idl")
        if name in seen:
            raise IdlError(place, f"error {name} is listed twice")
        seen.add(name)
    for name, _ in call.all_errors():
        if name not in known:
            raise IdlError(call.place, f"error {name}, which every such call has, is not in errors.idl")


def check_symbols(model: Model) -> None:
    """No two calls may give the same flag constant."""
    seen: dict[str, str] = {}
    for call in model.calls:
        for p in call.inputs:
            for name, _ in p.flags:
                symbol = f"TES_{call.upper}_{name}"
                if symbol in seen:
                    raise IdlError(p.place, f"{symbol} is already given at {seen[symbol]}")
                seen[symbol] = p.place


def check(model: Model) -> None:
    check_errors(model)
    check_objects(model)
    unique(model.counters, "counter")
    ascending(model.counters, "counter")
    for counter in model.counters:
        if counter.number >= COUNTERS_MAX:
            raise IdlError(counter.place, f"counter number is above {COUNTERS_MAX - 1}")
    unique(model.calls, "call")
    ascending(model.calls, "call")
    for index, call in enumerate(model.calls):
        if index >= CALLS_MAX:
            raise IdlError(call.place, f"more than {CALLS_MAX} calls")
        if call.number >= CALL_NUMBERS:
            raise IdlError(call.place, f"call number is above {CALL_NUMBERS - 1}")
        check_call(model, call)
    check_symbols(model)
