"""A snapshot is used with just the machine and the disks that it was made with, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from era_kernel.errors import SnapshotError
from era_kernel.launchers.base import Saved
from era_kernel.paths import StatePaths, VmPaths
from era_kernel.shim.snapshot import (
    SavedStream,
    SnapshotRecord,
    discard_snapshot,
    disk_marks,
    mark,
    read_record,
    usable_snapshot,
    write_record,
)

STREAM = SavedStream("token", None, 1, 7, {1: 100, 2: 5, 4: 0}, {0: 1, 3: 2}, [1, 2])


@pytest.fixture
def paths(tmp_path: Path) -> VmPaths:
    paths = StatePaths(tmp_path).vm("python-00000000")
    paths.folder.mkdir(parents=True)
    paths.persist.mkdir(parents=True)
    for file in (paths.disk, paths.persist_disk, paths.snapshot):
        file.write_bytes(os.urandom(100))
    write_record(paths, SnapshotRecord("machine", mark(paths.snapshot), disk_marks(paths), [STREAM], 8))
    return paths


def test_a_whole_one_is_taken_up_once(paths: VmPaths) -> None:
    assert usable_snapshot(paths, "machine") == Saved(str(paths.snapshot), once=str(paths.snapshot_record))
    assert read_record(paths).streams == [STREAM]


def test_there_is_none(tmp_path: Path) -> None:
    assert usable_snapshot(StatePaths(tmp_path).vm("python-00000000"), "machine") is None


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda paths: paths.disk.write_bytes(b"later"), "disks"),
        (lambda paths: paths.persist_disk.unlink(), "disks"),
        (lambda paths: os.truncate(paths.snapshot, 10), "disks"),
        (lambda paths: paths.snapshot_record.write_bytes(b"0\n{}"), "damaged"),
        (lambda paths: os.truncate(paths.snapshot_record, 30), "damaged"),
    ],
)
def test_one_that_does_not_fit_any_more(paths: VmPaths, harm: Callable[[VmPaths], object], told: str) -> None:
    harm(paths)
    with pytest.raises(SnapshotError, match=told):
        usable_snapshot(paths, "machine")


@pytest.mark.parametrize("fingerprint", ["another", None])
def test_one_of_another_machine(paths: VmPaths, fingerprint: str | None) -> None:
    with pytest.raises(SnapshotError, match="another version"):
        usable_snapshot(paths, fingerprint)


def test_a_discarded_one_is_gone(paths: VmPaths) -> None:
    discard_snapshot(paths)
    assert usable_snapshot(paths, "machine") is None
    assert not paths.snapshot.exists()
    discard_snapshot(paths)
