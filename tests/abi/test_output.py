# SPDX-License-Identifier: MIT OR Apache-2.0
# Files and golden dumps: unchanged files stay untouched, numbers never change hands, the committed dumps fit.
import contextlib
import io
import json
import os
import pathlib
import tempfile
import unittest

import support
import abigen
import emit_golden
from emit_doc import pairs_of
from model import IdlError


class Output(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def test_unchanged_files_keep_their_time(self):
        support.generate(self.folder)
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        for path in files:
            os.utime(path, (1, 1))
        (self.folder / "include/abi/errors.h").write_text("changed\n")
        support.generate(self.folder)
        changed = [p.name for p in files if p.stat().st_mtime != 1]
        self.assertEqual(changed, ["errors.h"])

    def test_mistake_ends_the_run_with_its_place(self):
        table = self.folder / "bad.idl"
        table.write_text("call x 0 simple\n    dok \"d\"\n")
        output = io.StringIO()
        with contextlib.redirect_stderr(output):
            self.assertEqual(abigen.main([str(table)]), 1)
        self.assertEqual(output.getvalue(), f"{table}:2: expected doc, in, out or error\n")

    def test_committed_golden_fits(self):
        self.assertEqual(abigen.main(["--compare", str(support.ROOT / "abi/golden"), *support.TABLES]), 0)

    def test_compare_sees_a_difference(self):
        files = emit_golden.emit(support.model_of())
        abigen.write(self.folder, files)
        self.assertTrue(abigen.compare(self.folder, files))
        changed = emit_golden.emit(support.model_of(calls=support.CALL.replace("SLOW", "FAST")))
        with contextlib.redirect_stderr(io.StringIO()) as output:
            self.assertFalse(abigen.compare(self.folder, changed))
        self.assertIn("+  in flags: flags(WIDE=0 FAST=1)", output.getvalue())

    def test_numbers_are_never_reused(self):
        abigen.golden(self.folder, emit_golden.emit(support.model_of()), False)
        renamed = emit_golden.emit(support.model_of(calls=support.CALL.replace("box_open", "box_shut")))
        with self.assertRaisesRegex(IdlError, "number 0 was box_open and is now box_shut"):
            abigen.golden(self.folder, renamed, False)
        self.assertIn("box_open", (self.folder / "calls.txt").read_text())
        abigen.golden(self.folder, renamed, True)
        self.assertIn("box_shut", (self.folder / "calls.txt").read_text())

    def test_errors_once_each_with_the_implied(self):
        call = support.model_of().calls[0]
        self.assertEqual(pairs_of(call), ["BAD_HANDLE", "BAD_TYPE", "NO_RIGHT", "REVOKED", "INVALID", "NO_HANDLES"])

    def test_grammar_names_every_call(self):
        model = support.generate(self.folder)
        grammar = json.loads((self.folder / "fuzz/grammar.json").read_text())
        self.assertEqual([c["number"] for c in grammar["calls"]], [c.number for c in model.calls])
        page = (self.folder / "doc/kernel-calls.md").read_text()
        for call in model.calls:
            self.assertIn(f"### {call.name}\n", page)


if __name__ == "__main__":
    support.main()
