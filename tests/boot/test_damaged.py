# SPDX-License-Identifier: MIT OR Apache-2.0
# Boots damaged images: missing, cut off, every header field wrong, the composition or a component damaged. The kernel
# or init says what is wrong and where, and the machine leaves with the panic's exit code, or goes on without the
# component; it never resets, hangs or starts what is damaged.
# timeout_s: 240
import concurrent.futures
import os
import re
import tempfile

import damage
from runner import build, guest, machine, selftest

ARCH = os.environ.get("TESSERA_ARCH", "x86_64")
TIMEOUT_S = 30
GOES_ON_S = 1.5
HEADER = r"PANIC on core 0: boot image: header field \w+ is wrong: 0x[0-9a-f]+ \(image of \d+ bytes\)"
MISSING = r"PANIC on core 0: boot image: missing or too short: \d+ bytes, the header has 128"
TOLD = r"init: (boot image|composition): offset 0x[0-9a-f]+: \S+ .*"


def good_image():
    build.build_system(ARCH, "default")
    with open(build.image(ARCH, "default"), "rb") as data:
        return damage.Image(data.read())


GOOD = good_image()


def boot(data, timeout_s=TIMEOUT_S):
    """What the serial line said, and QEMU's exit code or None if it was still running."""
    with tempfile.NamedTemporaryFile(suffix=".img") as file:
        file.write(data)
        file.flush()
        m = machine.Machine(kernel=build.kernel(ARCH), initrd=file.name if data else "", arch=ARCH, mem="128M",
                            append="console=plain")
        with guest.Guest(m) as g:
            try:
                code = g.wait(timeout_s)
            except guest.GuestHang:
                code = None
            return guest.clean(bytes(g.transcript)).decode("utf-8", "replace"), code


def told(case):
    """The problem with a case (name, image, pattern), or None: it must panic and say the pattern."""
    name, image, pattern = case
    text, code = boot(bytes(image))
    if code != machine.EXIT_PANIC:
        return f"{name}: exit code {code}\n{text}"
    return None if re.search(pattern, text) else f"{name}: does not say {pattern}\n{text}"


def each(cases, check=told):
    cases = list(cases)
    assert cases
    with concurrent.futures.ThreadPoolExecutor(build.JOBS) as pool:
        problems = [p for p in pool.map(check, cases) if p]
    assert not problems, "\n".join(problems)


def test_good_image():
    """Without damage it boots: what the others find is the damage."""
    text, code = boot(bytes(GOOD.data), GOES_ON_S)
    assert code is None and "tessera> " in text, text


