"""The registry's file: what may be read, what is refused, and its lock."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from era_kernel.errors import RegistryError
from era_kernel.store.storage import CorruptRegistryError, RegistryStorage, Tables

TABLES: Tables = {"vms": {"1": {"id": "python-00000001", "cpu": 1}}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.json"


def test_what_is_written_is_read_by_another_storage(path: Path) -> None:
    assert RegistryStorage(path).read() is None
    RegistryStorage(path).write(TABLES)
    assert RegistryStorage(path).read() == TABLES


def test_the_registry_and_its_lock_are_private(path: Path) -> None:
    RegistryStorage(path).write(TABLES)
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"vms": {"1": {"id"', b"null", b"[]", b'{"vms": 3}', b'{"vms": {"1": 2}}', b"\xff\xfe", b"\0" * 4096,
     b"[" * 100_000],
    ids=["empty", "open", "truncated", "null", "list", "no table", "no document", "no text", "zeros", "deep"],
)  # fmt: skip
def test_a_file_that_no_storage_wrote_is_called_corrupt(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CorruptRegistryError):
        RegistryStorage(path).read()


def test_a_folder_or_a_pipe_of_that_name_is_called_corrupt_at_once(path: Path) -> None:
    path.mkdir()
    with pytest.raises(CorruptRegistryError, match="no regular file"):
        RegistryStorage(path).read()
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(CorruptRegistryError, match="no regular file"):
        RegistryStorage(path).read()


def test_a_lock_that_another_holds_too_long_is_named(path: Path) -> None:
    holder = RegistryStorage(path)
    waiter = RegistryStorage(path, lock_timeout=0.05)
    with holder.lock(), pytest.raises(RegistryError, match=r"\.registry\.json\.lock"):
        waiter.read()
    assert waiter.read() is None


def test_the_lock_holds_between_threads_and_may_be_taken_again_by_its_holder(path: Path) -> None:
    storage = RegistryStorage(path, lock_timeout=0.05)
    refused: list[RegistryError] = []

    def other() -> None:
        try:
            storage.read()
        except RegistryError as error:
            refused.append(error)

    with storage.lock(), storage.lock():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert len(refused) == 1


def test_a_lock_that_cannot_be_made_is_an_error_for_people(path: Path) -> None:
    path.write_bytes(b"no folder")
    with pytest.raises(RegistryError, match="AGENT_STATE_DIR"):
        RegistryStorage(path / "registry.json").read()
