"""A distribution's kernel image: what is in it, and what is none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import ImageError
from era_kernel.images import bzimage


def image(payload: bytes, setup_sectors: int = 3) -> bytes:
    """A bzImage around a payload, by the boot protocol."""
    head = bytearray((setup_sectors + 1) * 512)
    head[0x1F1] = setup_sectors
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 16, len(payload) + 4)
    return bytes(head) + bytes(16) + payload + struct.pack("<I", 99)


def elf(notes: bytes) -> bytes:
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(notes), len(notes), 4) + notes


PVH = struct.pack("<III", 4, 4, 18) + b"Xen\0" + bytes(4)


@pytest.mark.parametrize("magic", list(bzimage.COMPRESSIONS))
def test_the_payload_is_found(magic: bytes) -> None:
    name = bzimage.COMPRESSIONS[magic]
    tail = struct.pack("<I", 99) if name == "gzip" else b""
    assert bzimage.payload(image(magic + b"kernel")) == (name, magic + b"kernel" + tail)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\0" * 4096, image(b"??????")])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        bzimage.payload(data)


def test_a_kernel_with_a_pvh_entry_is_taken() -> None:
    bzimage.check_elf(elf(struct.pack("<III", 4, 3, 1) + b"GNU\0" + b"abc\0" + PVH))


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF\x01" + bytes(100), elf(b""), elf(struct.pack("<III", 4, 4, 17) + b"Xen\0abcd")]
)
def test_a_kernel_without_one_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        bzimage.check_elf(data)


@given(st.binary(max_size=200), st.integers(0, 2**64 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1))
def test_any_program_headers_are_read_or_refused(body: bytes, table: int, size: int, count: int) -> None:
    head = bytearray(elf(b"")[:64])
    struct.pack_into("<Q", head, 32, table)
    struct.pack_into("<HH", head, 54, size, count)
    with pytest.raises(ImageError):
        bzimage.check_elf(bytes(head) + body.replace(b"Xen", b""))


@given(st.binary(max_size=200))
def test_any_notes_are_read_or_refused(notes: bytes) -> None:
    try:
        bzimage.check_elf(elf(notes))
    except ImageError:
        return
    assert b"Xen" in notes
