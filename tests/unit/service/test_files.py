"""Files through the agent: whole, bounded, and under names that the host chose. The guest here is the agent alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from era_kernel.errors import StateFolderError, UsageError, VmStateError
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths, VmPaths
from era_kernel.service import files
from era_kernel.service.manager import Manager


@pytest.fixture
def paths(manager: Manager, state: StatePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VmPaths:
    """A VM whose /in, /out and /persist are folders of this test's, as its guest is this host."""
    for name in ("IN", "OUT", "PERSIST"):
        folder = tmp_path / "guest" / name.lower()
        folder.mkdir(parents=True)
        monkeypatch.setattr(files, name, str(folder))
    made: VmRecord = manager.create("python")
    return state.vm(made.id)


def test_a_file_arrives_whole_and_under_its_name(paths: VmPaths, tmp_path: Path) -> None:
    source = tmp_path / "a name; with $(things).bin"
    data = os.urandom(3 << 20)
    source.write_bytes(data)
    asyncio.run(files.put_file(paths, source))
    assert Path(files.IN, source.name).read_bytes() == data
    assert [path.name for path in Path(files.IN).iterdir()] == [source.name]


def test_a_folder_and_what_is_not_there_are_refused(paths: VmPaths, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        asyncio.run(files.put_file(paths, tmp_path))
    with pytest.raises(UsageError, match="cannot be read"):
        asyncio.run(files.put_file(paths, tmp_path / "nothing"))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="no regular file"):
        asyncio.run(files.put_file(paths, tmp_path / "fifo"))


def test_what_a_guest_calls_its_files_names_none_of_ours(paths: VmPaths, tmp_path: Path) -> None:
    out = Path(files.OUT)
    (out / "deep").mkdir()
    (out / "deep/plot.png").write_bytes(b"png")
    (out / "-rf").write_bytes(b"dashes")
    (out / "link").symlink_to("/etc/passwd")
    collected = asyncio.run(files.collect_out(paths, tmp_path / "collected"))
    assert {label: path.read_bytes() for label, path in collected.items()} == {
        "deep/plot.png": b"png",
        "-rf": b"dashes",
    }
    assert sorted(path.name for path in (tmp_path / "collected").iterdir()) == ["0001", "0002"]


def test_what_is_too_large_leaves_nothing(paths: VmPaths, tmp_path: Path) -> None:
    (Path(files.OUT) / "big").write_bytes(bytes(100_000))
    target = tmp_path / "target"
    with pytest.raises(VmStateError, match="larger than"):
        asyncio.run(files.fetch_file(paths, f"{files.OUT}/big", target, limit=99_999))
    assert not target.exists()
    assert asyncio.run(files.fetch_file(paths, f"{files.OUT}/big", target, limit=100_000)) == 100_000
    with pytest.raises(VmStateError, match="cannot be read"):
        asyncio.run(files.fetch_file(paths, f"{files.OUT}/nothing", target))
    assert target.stat().st_size == 100_000


def test_a_link_where_the_host_writes_is_not_followed(paths: VmPaths, tmp_path: Path) -> None:
    (Path(files.OUT) / "file").write_bytes(b"new")
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    target = tmp_path / "target"
    target.symlink_to(victim)
    asyncio.run(files.fetch_file(paths, f"{files.OUT}/file", target))
    assert victim.read_bytes() == b"old"


def test_what_is_no_file_is_not_replaced(paths: VmPaths, tmp_path: Path) -> None:
    (Path(files.OUT) / "file").write_bytes(b"new")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="fifo is no regular file, and none takes its place"):
        asyncio.run(files.fetch_file(paths, f"{files.OUT}/file", tmp_path / "fifo"))
    assert (tmp_path / "fifo").is_fifo()


async def _fetch_both(paths: VmPaths, target: Path) -> None:
    await asyncio.gather(*(files.fetch_file(paths, f"{files.OUT}/{name}", target) for name in "ab"))


def test_two_at_once_give_one_of_both(paths: VmPaths, tmp_path: Path) -> None:
    contents = [bytes(3_000_000), b"x" * 2_000_000]
    for name, content in zip("ab", contents, strict=True):
        (Path(files.OUT) / name).write_bytes(content)
    neighbour = tmp_path / ".target.new"
    neighbour.write_bytes(b"somebody's")
    asyncio.run(_fetch_both(paths, tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() in contents
    assert neighbour.read_bytes() == b"somebody's"


def test_a_folder_that_is_not_there_is_said(paths: VmPaths, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in ("/no/folder/x", "/etc/passwd/x"):
        with pytest.raises(VmStateError, match=f"file could not be written to {target}: there is no such folder"):
            asyncio.run(files.put_file(paths, tmp_path / "file", target))


def test_a_place_that_cannot_be_written_is_said_without_the_state_folder(paths: VmPaths) -> None:
    (Path(files.OUT) / "file").touch()
    with pytest.raises(StateFolderError, match=r"/proc/x cannot be written: .*Name another place") as raised:
        asyncio.run(files.fetch_file(paths, f"{files.OUT}/file", Path("/proc/x")))
    assert "state folder" not in str(raised.value)


def test_persist_comes_back_as_it_was(paths: VmPaths) -> None:
    persist = Path(files.PERSIST)
    (persist / "folder").mkdir(mode=0o711)
    (persist / "folder/data").write_bytes(os.urandom(100_000))
    before = (persist / "folder/data").read_bytes()
    assert not asyncio.run(files.load_persist(paths))
    paths.persist.mkdir(parents=True, exist_ok=True)
    asyncio.run(files.save_persist(paths))
    assert files.persist_archive(paths).stat().st_mode & 0o777 == 0o600
    (persist / "folder/data").unlink()
    (persist / "folder").rmdir()
    assert asyncio.run(files.load_persist(paths))
    assert (persist / "folder/data").read_bytes() == before
    assert (persist / "folder").stat().st_mode & 0o777 == 0o711
