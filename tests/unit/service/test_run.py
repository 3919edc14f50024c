"""What is kept of a run: bounded, and in files that a guest cannot have chosen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from era_kernel.errors import StateFolderError
from era_kernel.models import ExecResult
from era_kernel.paths import StatePaths
from era_kernel.service import run as module
from era_kernel.service.manager import Manager
from tests.unit.service.support import IMAGE, Collected, ignore

pytestmark = pytest.mark.asyncio


@pytest.fixture
def vm(manager: Manager) -> str:
    return manager.create("python", image=IMAGE).id


async def test_the_record_holds_what_was_printed(manager: Manager, vm: str) -> None:
    output = Collected()
    done = await manager.run(vm, "echo out; echo err >&2; exit 3", timeout=30, output=output)
    assert (done.result, done.stdout, done.stderr) == (ExecResult(vm, 3), b"out\n", b"err\n")
    assert (done.out.read_bytes(), done.err.read_bytes()) == (b"out\n", b"err\n")
    assert output.texts == {(vm, 1): b"out\n", (vm, 2): b"err\n"}
    assert done.out.stat().st_mode & 0o777 == 0o600


async def test_no_more_than_the_limit_is_kept_and_the_file_says_so(
    manager: Manager, vm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 100_000)
    monkeypatch.setattr(module, "HELD", 10)
    output = Collected()
    done = await manager.run(vm, "head -c 1000000 /dev/zero", timeout=30, output=output)
    assert done.stdout == bytes(10)
    kept = done.out.read_bytes()
    assert kept.startswith(bytes(100_000))
    assert 0 < len(kept) - 100_000 < 100
    assert len(output.texts[vm, 1]) == 1_000_000


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder", "hard link"])
async def test_what_a_guest_left_under_that_name_is_neither_followed_nor_opened(
    manager: Manager, vm: str, state: StatePaths, tmp_path: Path, kind: str
) -> None:
    folder = state.vm(vm).out
    folder.mkdir(exist_ok=True)
    victim = tmp_path / "victim"
    victim.write_text("old")
    trap = folder / "stdout.log"
    match kind:
        case "symlink":
            trap.symlink_to(victim)
        case "fifo":
            os.mkfifo(trap)
        case "folder":
            trap.mkdir()
        case _:
            trap.hardlink_to(victim)
    run = manager.run(vm, "echo new", timeout=30, output=ignore)
    if kind == "folder":
        with pytest.raises(StateFolderError):
            await run
    else:
        assert (await run).out.read_text() == "new\n"
    assert victim.read_text() == "old"


async def test_a_folder_that_is_a_link_is_refused(manager: Manager, vm: str, state: StatePaths, tmp_path: Path) -> None:
    state.vm(vm).out.symlink_to(tmp_path)
    with pytest.raises(StateFolderError):
        await manager.run(vm, "echo new", timeout=30, output=ignore)
    assert not (tmp_path / "stdout.log").exists()
