# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the module engine on a small tree of its own: what is built, what is rebuilt, and what mistakes are called.
import os
import shutil
import subprocess
import tempfile

from runner import selftest

TOP = os.getcwd()
FILES = {
    "arch/x86_64/arch.mk": "arch_cflags_clang := --target=x86_64-unknown-none-elf\n"
                           "arch_kernel_ldflags := -pie\narch_user_ldflags := -pie\narch_general_regs := "
                           "-mgeneral-regs-only\narch_kernel_cflags := -fno-stack-protector\n"
                           "arch_user_cflags := -fno-stack-protector\n",
    "arch/x86_64/kernel/kernel.ld": "ENTRY(one)\nSECTIONS { .text : { *(.text*) } .rodata : { *(.rodata*) } }\n",
    "arch/x86_64/user/component.ld": "ENTRY(main)\nSECTIONS { .text : { *(.text*) } }\n",
    "lib/rt/module.mk": "module := lib/rt\nkind := library\nsources := rt.c bare.c\ntarget_only := bare.c\n",
    "lib/rt/include/rt/rt.h": "#pragma once\nint rt_two(void);\n",
    "lib/rt/rt.c": "#include <rt/rt.h>\nint rt_two(void)\n{\n    return 2;\n}\n",
    "lib/rt/bare.c": "#if __STDC_HOSTED__\n#error not for the host\n#endif\nint rt_bare(void);\n"
                     "int rt_bare(void)\n{\n    return 1;\n}\n",
    "kernel/one/module.mk": "module := kernel/one\nkind := kernel\nsources := one.c\ndepends := lib/rt\n",
    "kernel/one/include/one/one.h": "#pragma once\nint one(void);\n",
    "kernel/one/one.c": "#include <one/one.h>\n#include <rt/rt.h>\nint one(void)\n{\n    return rt_two() - 1;\n}\n",
    "kernel/one/tests/module.mk": "module := kernel/one/tests\nkind := hosttest\nsources := t.c\n"
                                  "depends := kernel/one\nuses := kernel/one lib/rt\n",
    "kernel/one/tests/t.c": "#include <one/one.h>\nint main(void)\n{\n    return one() != 1;\n}\n",
    "apps/hi/module.mk": "module := apps/hi\nkind := component\nsources := hi.c\ndepends := lib/rt\n",
    "apps/hi/hi.c": "#include <rt/rt.h>\nint main(void);\nint main(void)\n{\n    return rt_two();\n}\n",
    "arch/vax/kernel/module.mk": "module := arch/vax/kernel\nkind := kernel\nsources := none.c\n",
}


class Engine:
    """A tree in a temporary folder with this tree's Makefile and engine."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        os.makedirs(f"{self.folder}/tools")
        shutil.copy(f"{TOP}/Makefile", self.folder)
        for name in ("make", "ksyms"):
            shutil.copytree(f"{TOP}/tools/{name}", f"{self.folder}/tools/{name}")
        for name, text in FILES.items():
            self.write(name, text)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def append(self, name, text):
        self.write(name, FILES[name] + text)

    def make(self, *goals):
        environment = {k: v for k, v in os.environ.items() if k not in ("BUILD", "CC", "MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(["make", "-j2", *goals], cwd=self.folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def good(self, *goals):
        code, output = self.make(*goals)
        assert code == 0, output
        return output

    def bad(self, goal, words):
        code, output = self.make(goal)
        assert code != 0 and words in output, output


def test_builds_everything_and_then_nothing():
    with Engine() as e:
        e.good("kernel", "components", "hosttests")
        assert subprocess.run([f"{e.folder}/build/host/tests/kernel-one-tests"]).returncode == 0
        assert "CC" not in e.good("kernel", "components", "hosttests")
        e.good("CC=gcc", "lib/rt")


def test_a_header_rebuilds_who_reads_it():
    with Engine() as e:
        e.good("kernel", "components")
        e.write("lib/rt/include/rt/rt.h", FILES["lib/rt/include/rt/rt.h"] + "int rt_three(void);\n")
        output = e.good("kernel", "components")
        assert "kernel/one/one.c" in output and "apps/hi/hi.c" in output and "bare.c" not in output, output


def test_a_flag_rebuilds_its_flavour():
    with Engine() as e:
        e.good("kernel", "components")
        e.append("arch/x86_64/arch.mk", "arch_user_cflags += -DX=1\n")
        output = e.good("kernel", "components")
        assert "apps/hi/hi.c" in output and "kernel/one/one.c" not in output, output


def test_an_undeclared_dependency_does_not_compile():
    with Engine() as e:
        e.write("apps/hi/module.mk", FILES["apps/hi/module.mk"].replace("depends := lib/rt\n", ""))
        e.bad("components", "rt/rt.h' file not found")


def test_a_dependency_is_not_passed_on_unless_exported():
    with Engine() as e:
        e.write("apps/hi/module.mk", FILES["apps/hi/module.mk"].replace("lib/rt", "kernel/one"))
        e.bad("apps/hi", "rt/rt.h' file not found")
        e.append("kernel/one/module.mk", "exports := lib/rt\n")
        e.good("apps/hi")


def test_mistakes_are_named_and_stop_only_their_module():
    for line, words in (("colour := red\n", "unknown keys: colour"), ("depends := lib/no\n", "for: lib/no"),
                        ("kind := thing\n", "kind"), ("sources := no.c\n", "no.c does not exist"),
                        ("sources := ../x.c\n", "inside the folder"), ("module := x\n", "the folder is")):
        with Engine() as e:
            e.append("apps/hi/module.mk", line)
            code, output = e.make("list-errors")
            assert words in output, (words, output)
            e.good("kernel")


def test_host_headers_are_not_seen():
    with Engine() as e:
        e.write("apps/hi/hi.c", "#include <stdio.h>\n" + FILES["apps/hi/hi.c"])
        e.bad("components", "stdio.h' file not found")


GENERATOR = """import os, sys
with open(sys.argv[1]) as text, open(os.path.join(sys.argv[2], "made.h"), "w") as out:
    out.write("#define MADE " + text.read())
with open(os.path.join(sys.argv[2], "made.c"), "w") as out:
    out.write('#include "made.h"\\nint made(void);\\nint made(void)\\n{\\n    return MADE;\\n}\\n')
"""


def test_a_generator_runs_before_and_again_when_its_input_changes():
    with Engine() as e:
        e.write("apps/hi/gen.py", GENERATOR)
        e.write("apps/hi/table.idl", "3\n")
        e.append("apps/hi/module.mk", "generator := gen.py table.idl\ngenerated := apps/hi/made.c\n")
        e.write("apps/hi/hi.c", FILES["apps/hi/hi.c"].replace("rt_two()", "MADE").replace("rt/rt", "made"))
        assert "made.c" in e.good("components")
        e.write("apps/hi/table.idl", "4\n")
        output = e.good("components")
        assert "hi.c" in output and "made.c" in output, output
        assert "CC" not in e.good("components")


def test_the_kernel_holds_its_own_names():
    with Engine() as e:
        e.good("kernel")
        with open(f"{e.folder}/build/x86_64/kernel.elf", "rb") as elf:
            assert b"rt_two\0" in elf.read()


if __name__ == "__main__":
    selftest.main(__name__)
