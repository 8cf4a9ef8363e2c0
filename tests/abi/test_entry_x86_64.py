# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the x86_64 stubs on the host with `syscall` replaced by a routine that behaves as a kernel may at worst:
# it notes every register, destroys all that the convention lets it destroy and returns known values.
import pathlib
import platform
import re
import tempfile
import unittest

import support

ARGUMENTS = ("rdi", "rsi", "rdx", "r8", "r9", "r10")
WORDS = ("rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15")
NOTED = ("rax", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15")
MESSAGE_ONLY = ("rbx", "rbp", "r12", "r13", "r14", "r15")
SPOILED = ("rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10")


def routine(name, is_message):
    lines = [f".globl {name}", f"{name}:"]
    lines += [f"    movq %{register}, noted+{8 * index}(%rip)" for index, register in enumerate(NOTED)]
    spoiled = SPOILED + (MESSAGE_ONLY if is_message else ())
    lines += [f"    movq ${0x7700 + index}, %{register}" for index, register in enumerate(spoiled)]
    given = ("rdi", "rsi") + WORDS if is_message else ("rdx", "r8")
    lines += [f"    movq ${0x100 + index}, %{register}" for index, register in enumerate(given)]
    return "\n".join(lines + ["    movq answer(%rip), %rax", "    ret", ""])


ASSEMBLY = (".section .note.GNU-stack,\"\",@progbits\n.data\n.globl noted, answer\nnoted: .fill 11, 8, 0\nanswer: .quad 0\n"
            ".text\n" + routine("fake_call", False) + routine("fake_message", True))

MAIN = """#include <stdio.h>
#include <string.h>
#include <tes/calls.h>

extern uint64_t noted[11];
extern int64_t answer;

// Keeps values in callee-saved registers and on the stack around the call.
static __attribute__((noinline)) int call_all(uint64_t seed)
{
    uint64_t kept[8];
    for (uint64_t i = 0; i < 8; i++) {
        kept[i] = seed * (i + 3);
    }
    uint64_t copied = 5;
    tes_reply_t reply = { 21 };
    answer = TES_ERROR_BAD_LEASE;
    int failures = tes_lease_copy(reply, 22, 23, 24, 25, 26, &copied) != TES_ERROR_BAD_LEASE || copied != 5;
    answer = 0;
    failures += tes_lease_copy(reply, 22, 23, 24, 25, 26, &copied) != TES_OK || copied != 0x100;
    const uint64_t want[7] = { TES_CALL_LEASE_COPY, 21, 22, 23, 24, 25, 26 };
    failures += memcmp(noted, want, sizeof(want)) != 0;
    tes_process_t process = { 0 };
    tes_space_t space = { 0 };
    tes_quota_t quota = { 31 };
    failures += tes_process_create(quota, 32, 33, &process, &space) != TES_OK;
    failures += process.value != 0x100 || space.value != 0x101 || noted[1] != 31 || noted[2] != 32 || noted[3] != 33;
    failures += tes_null() != TES_OK || noted[0] != TES_CALL_NULL;
    for (uint64_t i = 0; i < 8; i++) {
        failures += kept[i] != seed * (i + 3);
    }
    return failures;
}

static __attribute__((noinline)) int message(uint64_t seed)
{
    uint64_t a = seed * 3;
    uint64_t b = seed * 5;
    uint64_t c = seed * 7;
    uint64_t d = seed * 11;
    uint64_t e = seed * 13;
    uint64_t f = seed * 17;
    struct tes_message m = { .handle = 41, .label = 42, .words = { 50, 51, 52, 53, 54, 55, 56, 57 } };
    answer = TES_ERROR_TIMED_OUT;
    int failures = tes_arch_message(TES_CALL_IPC_CALL, &m) != TES_ERROR_TIMED_OUT;
    const uint64_t want[11] = { TES_CALL_IPC_CALL, 41, 42, 50, 51, 52, 53, 54, 55, 56, 57 };
    failures += memcmp(noted, want, sizeof(want)) != 0;
    failures += m.handle != 41 || m.badge != 0x100 || m.label != 0x101;
    for (uint64_t i = 0; i < 8; i++) {
        failures += m.words[i] != 0x102 + i;
    }
    return failures + (a != seed * 3) + (b != seed * 5) + (c != seed * 7) + (d != seed * 11) + (e != seed * 13) +
           (f != seed * 17);
}

int main(int count, char **names)
{
    (void)names;
    return call_all((uint64_t)count) + message((uint64_t)count);
}
"""


@unittest.skipUnless(platform.machine() == "x86_64", "runs x86_64 code")
class Entry(unittest.TestCase):
    def test_registers(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            support.generate(folder)
            text = (support.ROOT / "arch/x86_64/user/include/arch_user/call.h").read_text()
            head, tail = text.split("tes_arch_message(")[0], text.split("tes_arch_message(", 1)[1]
            head, calls = re.subn(r'"syscall"', '"call fake_call"', head)
            tail, messages = re.subn(r'"syscall\\n', r'"call fake_message\\n', tail)
            self.assertEqual((calls, messages), (7, 1))
            (folder / "arch_user").mkdir()
            (folder / "arch_user/call.h").write_text(head + "tes_arch_message(" + tail)
            (folder / "fake.S").write_text(ASSEMBLY)
            (folder / "main.c").write_text(MAIN)
            for compiler in support.COMPILERS:
                for level in ("-O0", "-O1", "-O2", "-O2 -fno-omit-frame-pointer"):
                    self.build_and_run(folder, compiler, level.split())

    def build_and_run(self, folder, compiler, level):
        built = support.run(compiler, *support.FLAGS, *level, "-mno-red-zone", "-mgeneral-regs-only", "-fpie",
                            f"-I{folder}", *support.include_flags(folder, "user"), folder / "main.c", folder / "fake.S",
                            "-o", folder / "entry")
        self.assertEqual(built.stderr, "")
        self.assertEqual(support.run(folder / "entry").returncode, 0, f"{compiler} {level}")


if __name__ == "__main__":
    support.main()
