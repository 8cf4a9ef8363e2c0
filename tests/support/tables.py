# SPDX-License-Identifier: MIT OR Apache-2.0
# Tables for test programs, from abi/*.idl: names of status codes (test_names.h), and every pair of call and
# error that a test has to cause (test_pairs.h). Uses tools/abigen as a library.
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "abigen"))
import abigen  # noqa: E402
import emit_doc  # noqa: E402

HEAD = """// SPDX-License-Identifier: MIT OR Apache-2.0
// %s
// Generated from abi/*.idl by tests/support/tables.py: change those, not this.
#pragma once

"""


def names(model):
    lines = ['#include <abi/errors.h>\n', "static const char *const test_status_names[] = {", '    [0] = "OK",']
    lines += [f'    [-TES_ERROR_{e.name}] = "{e.name}",' for e in model.errors]
    return HEAD % "Names of status codes by their negated number." + "\n".join(lines + ["};", ""])


def pairs(model):
    lines = ["#include <abi/calls.h>", "#include <abi/errors.h>", "#include <stdint.h>\n", "struct test_pair {",
             "    const char *call;", "    uint32_t number;", "    tes_status_t error;", "};\n",
             "static const struct test_pair test_pairs[] = {"]
    for call in model.calls:
        lines += [f'    {{ "{call.name}", TES_CALL_{call.upper}, TES_ERROR_{name} }},' for name in emit_doc.pairs_of(call)]
    lines += ["};\n", "static const char *const test_call_names[TES_CALL_COUNT] = {"]
    lines += [f'    [TES_CALL_{call.upper}] = "{call.name}",' for call in model.calls]
    return HEAD % "Pairs of call and error that a test has to cause." + "\n".join(lines + ["};", ""])


def main(arguments):
    *tables, out = arguments
    model = abigen.load(tables)
    for name, text in (("test_names.h", names(model)), ("test_pairs.h", pairs(model))):
        (pathlib.Path(out) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
