# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera host TOOL ARGS: runs tools/TOOL, a C program that make builds or a Python script.
# Paths among the arguments are relative to where the user stands.
import os
import sys

from runner import build


def known_tools():
    found = {}
    for name in sorted(os.listdir("tools")):
        if os.path.isfile(f"tools/{name}/{name}.py"):
            found[name] = [sys.executable, os.path.abspath(f"tools/{name}/{name}.py")]
        elif os.path.isfile(f"tools/{name}/module.mk"):
            found[name] = [os.path.abspath(f"{build.BUILD}/host/bin/{name}")]
    return found


def main():
    tools = known_tools()
    if len(sys.argv) < 2 or sys.argv[1] not in tools:
        print(f"usage: ./tessera host TOOL ARGS...\ntools: {' '.join(tools)}", file=sys.stderr)
        return 2
    name = sys.argv[1]
    if not tools[name][0] == sys.executable:
        build.make(f"{build.BUILD}/host/bin/{name}")
    os.chdir(os.environ.get("TESSERA_CWD", "."))
    os.execv(tools[name][0], tools[name] + sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
