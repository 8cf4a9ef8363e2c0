# SPDX-License-Identifier: MIT OR Apache-2.0
# Generated code builds without warnings with both compilers, each header alone; mixing handle types and
# ignoring a status do not build. x86_64 only, as the entry stubs are per architecture.
import pathlib
import re
import tempfile
import unittest

import support

HEADERS = ("abi/errors.h", "abi/objects.h", "abi/calls.h", "abi/counters.h", "abi/call_data.h", "tes/calls.h",
           "arch_user/call.h", "fuzz_grammar.h")
USE = "#include <tes/calls.h>\ntes_status_t use(tes_quota_t quota, tes_endpoint_t *out);\n"


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name)
        cls.model = support.generate(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def compile(self, compiler, source, *flags, name="source.c"):
        path = self.folder / name
        path.write_text(source)
        user = support.include_flags(self.folder, "user", "fuzz/include")
        user.append(f"-I{support.ROOT}/arch/x86_64/user/include")
        return support.run(compiler, *support.FLAGS, "-ffreestanding", "-mgeneral-regs-only", *user, *flags, "-c", path,
                           "-o", self.folder / "out.o")

    def each(self):
        self.assertTrue(support.COMPILERS)
        for compiler in support.COMPILERS:
            for level in ("-O0", "-O2"):
                yield compiler, level

    def test_headers_alone(self):
        for compiler, level in self.each():
            for header in HEADERS:
                use = "const void *use(void);\nconst void *use(void)\n{\n    return %s;\n}\n"
                use = use % ("fuzz_calls" if header == "fuzz_grammar.h" else "0")
                result = self.compile(compiler, f"#include <{header}>\n{use}", level)
                self.assertEqual(result.stderr, "", header)

    def test_frame_pointer_may_be_used(self):
        source = ("#include <arch_user/call.h>\ntes_status_t use(struct tes_message *message);\n"
                  "tes_status_t use(struct tes_message *message)\n{\n    return tes_arch_message(1, message);\n}\n")
        for compiler, level in self.each():
            result = self.compile(compiler, source, level, "-fno-omit-frame-pointer", "-fpie", "-fcf-protection=branch")
            self.assertEqual(result.stderr, "")

    def test_constants_for_assembly(self):
        source = "#include <abi/asm_constants.h>\n.byte TES_CALL_COUNT\n.quad TES_CALL_MASK_MESSAGE\n.long TES_ERROR_INVALID\n"
        for compiler, _ in self.each():
            self.assertEqual(self.compile(compiler, source, name="source.S").stderr, "")
            self.assertIn("for assembly only", self.compile(compiler, source).stderr)

    def test_constants_agree(self):
        """Each constant for assembly has the value it has in C."""
        text = (self.folder / "include/abi/asm_constants.h").read_text()
        pairs = re.findall(r"^#define (TES_\w+) +(\S+)$", text, re.M)
        self.assertGreater(len(pairs), 150)
        lines = [f'static_assert({name} == {value}, "{name}");' for name, value in pairs]
        names = ("assert.h", "abi/calls.h", "abi/counters.h", "abi/errors.h", "abi/objects.h")
        source = "".join(f"#include <{name}>\n" for name in names) + "\n".join(lines) + "\n"
        for compiler, level in self.each():
            self.assertEqual(self.compile(compiler, source, level).stderr, "")

    def test_handles_do_not_mix(self):
        body = "tes_status_t use(tes_quota_t quota, tes_endpoint_t *out)\n{\n    return %s(%s, out);\n}\n"
        for compiler, level in self.each():
            good = self.compile(compiler, USE + body % ("tes_endpoint_create", "quota"), level)
            self.assertEqual(good.stderr, "")
            wrong = self.compile(compiler, USE + body % ("tes_endpoint_create", "*out"), level)
            self.assertIn("tes_quota_t", wrong.stderr)
            wrong = self.compile(compiler, USE + body % ("tes_notification_create", "quota"), level)
            self.assertIn("tes_notification_t", wrong.stderr)

    def test_status_must_be_checked(self):
        source = "#include <tes/calls.h>\nvoid use(void);\nvoid use(void)\n{\n    tes_yield();\n}\n"
        for compiler, level in self.each():
            self.assertRegex(self.compile(compiler, source, level).stderr, "warn_unused_result|unused-result")

    def test_kernel_sources(self):
        root = support.ROOT
        if not (root / "lib/rt/include/rt/checked.h").exists():
            self.skipTest("lib/rt has no checked.h yet")
        paths = [f"-I{root}/{name}" for name in ("kernel/include", "lib/rt/include", "arch/include",
                                                "arch/x86_64/include", "arch/x86_64/kernel/include")]
        for compiler, _ in self.each():
            for name in ("calls.c", "call_names.c"):
                text = (self.folder / "kernel" / name).read_text()
                result = self.compile(compiler, text, "-O2", "-mno-red-zone", "-Wframe-larger-than=1024",
                                      "-DTES_KERNEL=1", "-Dstatic_assert=_Static_assert",
                                      f"-I{self.folder}/kernel", *paths)
                self.assertEqual(result.stderr, "", name)

    def test_width(self):
        for path in self.folder.rglob("*.[ch]"):
            for number, line in enumerate(path.read_text().split("\n"), 1):
                self.assertLessEqual(len(line), 100, f"{path.name}:{number}")


if __name__ == "__main__":
    support.main()
