"""From a distribution's bzImage to the uncompressed ELF in it, which QEMU's microvm enters directly (PVH). Pure.

The boot protocol's setup header (Linux, Documentation/arch/x86/boot.rst) tells where the payload is.
"""

from __future__ import annotations

import struct

from era_kernel.errors import ImageError

_SETUP_SECTORS = 0x1F1
_PAYLOAD = 0x248
_SECTOR = 512
_PVH_NOTE = 18
_PT_NOTE = 4
_PROGRAM_HEADER = struct.Struct("<I4xQ16xQ16x")
"""Elf64_Phdr: type, offset, size in the file (elf(5))."""

COMPRESSIONS = {
    b"\x02\x21\x4c\x18": "lz4",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def payload(image: bytes) -> tuple[str, bytes]:
    """(compression, compressed kernel) of a bzImage. ImageError when it is none."""
    if len(image) < _PAYLOAD + 8 or image[0x202:0x206] != b"HdrS":
        raise ImageError("The guest kernel's package holds no bzImage")
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    start = ((image[_SETUP_SECTORS] or 4) + 1) * _SECTOR + offset
    data = image[start : start + length]
    for magic, name in COMPRESSIONS.items():
        if data.startswith(magic):
            # The kernel's build adds the unpacked size to all but gzip, whose own last four bytes tell it.
            return name, data if name == "gzip" else data[:-4]
    raise ImageError(f"The guest kernel is compressed in an unknown way ({data[:6].hex()})")


def check_elf(kernel: bytes) -> None:
    """ImageError unless it is a 64-bit ELF with the note that names its PVH entry (Xen's elfnote.h)."""
    if kernel[:5] != b"\x7fELF\x02" or len(kernel) < 64:
        raise ImageError("The guest kernel is no 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", kernel, 32)
    size, count = struct.unpack_from("<HH", kernel, 54)
    if table + size * count > len(kernel) or (count and size < _PROGRAM_HEADER.size):
        raise ImageError("The guest kernel's ELF file is damaged")
    for index in range(count):
        kind, start, length = _PROGRAM_HEADER.unpack_from(kernel, table + index * size)
        if kind == _PT_NOTE and _has_pvh(kernel[start : start + length]):
            return
    raise ImageError("The guest kernel cannot be entered directly: it has no PVH note", "Use Debian's cloud kernel.")


def _has_pvh(notes: bytes) -> bool:
    position = 0
    while position + 12 <= len(notes):
        name_size, data_size, kind = struct.unpack_from("<III", notes, position)
        name = notes[position + 12 : position + 12 + name_size].rstrip(b"\0")
        if name == b"Xen" and kind == _PVH_NOTE:
            return True
        position += 12 + (name_size + 3 & ~3) + (data_size + 3 & ~3)
    return False
