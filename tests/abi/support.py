# SPDX-License-Identifier: MIT OR Apache-2.0
# Shared by the tests in this folder: the tree's tables, small tables for mistakes, running compilers.
import glob
import pathlib
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools" / "abigen"))

import abigen  # noqa: E402
import check  # noqa: E402
import parse  # noqa: E402

TABLES = sorted(glob.glob(str(ROOT / "abi" / "*.idl")))
COMPILERS = [name for name in ("clang", "gcc") if shutil.which(name)]
FLAGS = ("-std=gnu17 -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes "
         "-Wold-style-definition -Wundef -Wvla -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings -Wcast-qual "
         "-Wdouble-promotion -Wformat=2 -fno-common -fno-strict-aliasing").split()
TIME_LIMIT_S = 60

ERRORS = """error INVALID -1 "i"
error BAD_HANDLE -2 "h"
error BAD_TYPE -3 "t"
error NO_RIGHT -4 "r"
error REVOKED -5 "v"
error NO_HANDLES -6 "n"
"""
OBJECTS = """right DERIVE 0 "d"
object None 0 "none"
object Box 1 "b"
    right OPEN 6 "o"
object Lid 2 "l"
    right OPEN 7 "o"
"""
CALL = """call box_open 0 simple
    doc "Opens."
    in box: handle Box OPEN
    in flags: flags(WIDE=0 SLOW=1)
    out lid: handle Lid
    error INVALID "Never."
"""
COUNTERS = 'counter OPENED 0 "o"\n'


def model_of(calls=CALL, errors=ERRORS, objects=OBJECTS, counters=COUNTERS):
    """The checked model of small tables."""
    model = parse.parse_text([("calls.idl", calls), ("errors.idl", errors), ("objects.idl", objects),
                              ("counters.idl", counters)])
    check.check(model)
    return model


def generate(folder):
    """Everything generated from the tree's tables."""
    assert abigen.main(["--out", str(folder), *TABLES]) == 0
    return abigen.load(TABLES)


def include_flags(folder, *below):
    own = [ROOT / "abi/include", ROOT / "arch/x86_64/abi/include"]
    return [f"-I{path}" for path in [folder / "include"] + [folder / name for name in below] + own]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=TIME_LIMIT_S,
                          check=False, **options)


class TapResult(unittest.TestResult):
    """Prints each test's result in the Test Anything Protocol; details go before it as comments."""

    def line(self, test, is_ok, detail="", note=""):
        for text in detail.splitlines():
            print(f"# {text}")
        print(f"{'ok' if is_ok else 'not ok'} {self.testsRun} - {test.id()}{note}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(test, False, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.line(test, False, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(test, True, note=f" # SKIP {reason}")


def main():
    """For each test file run as a program."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print(f"1..{suite.countTestCases()}")
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
