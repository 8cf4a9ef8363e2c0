# SPDX-License-Identifier: MIT OR Apache-2.0
# Emits include/abi/: constants that kernel and users share, for C and for assembly.
from __future__ import annotations

from model import CLASSES, Model
from text import c_head, comment, defines, header, joined

STATUS = """typedef int32_t tes_status_t;
#define TES_MUST_CHECK __attribute__((warn_unused_result))
"""


def errors_h(model: Model) -> str:
    lines = header("Status codes: 0 is success, errors are negative.", ["stdint.h"])
    lines += STATUS.split("\n") + ["#define TES_OK 0"]
    pairs = [(f"TES_ERROR_{e.name}", f"({e.number})") for e in model.errors]
    return joined(lines + defines(pairs, [e.doc for e in model.errors]))


def objects_h(model: Model) -> str:
    lines = header("Object types, handle rights and typed handle values.", ["stdint.h"])
    lines += ["enum tes_object_type {"]
    for item in model.objects:
        lines += comment(item.doc, indent="    ") + [f"    TES_TYPE_{item.upper} = {item.number},"]
    lines += [f"    TES_TYPE_COUNT = {model.objects[-1].number + 1},", "};", "", "// Rights of every type."]
    lines += defines([(f"TES_RIGHT_{r.name}", f"(1u << {r.bit})") for r in model.rights],
                     [r.doc for r in model.rights])
    for item in model.live_types:
        if item.rights:
            lines += ["", f"// Rights of {item.name}."]
            lines += defines([(f"TES_RIGHT_{item.upper}_{r.name}", f"(1u << {r.bit})") for r in item.rights],
                             [r.doc for r in item.rights])
    generic = sum(1 << r.bit for r in model.rights)
    lines += ["", "// All rights a type can have."]
    lines += defines([("TES_RIGHTS_GENERIC", f"0x{generic:04x}u")] +
                     [(f"TES_RIGHTS_OF_{o.upper}", f"0x{model.mask_of_object(o):04x}u") for o in model.live_types])
    return joined(lines + [""] + handle_types(model))


def handle_types(model: Model) -> list[str]:
    lines = ["// Handle values: one struct for each type, so that mixing them does not compile. 0 is no handle.",
             "typedef struct {", "    uint64_t value;", "} tes_handle_t;"]
    for item in model.live_types:
        lines += ["", "typedef struct {", "    uint64_t value;", f"}} tes_{item.lower}_t;"]
    for item in model.live_types:
        lines += ["", f"static inline tes_handle_t tes_{item.lower}_any(tes_{item.lower}_t handle)", "{",
                  "    return (tes_handle_t){ .value = handle.value };", "}"]
    lines += ["", "// The caller says that it knows the type; the kernel checks it at the next call."]
    for item in model.live_types:
        lines += ["", f"static inline tes_{item.lower}_t tes_{item.lower}_from(tes_handle_t handle)", "{",
                  f"    return (tes_{item.lower}_t){{ .value = handle.value }};", "}"]
    return lines


def class_masks(model: Model) -> list[tuple[str, int]]:
    return [(f"TES_CALL_MASK_{name.upper()}",
             sum(1 << c.number for c in model.calls if c.call_class == name)) for name in CLASSES]


def flag_values(model: Model) -> list[tuple[str, int]]:
    return [(f"TES_{c.upper}_{name}", bit) for c in model.calls for p in c.inputs for name, bit in p.flags]


def calls_h(model: Model) -> str:
    lines = header("Kernel call numbers, their classes and their flags.", [])
    lines += defines([(f"TES_CALL_{c.upper}", f"{c.number}u") for c in model.calls] +
                     [("TES_CALL_COUNT", f"{model.call_count}u")])
    lines += ["", "// How a call uses registers and whether it may wait; masks of call numbers by class."]
    lines += defines([(f"TES_CALL_CLASS_{name.upper()}", f"{index}u") for index, name in enumerate(CLASSES)] +
                     [(name, f"0x{mask:016x}ull") for name, mask in class_masks(model)])
    lines += ["", "// Flags of each call."]
    return joined(lines + defines([(name, f"(1u << {bit})") for name, bit in flag_values(model)]))


def counters_h(model: Model) -> str:
    lines = header("Numbers of the per-core event counters.", []) + ["enum tes_counter {"]
    for counter in model.counters:
        lines += comment(counter.doc, indent="    ") + [f"    TES_COUNTER_{counter.name} = {counter.number},"]
    return joined(lines + [f"    TES_COUNTER_COUNT = {model.counters[-1].number + 1},", "};"])


def asm_constants_h(model: Model) -> str:
    pairs = [("TES_OK", "0")] + [(f"TES_ERROR_{e.name}", f"{e.number}") for e in model.errors]
    pairs += [(f"TES_TYPE_{o.upper}", f"{o.number}") for o in model.objects]
    pairs += [(f"TES_RIGHT_{r.name}", f"0x{1 << r.bit:x}") for r in model.rights]
    pairs += [(f"TES_RIGHT_{o.upper}_{r.name}", f"0x{1 << r.bit:x}") for o in model.objects for r in o.rights]
    pairs += [(f"TES_CALL_{c.upper}", f"{c.number}") for c in model.calls]
    pairs += [("TES_CALL_COUNT", f"{model.call_count}")]
    pairs += [(f"TES_CALL_CLASS_{name.upper()}", f"{index}") for index, name in enumerate(CLASSES)]
    pairs += [(name, f"0x{mask:016x}") for name, mask in class_masks(model)]
    pairs += [(name, f"0x{1 << bit:x}") for name, bit in flag_values(model)]
    pairs += [(f"TES_COUNTER_{c.name}", f"{c.number}") for c in model.counters]
    lines = c_head("The shared constants as plain numbers for assembly; C uses the other headers here.")
    lines += ["#pragma once", "", "#ifndef __ASSEMBLER__", "#error \"for assembly only\"", "#endif", ""]
    return joined(lines + defines(pairs))


def emit(model: Model) -> dict[str, str]:
    return {"include/abi/errors.h": errors_h(model), "include/abi/objects.h": objects_h(model),
            "include/abi/calls.h": calls_h(model), "include/abi/counters.h": counters_h(model),
            "include/abi/asm_constants.h": asm_constants_h(model)}
