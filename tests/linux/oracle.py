# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading of oracle.txt: the list of command lines that must behave as on Linux (format: README.md).
Used by run_oracle.py on the host and by the runner for the booted system."""
import shlex


class FormatError(Exception):
    pass


class Case:
    def __init__(self, name):
        self.name = name
        self.files = []       # (path, mode, bytes)
        self.directories = []
        self.links = []       # (path, target)
        self.stdin = b""
        self.program = "busybox"  # or the name of a guest program of the tests
        self.arguments = []
        self.checks = []      # paths whose contents are compared afterwards


def contents_line(line):
    """The bytes that one line of a file's contents stands for, or None when it is no such line."""
    if line.startswith("|"):
        return line[1:].encode() + b"\n"
    if line.startswith("+"):
        return line[1:].encode()
    words = line.split()
    if line.startswith("x "):
        return bytes.fromhex("".join(words[1:]))
    if line.startswith("seq "):
        return "".join(f"{number}\n" for number in range(int(words[1]), int(words[2]) + 1)).encode()
    if line.startswith("zero "):
        return bytes(int(words[1]))
    return None


def read_cases(path):
    cases, case, target = [], None, None
    with open(path, encoding="utf-8") as lines:
        for number, raw in enumerate(lines, 1):
            line = raw.rstrip("\n")
            try:
                case, target = read_line(line, case, target, cases)
            except (ValueError, IndexError, AttributeError) as error:
                raise FormatError(f"{path}:{number}: {error}") from None
    names = [case.name for case in cases]
    for name in set(names):
        if names.count(name) > 1:
            raise FormatError(f"{path}: two cases are called {name}")
    return cases


def read_line(line, case, target, cases):
    data = contents_line(line)
    if data is not None:
        if target is None:
            raise ValueError("contents without a file")
        if target == "stdin":
            case.stdin += data
        else:
            path, mode, before = case.files[target]
            case.files[target] = (path, mode, before + data)
        return case, target
    if not line or line.startswith("#"):
        return case, target
    words = shlex.split(line)
    if words[0] == "case":
        case = Case(words[1])
        cases.append(case)
        return case, None
    if words[0] == "file":
        case.files.append((words[1], int(words[2], 8) if len(words) > 2 else 0o644, b""))
        return case, len(case.files) - 1
    if words[0] == "directory":
        case.directories.append(words[1])
    elif words[0] == "link":
        case.links.append((words[1], words[2]))
    elif words[0] == "stdin":
        return case, "stdin"
    elif words[0] == "run":
        case.arguments = words[1:]
    elif words[0] == "guest":
        case.program, case.arguments = words[1], words[2:]
    elif words[0] == "check":
        case.checks += words[1:]
    else:
        raise ValueError(f"'{words[0]}' is no keyword")
    return case, None
