# SPDX-License-Identifier: MIT OR Apache-2.0
# ELF files for the boot image: stripped of everything that is not loaded, or (the first component) turned
# into a flat image with its relocations applied.
import struct

PAGE = 4096
PT_LOAD, PT_DYNAMIC = 1, 2
DT_RELA, DT_RELASZ = 7, 8
R_RELATIVE = {"x86_64": 8, "aarch64": 1027, "riscv64": 3}
PF_X, PF_W = 1, 2


class ElfError(Exception):
    pass


class Elf:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        if len(self.data) < 64 or self.data[:6] != b"\x7fELF\x02\x01":
            raise ElfError(f"{path}: offset 0x0: ident is not that of a 64-bit little-endian ELF file")
        self.entry, self.phoff = struct.unpack_from("<QQ", self.data, 24)
        (count,) = struct.unpack_from("<H", self.data, 56)
        if self.phoff + count * 56 > len(self.data):
            raise ElfError(f"{path}: offset 0x38: program_count reaches past the end of the file")
        self.headers = [struct.unpack_from("<IIQQQQQQ", self.data, self.phoff + i * 56) for i in range(count)]
        self.loads = [h for h in self.headers if h[0] == PT_LOAD]
        if not self.loads:
            raise ElfError(f"{path}: offset 0x{self.phoff:x}: p_type: there is no LOAD segment")
        for i, h in enumerate(self.headers):
            if h[2] + h[5] > len(self.data):
                raise ElfError(f"{path}: offset 0x{self.phoff + i * 56:x}: p_filesz reaches past the end")

    def stripped(self):
        """Up to the end of what is loaded; no section headers."""
        out = self.data[:max(h[2] + h[5] for h in self.loads)]
        struct.pack_into("<Q", out, 40, 0)
        struct.pack_into("<HHH", out, 58, 0, 0, 0)
        return bytes(out)

    def relocations(self):
        dynamic = [h for h in self.headers if h[0] == PT_DYNAMIC]
        tags = {}
        if dynamic:
            offset, size = dynamic[0][2], dynamic[0][5]
            for at in range(offset, offset + size - 15, 16):
                tag, value = struct.unpack_from("<QQ", self.data, at)
                if tag == 0:
                    break
                tags[tag] = value
        return tags.get(DT_RELA, 0), tags.get(DT_RELASZ, 0)


def pages(size):
    return (size + PAGE - 1) // PAGE * PAGE


def flat(path, base, arch):
    """The first component: (bytes, text size, data size, zero size, entry), linked for address base."""
    elf = Elf(path)
    text_end = max(pages(h[3] + h[6]) for h in elf.loads if not h[1] & PF_W)
    writable = [h for h in elf.loads if h[1] & PF_W]
    if any(h[3] < text_end for h in writable):
        raise ElfError(f"{path}: offset 0x{elf.phoff:x}: p_vaddr: data must follow all text")
    file_end = max([text_end] + [pages(h[3] + h[5]) for h in writable])
    memory_end = max([file_end] + [pages(h[3] + h[6]) for h in writable])
    image = bytearray(file_end)
    for _, _, offset, address, _, file_size, _, _ in elf.loads:
        image[address:address + file_size] = elf.data[offset:offset + file_size]
    table, size = elf.relocations()
    for at in range(table, table + size, 24):
        offset, info, addend = struct.unpack_from("<QQq", image, at)
        if info & 0xFFFFFFFF != R_RELATIVE[arch] or not text_end <= offset <= file_end - 8:
            raise ElfError(f"{path}: offset 0x{at:x}: r_info: not a RELATIVE relocation of data")
        struct.pack_into("<Q", image, offset, base + addend)
    return bytes(image), text_end, file_end - text_end, memory_end - file_end, elf.entry
