# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the generated dispatcher on the host: sys_ functions that print what they got stand for the kernel, and a
# handle_resolve that prints what it was asked. Lines of "number a0 ... a5" go in; the log is compared with the table.
import pathlib
import tempfile
import unittest

import support
import emit_kernel

BAD_HANDLE_VALUE = 0xbad
FIRST_RESULT = 7000001
RESOLVED = 0x1000  # handle_resolve's object is value + this

KERNEL = {
    "kernel/call.h": """#pragma once
#include <abi/errors.h>
struct call { uint64_t number; uint64_t arguments[6]; };
tes_status_t call_dispatch(struct call *call) TES_MUST_CHECK;
""",
    "kernel/process.h": "#pragma once\nstruct process *current_process(void);\n",
    "kernel/thread.h": "#pragma once\nstruct thread { struct process *process; };\n",
    "arch/cpu.h": "#pragma once\nstruct arch_frame *cpu_current_frame(void);\n",
    "rt/checked.h": """#pragma once
#include <stddef.h>
static inline size_t array_index_clamp(size_t index, size_t size) { return index < size ? index : 0; }
""",
    "kernel/handle.h": """#pragma once
#include <abi/errors.h>
#include <abi/objects.h>
struct process;
struct handle_view { char *object; uint8_t type; };
tes_status_t handle_resolve(struct process *process, uint64_t value, enum tes_object_type type, uint32_t rights,
                            struct handle_view *out_view) TES_MUST_CHECK;
""",
}

MAIN = """#include <kernel_calls.h>
#include <inttypes.h>
#include <kernel/handle.h>
#include <arch/cpu.h>
#include <kernel/process.h>
#include <kernel/thread.h>
#include <stdio.h>

struct process { int value; };
static struct process self;
static struct thread running = { .process = &self };
struct process *current_process(void) { return &self; }
struct arch_frame *cpu_current_frame(void) { return (struct arch_frame *)(void *)&running; }

tes_status_t handle_resolve(struct process *process, uint64_t value, enum tes_object_type type, uint32_t rights,
                            struct handle_view *out_view)
{
    printf("resolve %d %" PRIu64 " %d %u;", process == &self, value, (int)type, rights);
    out_view->object = (char *)(uintptr_t)(value + RESOLVED);
    return value == BAD ? TES_ERROR_BAD_HANDLE : TES_OK;
}

int main(void)
{
    struct call call = { 0 };
    uint64_t *a = call.arguments;
    while (scanf("%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64, &call.number, &a[0],
                 &a[1], &a[2], &a[3], &a[4], &a[5]) == 7) {
        struct call before = call;
        int status = call_dispatch(&call);
        printf("%d", status); // and the results, 0 for one that was not written
        for (int i = RESULTS_AT; i < RESULTS_AT + 2; i++) {
            printf(" %" PRIu64, a[i] == before.arguments[i] ? 0 : a[i]);
        }
        printf("\\n");
    }
    return 0;
}
"""


def is_wide(call):
    """STYLE 4: with more than six parameters the inputs come in a structure."""
    return len(call.inputs) + len(call.outputs) > 6


def fake(call):
    """A sys_ function that prints its arguments and gives each result its place as value."""
    head = [f"const struct handle_view *{p.name}" if p.kind == "handle" else f"uint64_t {p.name}" for p in call.inputs]
    head = [f"const struct {call.name}_arguments *in"] if is_wide(call) else head
    head += [f"uint64_t *out_{p.name}" for p in call.outputs]
    place = "in->" if is_wide(call) else ""
    values = [f"(uint64_t)(uintptr_t){place}{p.name}->object" if p.kind == "handle" else f"{place}{p.name}" for p in call.inputs]
    lines = [f"tes_status_t sys_{call.name}({', '.join(head or ['void'])})", "{", f"    printf(\"{call.name}\");"]
    lines += [f"    printf(\" %\" PRIu64, {value});" for value in values]
    lines += [f"    *out_{p.name} = {index + FIRST_RESULT};" for index, p in enumerate(call.outputs)]
    return "\n".join(lines + ["    printf(\";\");", "    return TES_OK;", "}", ""])


