#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the Linux personality's call tables from calls.idl.

usage: gen_calls.py calls.idl OUTPUT_DIRECTORY
Writes linux_calls.h (prototypes), linux_calls.c (dispatch table, names, argument decoders) and
linux-calls.md (coverage). Nothing but the standard library is used; output depends on the input only.
"""
import os
import re
import sys

REGISTERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
TYPES_32_SIGNED = {"fd", "dirfd", "int", "signal"}
TYPES_32 = {"uint", "id", "mode", "flags", "enum"}
TYPES_64_SIGNED = {"offset"}
TYPES_64 = {"size", "hex", "pointer", "path", "in", "out", "iovec", "stat", "timespec", "timespecs",
            "sigaction", "sigset", "rlimit", "pollfds", "fdpair", "strings"}
PARAMETERS_MAX = 5
BANNER = "// SPDX-License-Identifier: MIT OR Apache-2.0\n// Made by gen_calls.py from calls.idl. Do not edit.\n"


class Mistake(Exception):
    pass


class Argument:
    def __init__(self, text, names):
        match = re.fullmatch(r"(\w+):(\w+)(?:\((\w+)\))?", text)
        if not match:
            raise Mistake(f"argument '{text}' is not NAME:TYPE or NAME:TYPE(OF)")
        self.name, self.type, self.of = match.groups()
        if self.type not in TYPES_32_SIGNED | TYPES_32 | TYPES_64_SIGNED | TYPES_64:
            raise Mistake(f"type '{self.type}' is unknown")
        names.append(self.name)

    def c_type(self):
        if self.type in TYPES_32_SIGNED:
            return "int32_t"
        if self.type in TYPES_32:
            return "uint32_t"
        return "int64_t" if self.type in TYPES_64_SIGNED else "uint64_t"

    def conversion(self, register):
        kind = self.c_type()
        return f"registers->{register}" if kind == "uint64_t" else f"({kind})registers->{register}"


class Call:
    def __init__(self, words):
        self.number, self.generic, self.name = int(words[0]), words[1], words[2]
        self.is_quiet = words[3:4] == ["quiet"]
        self.group = None if self.is_quiet or len(words) < 4 else words[3]
        rest = words[4:]
        self.is_pointer_result = rest[-2:] == ["->", "pointer"]
        names = []
        rest = rest[:-2] if self.is_pointer_result else rest
        self.arguments = [Argument(text, names) for text in rest]
        if len(self.arguments) > len(REGISTERS) or len(set(names)) != len(names):
            raise Mistake(f"call {self.name}: too many arguments, or two of one name")

    def index_of(self, name):
        for index, argument in enumerate(self.arguments):
            if argument.name == name:
                return index
        raise Mistake(f"call {self.name}: no argument '{name}'")

    def takes_struct(self):
        return len(self.arguments) > PARAMETERS_MAX


def parse_set(words):
    result = {"mask": None, "enum": [], "bits": []}
    place = None
    for word in words[1:]:
        if word in ("enum", "bits"):
            place = word
            if place == "enum":
                result["mask"] = 0xFFFFFFFF
        elif "=" in word and place:
            name, value = word.split("=")
            result[place].append((name, int(value, 0)))
        elif place == "enum":
            result["mask"] = int(word, 0)
        else:
            raise Mistake(f"set {words[0]}: '{word}'")
    return words[0], result


def parse(path):
    sets, calls = {}, {}
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            words = line.split("#")[0].split()
            try:
                if not words:
                    continue
                if words[0] == "set":
                    name, value = parse_set(words[1:])
                    sets[name] = value
                elif words[0] == "call":
                    call = Call(words[1:])
                    if call.number in calls:
                        raise Mistake(f"number {call.number} is taken")
                    calls[call.number] = call
                else:
                    raise Mistake(f"'{words[0]}' is neither set nor call")
            except (Mistake, ValueError, IndexError) as mistake:
                raise Mistake(f"{path}:{number}: {mistake}") from None
    return sets, calls


def struct_name(call):
    return f"struct linux_call_{call.name}_arguments"


def prototype(call):
    if call.takes_struct():
        parameters = ["struct linux_task *task", f"const {struct_name(call)} *arguments"]
    else:
        parameters = ["struct linux_task *task"]
        parameters += [f"{argument.c_type()} {argument.name}" for argument in call.arguments]
    return f"int64_t linux_call_{call.name}({', '.join(parameters)})"


def write_header(calls, out):
    out.append(BANNER + "#pragma once\n\n#include <personality/task.h>\n")
    for call in calls:
        if call.group and call.takes_struct():
            out.append(f"{struct_name(call)} {{")
            out += [f"    {argument.c_type()} {argument.name};" for argument in call.arguments]
            out.append("};")
        if call.group:
            out.append(prototype(call) + ";")
    out.append("")


def write_invoke(call, out):
    out.append(f"static int64_t invoke_{call.name}(struct linux_task *task)\n{{")
    values = [argument.conversion(REGISTERS[index]) for index, argument in enumerate(call.arguments)]
    if values:
        out.append("    const struct linux_registers *registers = task->registers;")
    if call.takes_struct():
        out.append(f"    const {struct_name(call)} arguments = {{ {', '.join(values)} }};")
        values = ["&arguments"]
    out.append(f"    return linux_call_{call.name}({', '.join(['task'] + values)});\n}}\n")


def write_sets(sets, out):
    for name, value in sets.items():
        for place in ("enum", "bits"):
            out.append(f"static const struct linux_value_name set_{name}_{place}[] = {{")
            out += [f"    {{ \"{text}\", 0x{number:x} }}," for text, number in value[place]]
            out.append("    { NULL, 0 },\n};")
        mask = value["mask"] or 0
        out.append(f"static const struct linux_value_set set_{name} = {{ set_{name}_enum, set_{name}_bits, "
                   f"0x{mask:x}U }};\n")


def argument_text(call, argument, sets):
    of = "0"
    value_set = "NULL"
    if argument.type in ("flags", "enum"):
        if argument.of not in sets:
            raise Mistake(f"call {call.name}: no set '{argument.of}'")
        value_set = f"&set_{argument.of}"
    elif argument.of and argument.of != "result":
        of = str(call.index_of(argument.of))
    return f"{{ LINUX_ARGUMENT_{argument.type.upper()}, {of}, {value_set} }}"


def write_source(sets, calls, out):
    out.append(BANNER + "\n#include \"linux_calls.h\"\n\n#include <personality/dispatch.h>\n#include <personality/trace.h>\n")
    write_sets(sets, out)
    for call in calls:
        if call.group:
            write_invoke(call, out)
    by_number = {call.number: f"invoke_{call.name}" for call in calls if call.group}
    out.append("const linux_invoke_t linux_call_table[LINUX_CALL_COUNT] = {")
    out += [f"    {by_number.get(number, 'linux_call_unimplemented')}," for number in range(calls[-1].number + 1)]
    out.append("};\n")
    for call in calls:
        if call.arguments:
            texts = ", ".join(argument_text(call, argument, sets) for argument in call.arguments)
            out.append(f"static const struct linux_argument arguments_{call.name}[] = {{ {texts} }};")
    out.append("\nconst struct linux_call_description linux_call_descriptions[LINUX_CALL_COUNT] = {")
    for call in calls:
        arguments = f"arguments_{call.name}" if call.arguments else "NULL"
        flags = [str(call.group is not None).lower(), str(call.is_quiet).lower(),
                 str(call.is_pointer_result).lower()]
        out.append(f"    [{call.number}] = {{ \"{call.name}\", {arguments}, {len(call.arguments)}, "
                   f"{', '.join(flags)} }},")
    out.append("};\n")


def write_coverage(calls, out):
    done = [call for call in calls if call.group]
    out.append("# Linux system calls of the personality\n")
    out.append("Made by gen_calls.py from calls.idl.\n")
    out.append(f"{len(done)} of {len(calls)} calls of Linux 6.1 on x86_64 have a handler; "
               "the others return ENOSYS and are logged once by name.\n")
    out.append("| call | x86_64 | aarch64, riscv64 | group |\n|---|--:|--:|---|")
    out += [f"| {call.name} | {call.number} | {call.generic} | {call.group} |" for call in done]
    out.append("\nWithout a handler: " + ", ".join(call.name for call in calls if not call.group) + ".\n")


def save(directory, name, lines):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "w", encoding="ascii") as output:
        output.write("\n".join(lines))


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        sets, by_number = parse(arguments[1])
        calls = [by_number[number] for number in sorted(by_number)]
        for name, writer in (("linux_calls.h", lambda out: write_header(calls, out)),
                             ("linux_calls.c", lambda out: write_source(sets, calls, out)),
                             ("linux-calls.md", lambda out: write_coverage(calls, out))):
            lines = []
            writer(lines)
            save(arguments[2], name, lines)
    except (Mistake, OSError) as mistake:
        print(f"gen_calls.py: {mistake}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
