# SPDX-License-Identifier: MIT OR Apache-2.0
# Reads and checks a composition (system/*.sys). Every mistake is reported as FILE:LINE: text. What is returned
# is also written to the image, one key a line, for init (services/init/composition.c) to execute.
import re

NAME = re.compile(r"^[a-z][a-z0-9_-]{0,22}$")
POLICIES = ("never", "on-failure", "always")
MACHINE_RIGHTS = ("write", "inspect", "power")
PROVIDED = {"process"}  # endpoints that init itself serves
LIMITS = {"components": 32, "grants": 16, "arguments": 8}


class Mistake(Exception):
    pass


def number(text, low, high, what):
    try:
        value = int(text, 0)
    except ValueError:
        raise Mistake(f"{what} '{text}' is not a number") from None
    if not low <= value <= high:
        raise Mistake(f"{what} {text} is not in {low}..{high}")
    return value


def name(text, what="name"):
    if not NAME.match(text):
        raise Mistake(f"{what} '{text}' is not a name of lower-case letters, digits, - and _ (at most 23)")
    return text


class Part:
    """A component (started at boot) or a program (started when asked for)."""

    def __init__(self, kind, title, line):
        self.kind, self.name, self.line = kind, title, line
        self.binary = title
        self.keys = {}      # key: line, of those that may stand once
        self.grants = []    # (key, local name, words, line)
        self.values = {"quota": (256, 256, 256), "priority": (16,), "cores": (0xFFFFFFFF,),
                       "restart": ("never", 0), "stack": (65536,), "arguments": ()}


def key_binary(part, words):
    (part.binary,) = (name(words[0], "binary"),)


def key_quota(part, words):
    part.values["quota"] = (number(words[0], 16, 1 << 32, "pages"), number(words[1], 16, 1 << 24, "objects"),
                            number(words[2], 16, 1 << 15, "handles"))


def key_priority(part, words):
    part.values["priority"] = (number(words[0], 1, 63, "priority"),)


def key_cores(part, words):
    part.values["cores"] = (number(words[0], 1, 0xFFFFFFFF, "core mask"),)


def key_stack(part, words):
    part.values["stack"] = (number(words[0], 4096, 1 << 24, "stack size"),)


def key_restart(part, words):
    if words[0] not in POLICIES:
        raise Mistake(f"restart policy '{words[0]}' is not one of: {' '.join(POLICIES)}")
    if (words[0] == "never") != (len(words) == 1):
        raise Mistake("restart takes a back-off in ms unless it is never")
    part.values["restart"] = (words[0], number(words[1], 1, 60000, "back-off") if len(words) == 2 else 0)


def key_arguments(part, words):
    part.values["arguments"] = tuple(words)


def grant_export(words):
    return (name(words[0]),)


def grant_import(words):
    if len(words) == 3 and words[1] != "as":
        raise Mistake("write: import NAME, or import NAME as OTHER")
    return (name(words[-1]), name(words[0]))


def grant_ports(words):
    found = re.match(r"^(0x[0-9a-f]+)-(0x[0-9a-f]+)$", words[1])
    if not found:
        raise Mistake(f"'{words[1]}' is not a range of ports like 0x3f8-0x3ff")
    first, last = (number(t, 0, 0xFFFF, "port") for t in found.groups())
    if last < first:
        raise Mistake("the range ends before it begins")
    return (name(words[0]), first, last - first + 1)


def grant_irq(words):
    return (name(words[0]), number(words[1], 0, 1023, "interrupt"))


def grant_machine(words):
    for word in words[1:]:
        if word not in MACHINE_RIGHTS:
            raise Mistake(f"machine right '{word}' is not one of: {' '.join(MACHINE_RIGHTS)}")
    return (name(words[0]), *words[1:])


def grant_file(words):
    return (name(words[0]),)


def grant_wx(_words):
    return ("wx",)


ONCE = {"binary": (key_binary, 1, 1), "quota": (key_quota, 3, 3), "priority": (key_priority, 1, 1),
        "cores": (key_cores, 1, 1), "stack": (key_stack, 1, 1), "restart": (key_restart, 1, 2),
        "arguments": (key_arguments, 1, LIMITS["arguments"])}
GRANTS = {"export": (grant_export, 1, 1), "import": (grant_import, 1, 3), "ports": (grant_ports, 2, 2),
          "irq": (grant_irq, 2, 2), "machine": (grant_machine, 2, 4), "file": (grant_file, 1, 1),
          "wx": (grant_wx, 0, 0)}