class Dispatch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name)
        cls.model = support.generate(cls.folder)
        for name, text in KERNEL.items():
            (cls.folder / "fake" / name).parent.mkdir(parents=True, exist_ok=True)
            (cls.folder / "fake" / name).write_text(text)
        source = cls.folder / "main.c"
        source.write_text(MAIN + "".join(fake(call) for call in cls.model.calls))
        built = support.run(support.COMPILERS[0], *support.FLAGS, "-O1", "-fsanitize=address,undefined",
                            *support.include_flags(cls.folder, "kernel", "fake"), f"-DRESOLVED={RESOLVED}", f"-DRESULTS_AT={emit_kernel.RESULTS_AT}",
                            f"-DBAD={BAD_HANDLE_VALUE}", source, cls.folder / "kernel/calls.c",
                            cls.folder / "kernel/call_names.c", "-o", cls.folder / "dispatch")
        assert built.returncode == 0, built.stderr

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def make(self, calls):
        text = "".join(f"{number} {' '.join(map(str, arguments))}\n" for number, arguments in calls)
        result = support.run(self.folder / "dispatch", input=text)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()

    def good(self, call):
        """Arguments that every check lets pass: flags have all known bits."""
        values = [p.flag_mask if p.kind == "flags" else 11 + i for i, p in enumerate(call.inputs)]
        return values + [99] * (6 - len(values))

    def asked(self, p, value):
        number = 0 if p.type == "Any" else self.model.object(p.type).number
        return f"resolve 1 {value} {number} {self.model.right_mask(p)};"

    def expected(self, call, values):
        log = ""
        for p, value in zip(call.inputs, values):
            if p.kind == "handle" and not (p.is_optional and value == 0):
                log += self.asked(p, value)
        seen = [0 if p.is_optional and v == 0 else v + RESOLVED if p.kind == "handle" else v
                for p, v in zip(call.inputs, values)]
        results = [FIRST_RESULT + i if i < len(call.outputs) else 0 for i in range(2)]
        return log + " ".join([call.name, *map(str, seen)]) + f";0 {results[0]} {results[1]}"

    def test_every_call(self):
        made = [(c.number, self.good(c)) for c in self.model.calls]
        self.assertEqual(self.make(made), [self.expected(c, self.good(c)) for c in self.model.calls])

    def test_wide_calls_take_a_structure(self):
        self.assertTrue(any(is_wide(call) for call in self.model.calls))

    def test_decoders_stand_at_their_numbers(self):
        """What entry code does: it indexes the table itself."""
        text = (self.folder / "kernel/calls.c").read_text()
        for call in self.model.calls:
            self.assertIn(f"    [{call.number}] = decode_{call.name},\n", text)

    def test_no_such_call(self):
        numbers = [self.model.call_count, 1 << 32, (1 << 64) - 1]
        status = next(e.number for e in self.model.errors if e.name == "BAD_CALL")
        self.assertEqual(self.make([(n, [1] * 6) for n in numbers]), [f"{status} 0 0"] * 3)

    def test_unknown_flags(self):
        status = next(e.number for e in self.model.errors if e.name == "INVALID")
        for call in self.model.calls:
            for index, p in enumerate(call.inputs):
                if p.kind != "flags":
                    continue
                for bit in (len(p.flags), 31, 32, 63):
                    values = self.good(call)
                    values[index] |= 1 << bit
                    line = self.make([(call.number, values)])[0]
                    self.assertTrue(line.endswith(f"{status} 0 0"), line)
                    self.assertNotIn(call.name, line)

    def test_optional_handles(self):
        count = 0
        for call in self.model.calls:
            values = [0 if p.is_optional else v for p, v in zip(call.inputs, self.good(call))]
            values += [99] * (6 - len(values))
            count += sum(p.is_optional for p in call.inputs)
            self.assertEqual(self.make([(call.number, values)]), [self.expected(call, values)])
        self.assertGreater(count, 5)

    def test_first_bad_handle_ends_the_call(self):
        status = next(e.number for e in self.model.errors if e.name == "BAD_HANDLE")
        for call in self.model.calls:
            for index, p in enumerate(call.inputs):
                if p.kind == "handle":
                    values = self.good(call)
                    values[index] = BAD_HANDLE_VALUE
                    before = "".join(self.asked(q, v) for q, v in zip(call.inputs[:index + 1], values)
                                     if q.kind == "handle")
                    self.assertEqual(self.make([(call.number, values)]), [f"{before}{status} 0 0"])


if __name__ == "__main__":
    support.main()
