# SPDX-License-Identifier: MIT OR Apache-2.0
# Moves freshly generated files over old ones, leaving files whose text is the same alone (and their
# times with them), and removes files that are no longer generated.
import os
import sys


def files_below(top):
    for folder, _, names in os.walk(top):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), top)


def same_text(one, other):
    if not os.path.exists(other) or os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read()


def main():
    new, old = sys.argv[1:3]
    fresh = set(files_below(new))
    for name in fresh:
        source, target = os.path.join(new, name), os.path.join(old, name)
        if not same_text(source, target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(source, target)
    for name in set(files_below(old)) - fresh - {".stamp"}:
        os.remove(os.path.join(old, name))


if __name__ == "__main__":
    main()
