# SPDX-License-Identifier: MIT OR Apache-2.0
# Emits user/tes/calls.h: one inline stub for each call that is not of class message.
from __future__ import annotations

from model import Call, Model, Param, snake
from text import comment, header, joined, wrapped


def c_type(p: Param) -> str:
    if p.kind == "handle":
        return "tes_handle_t" if p.type == "Any" else f"tes_{snake(p.type)}_t"
    return "uint32_t" if p.kind == "u32" else "uint64_t"


def doc(call: Call) -> list[str]:
    lines = comment(call.doc)
    for p in call.inputs:
        if p.kind == "handle":
            or_none = ", or 0" if p.is_optional else ""
            lines += comment(f"{p.name}: {p.type} with {'+'.join(p.rights)}{or_none}.", "//   ", "//     ")
        if p.kind == "flags":
            names = ", ".join(f"TES_{call.upper}_{name}" for name, _ in p.flags)
            lines += comment(f"{p.name}: {names}.", "//   ", "//     ")
    for name, cause in call.all_errors():
        lines += comment(f"{name}: {cause}".replace("`", ""), "//   ", "//     ")
    return lines


def stub(call: Call) -> list[str]:
    params = [f"{c_type(p)} {p.name}" for p in call.inputs]
    params += [f"{c_type(p)} *out_{p.name}" for p in call.outputs]
    head = f"static inline TES_MUST_CHECK tes_status_t tes_{call.name}("
    # As many parameters as the call has: STYLE 4 is about code that people write.
    mark = ["// NOLINTNEXTLINE(readability-function-size)"] if len(params) > 6 else []
    lines = doc(call) + mark + wrapped(head, params or ["void"], ")") + ["{"]
    values = [f"{p.name}.value" if p.kind == "handle" else p.name for p in call.inputs]
    lines += ["    struct tes_call_data data;"]
    lines += [f"    data.arguments[{index}] = {value};" for index, value in enumerate(values)]
    invoke = f"tes_arch_call_{len(values)}(TES_CALL_{call.upper}, &data);"
    if not call.outputs:
        return lines + [f"    return {invoke}", "}", ""]
    lines += [f"    tes_status_t outcome = {invoke}", "    if (outcome == TES_OK) {"]
    for index, p in enumerate(call.outputs):
        member = ".value" if p.kind == "handle" else ""
        target = f"out_{p.name}->value" if member else f"*out_{p.name}"
        lines += [f"        {target} = data.results[{index}];"]
    return lines + ["    }", "    return outcome;", "}", ""]


def calls_h(model: Model) -> str:
    lines = header("Kernel calls for user code. Results are written only on success. Calls of class message "
                   "(words in registers) go through tes_arch_message of <arch_user/call.h>.",
                   ["abi/call_data.h", "abi/calls.h", "abi/errors.h", "abi/objects.h", "arch_user/call.h", "stdint.h"])
    for call in model.calls:
        if call.call_class != "message":
            lines += stub(call)
    return joined(lines)


def emit(model: Model) -> dict[str, str]:
    return {"user/tes/calls.h": calls_h(model)}
