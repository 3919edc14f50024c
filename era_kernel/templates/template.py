"""A template on disk: a folder of the cache with a guest's memory, device state and disk, and what they must be like.

The memory's file is mapped privately by every VM that starts from the template, so it is never written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from era_kernel.images.overlay import PREFIX, place_overlay
from era_kernel.launchers.base import TEMPLATE_DISK, TEMPLATE_RAM, Saved
from era_kernel.models import VmRecord, VmSpec
from era_kernel.paths import VmPaths
from era_kernel.sealed import SealError, sealed, unsealed

STATE = "state"
OVERLAY = "overlay.qcow2"
METADATA = "template.json"
USED = "used"
_PAGE = 4096
_SMALL = 16 << 20
_SAMPLES = 32
"""Pages of a big file that are looked at. All of them would take longer than a boot."""


class FileMark(msgspec.Struct, frozen=True):
    """What tells that a file is as it was made: size in bytes, mtime in ns, sha256 of all of it or of sample pages."""

    size: int
    mtime_ns: int
    sha256: str


class Metadata(msgspec.Struct, frozen=True):
    """What a template is for, when it was made (seconds since the epoch), and its files' marks by name.

    `base` is what its disk is called in state folders. It is never another template's: a template that is made again
    for the same VMs has another disk, which would not go with the memory.
    """

    base: str
    fingerprint: str
    spec: VmSpec
    digest: str
    created: float
    files: dict[str, FileMark]


@dataclass(frozen=True)
class Template:
    """A template that was whole when it was looked at."""

    folder: Path
    metadata: Metadata

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def saved(self) -> Saved:
        return Saved(state=str(self.folder / STATE), ram=str(self.folder / TEMPLATE_RAM))

    def give_disk(self, paths: VmPaths) -> None:
        """Make a VM's disk: an overlay on the template's. Raises ImageError."""
        disk = self.folder / TEMPLATE_DISK
        place_overlay(self.folder / OVERLAY, disk, paths.disk, paths.bases, self.metadata.base)

    def last_used(self) -> float:
        """When a VM was last started from it, in seconds since the epoch."""
        with contextlib.suppress(OSError):
            return (self.folder / USED).stat().st_mtime
        return self.metadata.created

    def note_use(self) -> None:
        with contextlib.suppress(OSError):
            (self.folder / USED).touch()

    def size(self) -> int:
        """Bytes that it takes on disk."""
        return sum(file.stat().st_blocks * 512 for file in self.folder.iterdir())


def new_base() -> str:
    """A name for the disk of a template that is made now."""
    return f"{PREFIX}{secrets.token_hex(16)}.raw"


def template_key(fingerprint: str, warm: tuple[str, ...]) -> str:
    """A template's name in the cache: VMs with an equal one can start from it."""
    return hashlib.sha256(msgspec.json.encode([fingerprint, warm])).hexdigest()[:32]


def seal(folder: Path, record: VmRecord, fingerprint: str, base: str, created: float) -> None:
    """Write down what the files of a finished template are like."""
    files = {name: _mark(folder / name) for name in (TEMPLATE_RAM, TEMPLATE_DISK, STATE, OVERLAY)}
    metadata = Metadata(base, fingerprint, record.spec, record.digest, created, files)
    (folder / METADATA).write_bytes(sealed(msgspec.json.encode(metadata)))


def load(folder: Path) -> Template | None:
    """The template in a folder; None when there is none, or not all of it is as it was made."""
    try:
        metadata = msgspec.json.decode(unsealed((folder / METADATA).read_bytes()), type=Metadata)
        if any(_mark(folder / name) != mark for name, mark in metadata.files.items()):
            return None
    except (OSError, SealError, msgspec.DecodeError):
        return None
    return Template(folder, metadata)


def _mark(file: Path) -> FileMark:
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        digest = hashlib.sha256()
        for offset in _sample_offsets(status.st_size):
            digest.update(os.pread(opened.fileno(), _PAGE, offset))
    return FileMark(status.st_size, status.st_mtime_ns, digest.hexdigest())


def _sample_offsets(size: int) -> Iterator[int]:
    """Where pages are looked at: all of a small file, in a big one its head and pages all over it."""
    pages = -(-size // _PAGE)
    step = 1 if size <= _SMALL else pages // _SAMPLES
    return (page * _PAGE for page in range(0, pages, step))


def remove(folder: Path) -> None:
    """Remove a template. VMs that run on it go on: what they have open or mapped stays."""
    shutil.rmtree(folder, ignore_errors=True)
