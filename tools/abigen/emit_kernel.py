# SPDX-License-Identifier: MIT OR Apache-2.0
# Emits kernel/: prototypes of the sys_ functions, per call a function that decodes it and checks types, rights and
# flags, the table of those, the dispatcher and the tables of names and classes.
from __future__ import annotations

from model import Call, Model, Param
from text import c_head, header, joined, wrapped


RESULTS_AT = 2  # results leave in the registers of the third and fourth argument (abi_arch/registers.h)
PARAMETERS_MAX = 6  # STYLE 4; a call with more takes its inputs in a structure


def is_wide(call: Call) -> bool:
    return len(call.inputs) + len(call.outputs) > PARAMETERS_MAX


def declared(p: Param) -> str:
    return f"const struct handle_view *{p.name}" if p.kind == "handle" else f"uint64_t {p.name}"


def arguments_struct(call: Call) -> list[str]:
    fields = [f"    {declared(p)};" for p in call.inputs]
    return [f"struct {call.name}_arguments {{"] + fields + ["};", ""]


def prototype(call: Call) -> list[str]:
    params = [declared(p) for p in call.inputs]
    if is_wide(call):
        params = [f"const struct {call.name}_arguments *arguments"]
    params += [f"uint64_t *out_{p.name}" for p in call.outputs]
    return wrapped(f"TES_MUST_CHECK tes_status_t sys_{call.name}(", params or ["void"], ");")


def kernel_calls_h(model: Model) -> str:
    lines = header("What implements each kernel call. Handles are resolved and checked, flags have known bits "
                   "only; all else is as the caller gave it. A view of an optional handle that was 0 has object "
                   "NULL. Results are written only on success.", ["abi/calls.h", "abi/errors.h", "kernel/call.h", "stdint.h"])
    lines += ["struct handle_view;", ""]
    for call in model.calls:
        lines += arguments_struct(call) if is_wide(call) else []
    for call in model.calls:
        lines += prototype(call)
    lines += ["", "// Decodes, checks and runs one call; entry code indexes it with a clamped number.",
              "extern tes_status_t (*const call_decoders[TES_CALL_COUNT])(struct call *call);"]
    lines += ["", "extern const char *const call_names[TES_CALL_COUNT];",
              "extern const uint8_t call_class[TES_CALL_COUNT]; // TES_CALL_CLASS_*"]
    return joined(lines)


def resolve(model: Model, call: Call, p: Param) -> list[str]:
    symbol = "TES_TYPE_NONE" if p.type == "Any" else f"TES_TYPE_{model.object(p.type).upper}"
    rights = " | ".join(model.right_symbol(p.type, r) for r in p.rights) or "0"
    value = f"call->arguments[{call.inputs.index(p)}]"
    function = "resolve_optional" if p.is_optional else "handle_resolve"
    lines = wrapped(f"    status = {function}(", ["self", value, symbol, rights, f"&{p.name}"], ");")
    return lines + ["    if (status != TES_OK) {", "        return status;", "    }"]


def limit(call: Call) -> list[str]:
    p = next((p for p in call.inputs if p.kind in ("flags", "u32")), None)
    if p is None:
        return []
    mask = f"0x{p.flag_mask:x}u" if p.kind == "flags" else "UINT32_MAX"
    return [f"    if ((call->arguments[{call.inputs.index(p)}] & ~(uint64_t){mask}) != 0) {{",
            "        return TES_ERROR_INVALID;", "    }"]


def run(call: Call) -> list[str]:
    values = [f"&{p.name}" if p.kind == "handle" else f"call->arguments[{index}]"
              for index, p in enumerate(call.inputs)]
    lines = []
    if is_wide(call):
        fields = [f"        .{p.name} = {value}," for p, value in zip(call.inputs, values)]
        lines = [f"    const struct {call.name}_arguments arguments = {{"] + fields + ["    };"]
        values = ["&arguments"]
    values += [f"&call->arguments[{RESULTS_AT + index}]" for index, _ in enumerate(call.outputs)]
    return lines + wrapped(f"    return sys_{call.name}(", values, ");")


def decoder(model: Model, call: Call) -> list[str]:
    lines = [f"static tes_status_t decode_{call.name}(struct call *call)", "{"]
    if not call.inputs and not call.outputs:
        lines += ["    (void)call;"]
    if call.handles:
        lines += ["    struct process *self = own_process();", "    tes_status_t status = TES_OK;"]
        lines += [f"    struct handle_view {p.name};" for p in call.handles]
    for p in call.handles:
        lines += resolve(model, call, p)
    return lines + limit(call) + run(call) + ["}", ""]


HELPERS = """static inline struct process *own_process(void)
{
    return ((const struct thread *)(const void *)cpu_current_frame())->process;
}

// A handle that may be 0: then the view names no object.
static inline tes_status_t resolve_optional(struct process *process, uint64_t value,
                                     enum tes_object_type type, uint32_t rights,
                                     struct handle_view *out_view)
{
    if (value == 0) {
        out_view->object = NULL;
        out_view->type = TES_TYPE_NONE;
        return TES_OK;
    }
    return handle_resolve(process, value, type, rights, out_view);
}
"""

DISPATCH = """// The clamp keeps a mispredicted bound from fetching a pointer from behind the table.
tes_status_t call_dispatch(struct call *call)
{
    if (call->number >= TES_CALL_COUNT) {
        return TES_ERROR_BAD_CALL;
    }
    return call_decoders[array_index_clamp(call->number, TES_CALL_COUNT)](call);
}
"""

NO_CALL = """static tes_status_t decode_unused(struct call *call)
{
    (void)call;
    return TES_ERROR_BAD_CALL;
}
"""


def calls_c(model: Model) -> str:
    lines = c_head("Decodes kernel calls: handles in order, then flags, then the sys_ function of the call.")
    lines += ["#include <kernel_calls.h>", ""]
    lines += [f"#include <{name}>" for name in ("abi/objects.h", "arch/cpu.h", "kernel/call.h", "kernel/handle.h",
                                               "kernel/process.h", "kernel/thread.h", "rt/checked.h")]
    lines += [""] + HELPERS.split("\n")
    used = {c.number: c for c in model.calls}
    if len(used) < model.call_count:
        lines += NO_CALL.split("\n")
    for call in model.calls:
        lines += decoder(model, call)
    lines += ["tes_status_t (*const call_decoders[TES_CALL_COUNT])(struct call *call) = {"]
    for number in range(model.call_count):
        name = used[number].name if number in used else "unused"
        lines.append(f"    [{number}] = decode_{name},")
    return joined(lines + ["};", ""] + DISPATCH.split("\n"))


def call_names_c(model: Model) -> str:
    lines = c_head("Names and classes of the kernel calls, by number; an unused number has no name.")
    lines += ["#include <kernel_calls.h>", "", "const char *const call_names[TES_CALL_COUNT] = {"]
    lines += [f"    [TES_CALL_{c.upper}] = \"{c.name}\"," for c in model.calls]
    lines += ["};", "", "const uint8_t call_class[TES_CALL_COUNT] = {"]
    lines += [f"    [TES_CALL_{c.upper}] = TES_CALL_CLASS_{c.call_class.upper()}," for c in model.calls]
    return joined(lines + ["};"])


def emit(model: Model) -> dict[str, str]:
    return {"kernel/kernel_calls.h": kernel_calls_h(model), "kernel/calls.c": calls_c(model),
            "kernel/call_names.c": call_names_c(model)}
