# SPDX-License-Identifier: MIT OR Apache-2.0
# Boot images (abi/include/abi/image.h) and ways to damage them.
import struct
import zlib

HEADER_SIZE, ENTRY_SIZE = 128, 64
CHECKSUM_AT, COUNT_AT = 12, 28
FIELDS = {  # name: offset and format
    "magic": (0, "<Q"), "version": (8, "<I"), "header_checksum": (CHECKSUM_AT, "<I"), "size": (16, "<Q"),
    "architecture": (24, "<I"), "file_count": (COUNT_AT, "<I"), "first_offset": (32, "<Q"),
    "first_text_size": (40, "<Q"), "first_data_size": (48, "<Q"), "first_zero_size": (56, "<Q"),
    "first_entry": (64, "<Q"), "first_base": (72, "<Q"),
}
FILE_FIELDS = {"name": (0, "<Q"), "offset": (40, "<Q"), "size": (48, "<Q"), "checksum": (56, "<I")}


class Image:
    def __init__(self, data):
        self.data = bytearray(data)

    def copy(self):
        return Image(self.data)

    def field(self, name):
        at, form = FIELDS[name]
        return struct.unpack_from(form, self.data, at)[0]

    def entry(self, name):
        """Where the file's entry is in the table."""
        for index in range(self.field("file_count")):
            at = HEADER_SIZE + index * ENTRY_SIZE
            if self.data[at:at + 40].split(b"\0")[0].decode() == name:
                return at
        raise KeyError(name)

    def place(self, name):
        """Offset and size of a file's contents."""
        return struct.unpack_from("<QQ", self.data, self.entry(name) + 40)

    def signed(self):
        """With the header's checksum made right again."""
        image = self.copy()
        end = HEADER_SIZE + image.field("file_count") * ENTRY_SIZE
        struct.pack_into("<I", image.data, CHECKSUM_AT, 0)
        struct.pack_into("<I", image.data, CHECKSUM_AT, zlib.crc32(image.data[:end]))
        return image

    def with_field(self, name, value, at=0, fields=None):
        image = self.copy()
        offset, form = (fields or FIELDS)[name]
        struct.pack_into(form, image.data, at + offset, value & (1 << 8 * struct.calcsize(form)) - 1)
        return image

    def with_file_field(self, file, name, value):
        return self.with_field(name, value, self.entry(file), FILE_FIELDS)

    def with_byte(self, file, at, flip):
        """One byte of a file's contents changed, its checksum left as it was."""
        image = self.copy()
        image.data[self.place(file)[0] + at] ^= flip
        return image

    def with_contents(self, file, change):
        """A file's contents changed (same size), every checksum right: only what it says is wrong."""
        image = self.copy()
        offset, size = self.place(file)
        image.data[offset:offset + size] = change(bytes(self.data[offset:offset + size]))[:size].ljust(size, b"\n")
        checksum = zlib.crc32(image.data[offset:offset + size])
        return image.with_file_field(file, "checksum", checksum).signed()
