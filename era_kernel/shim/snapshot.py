"""A stopped VM's snapshot: its guest's state, and a record of what that is worth.

A snapshot goes with the disks as they were when it was made, and is taken up once at most: the record is removed before
the guest runs on. Without the record the state is nothing.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from era_kernel.atomic import sync_folder, write_atomic
from era_kernel.errors import SnapshotError
from era_kernel.launchers.base import Saved
from era_kernel.models import ProcessIdentity
from era_kernel.paths import VmPaths
from era_kernel.sealed import SealError, sealed, unsealed


class SavedStream(msgspec.Struct, frozen=True):
    """A process of a client's that goes on with the guest: credits in bytes by fd, as of shim/streams.py."""

    token: str
    owner: ProcessIdentity | None
    client_stream: int
    guest_stream: int
    granted: dict[int, int]
    input_credit: dict[int, int]
    open_outputs: list[int]


class FileMark(msgspec.Struct, frozen=True):
    """What tells that a file is as it was: size in bytes, mtime in ns."""

    size: int
    mtime_ns: int


class SnapshotRecord(msgspec.Struct, frozen=True):
    """`fingerprint` is the boot plan's, `next_stream` the first stream number that no process ever had."""

    fingerprint: str
    state: FileMark
    disks: dict[str, FileMark]
    streams: list[SavedStream]
    next_stream: int


def mark(file: Path) -> FileMark:
    status = file.stat()
    return FileMark(status.st_size, status.st_mtime_ns)


def disk_marks(paths: VmPaths) -> dict[str, FileMark]:
    """The marks of the disks that a VM has."""
    return {str(disk): mark(disk) for disk in (paths.disk, paths.persist_disk) if disk.exists()}


def write_record(paths: VmPaths, record: SnapshotRecord) -> None:
    """Make a state that is on disk worth something, atomically. Raises OSError."""
    write_atomic(paths.snapshot_record, sealed(msgspec.json.encode(record)))


def read_record(paths: VmPaths) -> SnapshotRecord:
    """A VM's snapshot record. Raises SnapshotError when it is damaged, FileNotFoundError when there is none."""
    try:
        return msgspec.json.decode(unsealed(paths.snapshot_record.read_bytes()), type=SnapshotRecord)
    except (SealError, msgspec.DecodeError) as error:
        raise SnapshotError(f"The snapshot of {paths.folder.name} is damaged") from error


def usable_snapshot(paths: VmPaths, fingerprint: str | None) -> Saved | None:
    """How a VM goes on from its snapshot; None when it has none. SnapshotError tells why one cannot be used."""
    try:
        record = read_record(paths)
        if record.fingerprint != fingerprint:
            raise SnapshotError(
                f"The snapshot of {paths.folder.name} is of another version of QEMU, the guest kernel or era_kernel"
            )
        if record.state != mark(paths.snapshot) or record.disks != disk_marks(paths):
            raise SnapshotError(f"The snapshot of {paths.folder.name} does not go with its disks any more")
    except FileNotFoundError:
        return None
    return Saved(state=str(paths.snapshot), once=str(paths.snapshot_record))


def discard_snapshot(paths: VmPaths) -> None:
    """Remove a VM's snapshot, if it has one, for good."""
    for file in (paths.snapshot_record, paths.snapshot):
        file.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        sync_folder(paths.folder)
