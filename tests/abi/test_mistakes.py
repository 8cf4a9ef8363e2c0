# SPDX-License-Identifier: MIT OR Apache-2.0
# Every mistake in a table must be found and named with its file and line.
import unittest

import support
from model import IdlError


class Mistakes(unittest.TestCase):
    def refused(self, pattern, **tables):
        with self.assertRaisesRegex(IdlError, pattern):
            support.model_of(**tables)

    def call(self, pattern, body, number="0", name="x", kind="simple"):
        self.refused(pattern, calls=f"call {name} {number} {kind}\n    doc \"d\"\n{body}")

    def test_good_tables_pass(self):
        model = support.model_of()
        self.assertEqual([c.name for c in model.calls], ["box_open"])
        self.assertEqual(model.right_mask(model.calls[0].inputs[0]), 1 << 6)

    def test_call_numbers(self):
        second = support.CALL.replace("box_open", "box_shut").replace("WIDE", "W").replace("SLOW", "S")
        self.refused(r"calls.idl:7: call number 0 is already used at calls.idl:1", calls=support.CALL + second)
        self.refused(r"calls.idl:7: call number 3 is out of order \(after 5\)",
                     calls=support.CALL.replace("open 0", "open 5") + second.replace("shut 0", "shut 3"))
        self.refused("above 63", calls=support.CALL.replace("open 0", "open 64"))

    def test_call_names(self):
        self.refused("calls.idl:7: call box_open is already at calls.idl:1",
                     calls=support.CALL + support.CALL.replace("open 0", "open 1"))

    def test_call_count(self):
        calls = "".join(f"call c{n} {n} simple\n    doc \"d\"\n" for n in range(51))
        self.refused("calls.idl:101: more than 50 calls", calls=calls)

    def test_limits_of_parameters(self):
        self.call("calls.idl:9: more than 6 `in`", "".join(f"    in p{n}: u64\n" for n in range(7)))
        self.call("calls.idl:5: more than 2 `out`", "".join(f"    out p{n}: u64\n" for n in range(3)))
        self.call("more than one `flags` or `u32`", "    in a: flags(A=0)\n    in b: u32\n")
        self.call("at most one `in`", "    in a: u64\n    in b: u64\n", kind="message")
        self.call("no `out`", "    out a: u64\n", kind="message")

    def test_parameters(self):
        self.call("calls.idl:3: unknown parameter type `u16`", "    in a: u16\n")
        self.call("calls.idl:4: parameter a is already at calls.idl:3", "    in a: u64\n    in a: u64\n")
        self.call("parameter name int is reserved", "    in int: u64\n")
        self.call("a result is u64 or a handle", "    out a: size\n")
        self.call("calls.idl:4: out of order", "    out a: u64\n    in b: u64\n")
        self.call("calls.idl:4: out of order", "    error INVALID \"c\"\n    in b: u64\n")

    def test_handles(self):
        self.call("calls.idl:3: unknown type Jar", "    in a: handle Jar OPEN\n")
        self.call("unknown type None", "    in a: handle None DERIVE\n")
        self.call("calls.idl:3: unknown right SHUT of Box", "    in a: handle Box SHUT\n")
        self.call("unknown right OPEN of Any", "    in a: handle Any OPEN\n")
        self.call("names no right", "    in a: handle Box\n")
        self.call("named twice", "    in a: handle Box OPEN+OPEN\n")
        self.call("names a type only", "    out a: handle Box OPEN\n")
        self.call("names a type only", "    out a: handle Box?\n")

    def test_flags(self):
        self.call("named twice", "    in a: flags(A=0 A=1)\n")
        self.call("named twice", "    in a: flags(A=0 B=0)\n")
        self.call("out of order", "    in a: flags(A=1 B=0)\n")
        self.call("above 31", "    in a: flags(A=32)\n")
        self.call("unknown parameter type", "    in a: flags()\n")
        self.refused("TES_A_B_C is already given", calls="call a 0 simple\n    doc \"d\"\n    in f: flags(B_C=0)\n"
                     "call a_b 1 simple\n    doc \"d\"\n    in f: flags(C=0)\n")

    def test_errors_of_calls(self):
        self.call("calls.idl:3: error LOST is not in errors.idl", "    error LOST \"c\"\n")
        self.call("calls.idl:4: error INVALID is listed twice", "    error INVALID \"c\"\n    error INVALID \"d\"\n")
        self.refused("error NO_HANDLES, which every such call has",
                     errors=support.ERRORS.replace("error NO_HANDLES -6 \"n\"\n", ""))

    def test_statements(self):
        self.refused("calls.idl:1: unknown class quick", calls=support.CALL.replace("simple", "quick"))
        self.refused("has no doc", calls="call x 0 simple\n")
        self.call("second `doc`", "    doc \"e\"\n")
        self.call("expected doc, in, out or error", "    inn a: u64\n")
        self.refused("calls.idl:1: unknown statement `cal`", calls="cal x 0 simple\n")
        self.refused("malformed `call` statement", calls="call X 0 simple\n")
        self.refused("malformed `error` statement", errors="error LOST -1\n")
        self.refused("belongs to no call", calls="    doc \"d\"\n")
        self.refused("a tab", calls="call x 0 simple\n\tdoc \"d\"\n")

    def test_errors_table(self):
        self.refused("error number -1 is already used", errors="error A -1 \"a\"\nerror B -1 \"b\"\n")
        self.refused("out of order", errors="error A -2 \"a\"\nerror B -1 \"b\"\n")
        self.refused("error A is already", errors="error A -1 \"a\"\nerror A -2 \"b\"\n")
        self.refused("must be negative", errors="error A 1 \"a\"\n")

    def test_objects_table(self):
        objects = support.OBJECTS
        self.refused("object number 1 is already used", objects=objects.replace("Lid 2", "Lid 1"))
        self.refused("out of order", objects=objects.replace("Box 1", "Box 3"))
        self.refused("object Box is already", objects=objects.replace("Lid", "Box"))
        self.refused("bit 16 is above 15", objects=objects.replace("OPEN 7", "OPEN 16"))
        self.refused("bit 0 is already DERIVE", objects=objects.replace("OPEN 6", "OPEN 0"))
        self.refused("right OPEN is already", objects=objects + "    right OPEN 8 \"again\"\n")
        self.refused("number 0 is for None", objects=objects.replace("object None 0 \"none\"\n", "object Nil 0 \"n\"\n"))

    def test_counters_table(self):
        self.refused("already used", counters="counter A 0 \"a\"\ncounter B 0 \"b\"\n")
        self.refused("above 63", counters="counter A 64 \"a\"\n")


if __name__ == "__main__":
    support.main()
