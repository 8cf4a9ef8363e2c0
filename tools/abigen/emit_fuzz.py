# SPDX-License-Identifier: MIT OR Apache-2.0
# Emits fuzz/: the grammar of kernel calls as JSON (host) and as a C table (on the device).
from __future__ import annotations

import json

from emit_doc import pairs_of
from model import INPUTS_MAX, OUTPUTS_MAX, SCALARS, Model, Param
from text import header, joined

KINDS = ("none",) + SCALARS + ("flags", "handle", "handle_optional")


def kind_of(p: Param) -> str:
    return "handle_optional" if p.is_optional else p.kind


def param_json(model: Model, p: Param) -> dict:
    entry: dict = {"name": p.name, "kind": p.kind}
    if p.kind == "handle":
        entry.update(type=p.type, optional=p.is_optional, rights=p.rights, rights_mask=model.right_mask(p))
    if p.kind == "flags":
        entry.update(flags=dict(p.flags), mask=p.flag_mask)
    return entry


def grammar_json(model: Model) -> str:
    calls = [{"name": c.name, "number": c.number, "class": c.call_class,
              "in": [param_json(model, p) for p in c.inputs], "out": [param_json(model, p) for p in c.outputs],
              "errors": pairs_of(c)} for c in model.calls]
    objects = [{"name": o.name, "number": o.number, "rights": {r.name: r.bit for r in o.rights},
                "mask": model.mask_of_object(o)} for o in model.objects]
    return json.dumps({"call_count": model.call_count, "errors": {e.name: e.number for e in model.errors},
                       "rights": {r.name: r.bit for r in model.rights}, "objects": objects, "calls": calls},
                      indent=1) + "\n"


def type_symbol(model: Model, p: Param) -> str:
    return "TES_TYPE_NONE" if p.type == "Any" else f"TES_TYPE_{model.object(p.type).upper}"


def param_c(model: Model, p: Param) -> str:
    text = f"{{ .kind = FUZZ_{kind_of(p).upper()}"
    if p.kind == "handle":
        text += f", .type = {type_symbol(model, p)}"
        text += f", .mask = 0x{model.right_mask(p):x}u" if p.rights else ""
    if p.kind == "flags":
        text += f", .mask = 0x{p.flag_mask:x}u"
    return text + " }"


TYPES = f"""#define FUZZ_INPUTS_MAX  {INPUTS_MAX}u
#define FUZZ_OUTPUTS_MAX {OUTPUTS_MAX}u

struct fuzz_param {{
    uint8_t kind;   // enum fuzz_kind
    uint8_t type;   // handles: enum tes_object_type, TES_TYPE_NONE for any
    uint16_t reserved;
    uint32_t mask;  // flags: bits allowed; handles: rights needed
}};

struct fuzz_call {{
    const char *name;
    uint8_t number;
    uint8_t call_class; // TES_CALL_CLASS_*
    uint8_t input_count;
    uint8_t output_count;
    struct fuzz_param inputs[FUZZ_INPUTS_MAX];
    struct fuzz_param outputs[FUZZ_OUTPUTS_MAX];
}};
"""


def grammar_h(model: Model) -> str:
    lines = header("The grammar of kernel calls for fuzzers on the device. Include it in one file.",
                   ["abi/calls.h", "abi/objects.h", "stdint.h"])
    lines += ["enum fuzz_kind {"] + [f"    FUZZ_{kind.upper()} = {index}," for index, kind in enumerate(KINDS)]
    lines += ["};", ""] + TYPES.split("\n")
    lines += [f"#define FUZZ_CALL_COUNT {len(model.calls)}u", "",
              "static const struct fuzz_call fuzz_calls[FUZZ_CALL_COUNT] = {"]
    for call in model.calls:
        lines += ["    {", f"        .name = \"{call.name}\",", f"        .number = TES_CALL_{call.upper},",
                  f"        .call_class = TES_CALL_CLASS_{call.call_class.upper()},",
                  f"        .input_count = {len(call.inputs)},", f"        .output_count = {len(call.outputs)},"]
        for member, params in (("inputs", call.inputs), ("outputs", call.outputs)):
            if params:
                lines += [f"        .{member} = {{"]
                lines += [f"            {param_c(model, p)}," for p in params] + ["        },"]
        lines += ["    },"]
    return joined(lines + ["};"])


def emit(model: Model) -> dict[str, str]:
    return {"fuzz/grammar.json": grammar_json(model), "fuzz/include/fuzz_grammar.h": grammar_h(model)}
