# SPDX-License-Identifier: MIT OR Apache-2.0
# Emits doc/: the reference page of the kernel interface and the list of (call, error) pairs that tests cover.
from __future__ import annotations

from model import Call, Model, Param
from text import joined

INTRO = """<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->
<!-- Generated from abi/*.idl by tools/abigen: change those, not this. -->
# Kernel calls

Every call returns a status: 0, or a negative error. Results are written only on success. A number that is in no
row returns BAD_CALL. Handles are checked in the order of the parameters, then flags, then all else.

Class `simple` never waits; `waiting` may wait, or be preempted and go on; of `message` calls the label and eight
words travel in registers. Registers of each architecture stand in `abi_arch/registers.h`.
"""


def type_text(p: Param) -> str:
    if p.kind == "handle":
        rights = f" with {'+'.join(p.rights)}" if p.rights else ""
        return f"{p.type} handle{rights}{' or 0' if p.is_optional else ''}"
    if p.kind == "flags":
        return "flags " + ", ".join(f"{name} (bit {bit})" for name, bit in p.flags)
    return p.kind


def call_section(call: Call) -> list[str]:
    lines = [f"### {call.name}", "", f"Number {call.number}, class {call.call_class}. {call.doc}", ""]
    if call.inputs or call.outputs:
        lines += ["| | parameter | type |", "|---|---|---|"]
        lines += [f"| in | `{p.name}` | {type_text(p)} |" for p in call.inputs]
        lines += [f"| out | `{p.name}` | {type_text(p)} |" for p in call.outputs] + [""]
    pairs = call.all_errors()
    if pairs:
        lines += ["| error | cause |", "|---|---|"] + [f"| {name} | {cause} |" for name, cause in pairs] + [""]
    return lines


def kernel_calls_md(model: Model) -> str:
    lines = INTRO.split("\n")
    lines += ["| number | call | class |", "|---|---|---|"]
    lines += [f"| {c.number} | [{c.name}](#{c.name}) | {c.call_class} |" for c in model.calls]
    lines += ["", "## Calls", ""]
    for call in model.calls:
        lines += call_section(call)
    lines += ["## Errors", "", "| error | number | meaning |", "|---|---|---|", "| OK | 0 | Success. |"]
    lines += [f"| {e.name} | {e.number} | {e.doc} |" for e in model.errors]
    lines += ["", "## Objects and rights", "", "| type | number | right | bit | meaning |", "|---|---|---|---|---|"]
    lines += [f"| every type | | {r.name} | {r.bit} | {r.doc} |" for r in model.rights]
    for item in model.objects:
        lines += [f"| {item.name} | {item.number} | | | {item.doc} |"]
        lines += [f"| | | {r.name} | {r.bit} | {r.doc} |" for r in item.rights]
    lines += ["", "## Counters", "", "| counter | number | meaning |", "|---|---|---|"]
    lines += [f"| {c.name} | {c.number} | {c.doc} |" for c in model.counters]
    return joined(lines)


def pairs_of(call: Call) -> list[str]:
    """Error names once each, in the order of the reference page."""
    return list(dict.fromkeys(name for name, _ in call.all_errors()))


def coverage_txt(model: Model) -> str:
    lines = ["# SPDX-License-Identifier: MIT OR Apache-2.0",
             "# Generated from abi/*.idl by tools/abigen. Every pair of call and error that a test has to cause.",
             "- BAD_CALL"]
    for call in model.calls:
        lines += [f"{call.name} {name}" for name in pairs_of(call)]
    return joined(lines)


def emit(model: Model) -> dict[str, str]:
    return {"doc/kernel-calls.md": kernel_calls_md(model), "doc/error-coverage.txt": coverage_txt(model)}
