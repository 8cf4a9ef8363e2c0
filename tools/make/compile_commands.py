# SPDX-License-Identifier: MIT OR Apache-2.0
# Turns the engine's list of sources, objects and commands into a clang compilation database.
import json
import os
import sys


def main():
    listing, output = sys.argv[1:3]
    entries = []
    with open(listing, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            source, target, command = line.rstrip("\n").split("\t")
            entries.append({
                "directory": os.getcwd(),
                "file": source,
                "output": target,
                "command": f"{command} -c {source} -o {target}",
            })
    with open(output, "w", encoding="utf-8") as out:
        json.dump(entries, out, indent=1)


if __name__ == "__main__":
    main()
