# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera check: runs every rule_*.py of this folder. A rule is a module with check(tree), which returns problems
# as strings "path:line: what" (none: it passes), and may set NOTE, text to print when it passes.
import argparse
import importlib
import os
import subprocess
import sys
import time

from check import tree as trees
from runner import build

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_SHOWN = 40


def rule_names():
    return sorted(name[len("rule_"):-len(".py")] for name in os.listdir(HERE)
                  if name.startswith("rule_") and name.endswith(".py"))


def run_rule(name, tree):
    rule = importlib.import_module(f"check.rule_{name}")
    began = time.monotonic()
    try:
        problems = list(dict.fromkeys(rule.check(tree)))
    except build.BuildError as error:
        problems = [str(error)]
    seconds = time.monotonic() - began
    print(f"{'FAIL' if problems else 'pass'} {name} ({seconds:.1f} s)")
    for problem in problems[:MAX_SHOWN]:
        print(f"  {problem}")
    if len(problems) > MAX_SHOWN:
        print(f"  … and {len(problems) - MAX_SHOWN} more")
    note = getattr(rule, "NOTE", "")
    if note:
        print("  " + note.replace("\n", "\n  "))
    sys.stdout.flush()
    return not problems


def main():
    p = argparse.ArgumentParser(prog="./tessera check", description="Checks the tree against STYLE.md.")
    p.add_argument("--arch", default="x86_64")
    p.add_argument("--rule", action="append", help="only this rule (repeatable)")
    p.add_argument("--list", action="store_true", help="print the rules' names")
    p.add_argument("--fix", action="store_true", help="let clang-format rewrite PATHS (default: all)")
    p.add_argument("paths", nargs="*", metavar="PATHS", help="with --fix: only these files")
    args = p.parse_args()
    names = rule_names()
    if args.list:
        print("\n".join(names))
        return 0
    unknown = [n for n in args.rule or [] if n not in names]
    if unknown:
        print(f"tessera: check: no rule named {' '.join(unknown)}; --list prints them", file=sys.stderr)
        return 2
    tree = trees.Tree(args.arch)
    if args.fix:
        wanted = [build.user_path(p) for p in args.paths] or tree.named(".c", ".h")
        return subprocess.run(["clang-format", "-i", *wanted]).returncode
    passed = [run_rule(name, tree) for name in args.rule or names]
    print(f"{sum(passed)} rules passed, {len(passed) - sum(passed)} failed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
