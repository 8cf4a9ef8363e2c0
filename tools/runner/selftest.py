# SPDX-License-Identifier: MIT OR Apache-2.0
# For test scripts: runs every function of a module whose name starts with test_ and prints TAP.
import sys
import traceback


def main(module_name):
    module = sys.modules[module_name]
    tests = [(n, f) for n, f in sorted(vars(module).items()) if n.startswith("test_") and callable(f)]
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} - {name[len('test_'):]}")
        except Exception:
            failed += 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().split("\n")), end="")
            print(f"not ok {number} - {name[len('test_'):]}")
    print(f"1..{len(tests)}")
    sys.exit(1 if failed else 0)
