# SPDX-License-Identifier: MIT OR Apache-2.0
# A *.run file under tests/ says which image to boot, where, and what must come of it: tools/runner/runfiles.md has the format.
import dataclasses
import itertools
import re

KEYS = {"image": "test", "machine": "q35", "smp": "1", "mem": "256M", "append": "", "timeout_s": "120",
        "kind": "tap", "exit": "poweroff", "expect": "", "counted": "no", "long": "no", "arch": "", "disk": "", "repeat": "1",
        "initrd": ""}
KINDS = ("tap", "shell", "text", "bench")


class RunFileError(Exception):
    pass


@dataclasses.dataclass
class Step:
    command: str
    line: int
    expected: list = dataclasses.field(default_factory=list)  # (is_pattern, text)
    status: int = 0


@dataclasses.dataclass
class RunFile:
    path: str
    values: dict
    expects: list
    steps: list

    def variants(self):
        """Every combination of machine and smp."""
        return itertools.product(self.values["machine"].split(), map(int, self.values["smp"].split()))

    def flag(self, key):
        return self.values[key] == "yes"


def parse_step_line(steps, line):
    if line.startswith("? "):
        steps[-1].status = int(line[2:])
    elif line.startswith("~ "):
        steps[-1].expected.append((True, line[2:]))
    else:
        steps[-1].expected.append((False, line))


def parse_key(path, number, line, values, expects):
    key, sign, value = (part.strip() for part in line.partition("="))
    if not sign or key not in KEYS:
        raise RunFileError(f"{path}:{number}: unknown key {key!r}; known: {' '.join(KEYS)}")
    if key == "expect":
        expects.append(value)
    values[key] = value


def read(path):
    values, expects, steps = dict(KEYS), [], []
    with open(path, encoding="utf-8") as lines:
        for number, raw in enumerate(lines, 1):
            line = raw.rstrip("\n")
            if line.startswith("$ "):
                steps.append(Step(line[2:], number))
            elif steps:
                parse_step_line(steps, line)
            elif line.strip() and not line.startswith("#"):
                parse_key(path, number, line, values, expects)
    if values["kind"] not in KINDS:
        raise RunFileError(f"{path}: kind {values['kind']!r} is not one of: {' '.join(KINDS)}")
    for step in steps:
        while step.expected and step.expected[-1] == (False, ""):
            step.expected.pop()
    return RunFile(path, values, expects, steps)


def differences(step, output, status):
    """What is wrong with a step's output and status: an empty list when nothing is."""
    wrong = []
    if status != step.status:
        wrong.append(f"status {status}, expected {step.status}")
    lines = output.decode("utf-8", "replace").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    while lines and lines[-1] == "":
        lines.pop()
    for n, (want, got) in enumerate(itertools.zip_longest(step.expected, lines), 1):
        if want is None:
            wrong.append(f"line {n}: unexpected: {got!r}")
        elif got is None:
            wrong.append(f"line {n}: missing: {want[1]!r}")
        elif not (re.fullmatch(want[1], got) if want[0] else want[1] == got):
            wrong.append(f"line {n}: {got!r}, expected {want[1]!r}")
    return wrong
