"""The one thing read from a qcow2 header: its backing file. The header is hostile, a broken-out guest can write it."""

from __future__ import annotations

import struct
from pathlib import Path

from era_kernel.errors import ImageError

_HEADER = struct.Struct(">4sIQI")
"""magic, version, offset and length of the backing file's name (QEMU's docs/interop/qcow2.txt)."""
_MAGIC = b"QFI\xfb"
_MAX_NAME = 1023


def backing_file(disk: Path, within: Path) -> Path:
    """The backing file that `disk` names: a regular file under the folder `within`, links resolved.

    Raises ImageError when there is none, or when the header names a file elsewhere.
    """
    try:
        with disk.open("rb") as file:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise ImageError(f"{disk} is no qcow2 disk")
            magic, _, offset, length = _HEADER.unpack(header)
            if magic != _MAGIC or not 0 < length <= _MAX_NAME or offset > 1 << 20:
                raise ImageError(f"{disk} is no qcow2 disk with a backing file")
            file.seek(offset)
            name = file.read(length).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ImageError(f"{disk} cannot be read: {error.strerror}") from error
    if "\0" in name:
        raise ImageError(f"{disk} names a backing file that is none")
    backing = (disk.parent / name).resolve()
    if not backing.is_relative_to(within.resolve()):
        raise ImageError(f"{disk} names a backing file outside {within}", "Clean this VM and create it again.")
    if not backing.is_file():
        raise ImageError(f"The backing file of {disk} is gone: {backing}")
    return backing