def read_key(part, key, words, line):
    if key not in ONCE and key not in GRANTS:
        raise Mistake(f"unknown key '{key}'; known: {' '.join([*ONCE, *GRANTS])}")
    read, least, most = ONCE.get(key) or GRANTS[key]
    if not least <= len(words) <= most or (key == "import" and len(words) == 2):
        raise Mistake(f"{key} takes {least}" + (f" to {most}" if most != least else "") + " words")
    if key in ONCE:
        if key in part.keys:
            raise Mistake(f"{key} stands in line {part.keys[key]} already")
        part.keys[key] = line
        read(part, words)
        return
    local, *rest = read(words)
    if any(g[1] == local for g in part.grants):
        raise Mistake(f"'{part.name}' has a handle named '{local}' already")
    if len(part.grants) == LIMITS["grants"]:
        raise Mistake(f"more than {LIMITS['grants']} grants")
    part.grants.append((key, local, rest, line))


def read_line(parts, words, line):
    if words[0] in ("component", "program"):
        if len(words) != 2:
            raise Mistake(f"write: {words[0]} NAME")
        title = name(words[1])
        if any(p.name == title for p in parts):
            raise Mistake(f"'{title}' is named twice")
        if len(parts) == LIMITS["components"]:
            raise Mistake(f"more than {LIMITS['components']} components and programs")
        parts.append(Part(words[0], title, line))
    elif not parts:
        raise Mistake(f"'{words[0]}' stands before the first component")
    else:
        read_key(parts[-1], words[0], words[1:], line)


def exports_of(parts, problem):
    exporters = {}
    for part in parts:
        for key, local, _, line in part.grants:
            if key != "export":
                continue
            if local in exporters or local in PROVIDED:
                problem(line, f"'{local}' is exported twice")
            exporters[local] = part.name
    return exporters


def check_wiring(parts, problem):
    """Imports have exporters, and calls go round in no circle: a server that calls its clients would hang."""
    exporters = exports_of(parts, problem)
    edges = {p.name: set() for p in parts}
    for part in parts:
        for key, _, rest, line in part.grants:
            if key != "import":
                continue
            if rest[0] in exporters:
                edges[part.name].add(exporters[rest[0]])
            elif rest[0] not in PROVIDED:
                problem(line, f"nobody exports '{rest[0]}'")
    done, path = set(), []

    def visit(title):
        if title in path:
            lines = [p.line for p in parts if p.name == title]
            problem(lines[0], "imports go in a circle: " + " -> ".join([*path[path.index(title):], title]))
        elif title not in done:
            path.append(title)
            for other in sorted(edges[title]):
                visit(other)
            path.pop()
            done.add(title)
    for title in edges:
        visit(title)


def check_devices(parts, problem):
    """A port or an interrupt has one owner."""
    ports, irqs = [], {}
    for part in parts:
        for key, _, rest, line in part.grants:
            if key == "ports":
                first, count = rest
                for other_first, other_count, owner in ports:
                    if first < other_first + other_count and other_first < first + count:
                        problem(line, f"ports are '{owner}'s already")
                ports.append((first, count, part.name))
            elif key == "irq":
                if rest[0] in irqs:
                    problem(line, f"interrupt {rest[0]} is '{irqs[rest[0]]}'s already")
                irqs[rest[0]] = part.name


def read(path):
    """(parts, problems): problems are texts FILE:LINE: what."""
    parts, problems = [], []

    def problem(line, text):
        problems.append(f"{path}:{line}: {text}")
    with open(path, encoding="utf-8") as source:
        for line, text in enumerate(source, 1):
            words = text.split("#")[0].split()
            try:
                if words:
                    read_line(parts, words, line)
            except Mistake as mistake:
                problem(line, str(mistake))
    if not parts and not problems:
        problem(1, "names no component")
    check_wiring(parts, problem)
    check_devices(parts, problem)
    return parts, problems


def canonical(parts):
    """What init reads: every value spelled out, decimal numbers."""
    lines = []
    for part in parts:
        lines += [f"{part.kind} {part.name}", f"binary {part.binary}"]
        lines += [" ".join(map(str, [key, *values])) for key, values in part.values.items() if values]
        lines += [" ".join(map(str, [key, local, *rest])) for key, local, rest, _ in part.grants]
    return "\n".join(lines) + "\n"
