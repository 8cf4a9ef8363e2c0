# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 4, 8 and more: clang-tidy with the tree's .clang-tidy, including the size of functions, their parameters and
# nesting. A file is looked at again only if it, a header it reads, its flags or .clang-tidy changed.
import re

from check import ratchet
from check import tree as trees

SIZE = re.compile(r"^(?:\S*/)?(\S+?):\d+:\d+: error: function '(\w+)' exceeds recommended size")

# What the kernel writes through an address in a register, and that a result is set if the status says so, is out of the
# analyzer's sight: in code that enters the kernel it finds null and uninitialised values that are none.
ENTERS_KERNEL = re.compile(r"-Iarch/\w+/user/include$")
OUT_OF_SIGHT = "-clang-analyzer-core.*,-clang-analyzer-unix.cstring.NullArg"


def checks_of(command):
    return [f"--checks={OUT_OF_SIGHT}"] if any(ENTERS_KERNEL.match(word) for word in command) else []


def check(tree):
    commands = tree.commands
    options = trees.content(".clang-tidy")
    allowed = ratchet.read()

    def key_of(path):
        read = trees.dependencies(commands[path], path)
        return trees.digest(options, *checks_of(commands[path]), " ".join(commands[path]), *(trees.content(f) for f in read))

    def problems(path):
        done = trees.run(["clang-tidy", "--quiet", *checks_of(commands[path]), path, "--"] + commands[path][1:])
        if done.returncode == 0:
            return []
        return [line for line in trees.problem_lines(done.stdout)
                if not is_allowed(line, path, allowed)]

    return trees.check_cached("tidy", sorted(commands), key_of, problems)


def is_allowed(line, path, allowed):
    found = SIZE.match(line)
    return bool(found) and ("function", f"{path}:{found.group(2)}") in allowed