def test_missing_or_cut_off():
    size = len(GOOD.data)
    short = [(f"{n} bytes", GOOD.data[:n], MISSING) for n in (0, 1, 8, 127)]
    lengths = (128, 129, 200, 4095, 4096, 4097, size // 3, size // 2, size - 4096, size - 1)
    each(short + [(f"{n} bytes", GOOD.data[:n], HEADER) for n in lengths])


def test_not_an_image():
    each([("zeros", bytes(8192), HEADER), ("ones", b"\xff" * 8192, HEADER),
          ("text", b"Tessera\n" * 1024, HEADER), ("an ELF file", b"\x7fELF" + bytes(8188), HEADER)])


def test_header_fields_without_checksum():
    """Any change of a field is noticed, at the latest by the checksum."""
    each((f"{name} ^ {flip:#x}", GOOD.with_field(name, GOOD.field(name) ^ flip).data, HEADER)
         for name in damage.FIELDS for flip in (1, 0x1000000))


def test_header_fields_with_checksum():
    """Values that cannot be are refused also when the checksum fits."""
    wrong = {"magic": (0, -1), "version": (0, 2, -1), "size": (-1, 1 << 40, len(GOOD.data) + 4096, 100),
             "file_count": (-1, 4097), "first_offset": (-4096, len(GOOD.data), 1),
             "first_text_size": (0, -4096, 1 << 40, 1), "first_data_size": (-4096, 1 << 40, 1),
             "first_zero_size": (-4096, 1 << 62, 1), "first_entry": (-1, 1 << 40), "first_base": (0, -4096, 1, 1 << 60)}
    cases = []
    for name, values in wrong.items():
        for value in values:
            image = GOOD.with_field(name, value)
            image = image if name == "file_count" else image.signed()
            cases.append((f"{name} = {value}", image.data, HEADER))
    cases.append(("architecture", GOOD.with_field("architecture", 2).signed().data, TOLD))
    each(cases)


def test_first_component():
    """Its code is data to the kernel: whatever it does, it ends and the kernel says so."""
    entry = GOOD.field("first_offset") + GOOD.field("first_entry")
    cases = []
    for name, code in (("undefined instruction", b"\x0f\x0b"), ("privileged", b"\xfa"), ("null", b"\x31\xc0\x8a\x00"),
                       ("jump to the kernel", b"\x48\x31\xc0\x48\xff\xc8\xff\xe0")):
        image = GOOD.copy()
        image.data[entry:entry + len(code)] = code
        cases.append((name, image.data, r"PANIC on core 0: the first component ended: status -1"))
    each(cases)


def test_file_table():
    end = len(GOOD.data)
    cases = [(f"{name} = {value}", GOOD.with_file_field("composition", name, value).signed().data, TOLD)
             for name, values in {"name": (0, 0x4141414141414141), "offset": (1, -4096, end), "size": (-1, end),
                                  "checksum": (0,)}.items() for value in values]
    each(cases)


def test_composition():
    _, size = GOOD.place("composition")
    flipped = [(f"byte {at}", GOOD.with_byte("composition", at, 0x20).data, TOLD) for at in (0, size // 2, size - 1)]
    texts = {"empty": b"", "no part": b"quota 1 1 1\n", "unknown key": b"component a\nfrobnicate 1\n",
             "number": b"component a\nbinary serial\nquota many 1 1\n", "zeros": bytes(64),
             "not text": bytes(range(128, 256)), "a long word": b"component " + b"a" * size}
    each(flipped + [(name, GOOD.with_contents("composition", lambda _, t=text: t).data, TOLD)
                    for name, text in texts.items()])


def damaged_component(file):
    def elf(offset, value):
        def change(data):
            return data[:offset] + value + data[offset + len(value):]
        return GOOD.with_contents(file, change)
    middle = GOOD.place(file)[1] // 2
    yield "a byte", GOOD.with_byte(file, middle, 1)
    yield "magic", elf(0, b"\0")
    yield "machine", elf(18, b"\0\0")
    yield "type", elf(16, b"\xff\xff")
    yield "program header offset", elf(32, b"\xff" * 8)
    yield "number of program headers", elf(56, b"\xff\xff")
    yield "size of a segment", elf(64 + 40, b"\xff" * 8)
    yield "address of a segment", elf(64 + 16, b"\xff" * 8)


def test_component_without_which_nothing_is_seen():
    """The serial driver is damaged: the kernel still has the line, init says which component and goes on."""
    def check(case):
        text, code = boot(bytes(case[1].data), GOES_ON_S)
        said = re.search(r"^init: serial does not start", text, re.MULTILINE)
        return None if code is None and said and "PANIC" not in text else f"{case[0]}: exit code {code}\n{text}"
    each(damaged_component("serial"), check)


def test_component_that_is_restarted():
    """The shell is damaged: the rest of the system goes on."""
    def check(case):
        text, code = boot(bytes(case[1].data), GOES_ON_S)
        is_good = code is None and "PANIC" not in text and "tessera>" not in text
        return None if is_good else f"{case[0]}: exit code {code}\n{text}"
    each(damaged_component("shell"), check)


if __name__ == "__main__":
    selftest.main(__name__)
