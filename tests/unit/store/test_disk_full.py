"""A disk without room costs the change that was asked for, nothing else."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import RegistryError, ToolError
from era_kernel.paths import StatePaths, open_state
from era_kernel.store.repository import VmRepository
from tests.unit.store.support import record, vm_id


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[StatePaths]:
    """A state folder on a disk of 96 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    try:
        process.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", folder], timeout=10)
    except ToolError as error:
        pytest.skip(f"no tmpfs may be mounted here: {error}")
    yield open_state(folder / "state")
    process.run(["umount", folder], timeout=10)


def test_a_full_disk_is_said_and_leaves_the_registry(small_disk: StatePaths) -> None:
    repository = VmRepository(small_disk)
    for number in range(5):
        repository.add(record(number))
    filler = small_disk.root / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(96 * 1024))
    before = small_disk.registry.read_bytes()
    with pytest.raises(RegistryError, match=r"No space left.*Make room under"):
        repository.add(record(5))
    with pytest.raises(RegistryError, match=r"No space left.*Make room under"):
        repository.update(vm_id(1), last_run=1.0)
    assert small_disk.registry.read_bytes() == before
    assert not small_disk.vm(vm_id(5)).folder.exists()
    filler.unlink()
    repository.add(record(5))
    assert [each.id for each in VmRepository(small_disk).all()] == [vm_id(number) for number in range(6)]


def add_until_refused(root: Path, limit: int, answer: Connection) -> None:
    """In a process of its own, whose files may be no larger than `limit` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    repository = VmRepository(StatePaths(root))
    number = 0
    try:
        while True:
            repository.add(record(number))
            number += 1
    except RegistryError as error:
        answer.send((number, str(error)))


def test_a_file_too_large_leaves_the_registry(state: StatePaths) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=add_until_refused, args=(state.root, 4000, theirs))
    worker.start()
    assert ours.poll(60)
    added, message = ours.recv()
    worker.join(10)
    assert added > 0
    assert "Make room" in message
    assert [each.id for each in VmRepository(state).all()] == [vm_id(number) for number in range(added)]
    assert not state.vm(vm_id(added)).folder.exists()
