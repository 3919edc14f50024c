"""Files of the cache: made once, whole or not at all, whoever dies on the way."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.errors import ImageError
from era_kernel.images.cache import cache_folder, making, making_error


def make(target: Path, log: Path) -> None:
    """Make the file if nobody has, slowly; append a line for each making."""
    with making(target) as place:
        if place is not None:
            with log.open("a") as file:
                file.write("made\n")
            time.sleep(0.3)
            place.write_text("whole")


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    target, log = tmp_path / "file", tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    makers = [context.Process(target=make, args=(target, log)) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(30)
        assert maker.exitcode == 0
    assert target.read_text() == "whole"
    assert log.read_text() == "made\n"


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), making(tmp_path / "file") as place:
        assert place is not None
        place.write_text("half")
        raise ValueError("no")
    assert [path.name for path in tmp_path.iterdir() if "lock" not in path.name] == []


def test_what_a_killed_maker_left_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "file"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom era_kernel.images.cache import making\n"
        "with making(Path(sys.argv[1])) as place:\n    place.write_text('half'); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        maker.stdout.readline()
        os.kill(maker.pid, signal.SIGKILL)
    assert not target.exists()
    with making(target) as place:
        assert place is not None
        place.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir() if "lock" not in path.name) == ["file"]


def mend(target: Path, log: Path) -> None:
    """Make a file again that does not say "whole"; append a line for each making."""
    with making(target, lambda path: path.exists() and path.read_text() == "whole") as place:
        if place is not None:
            with log.open("a") as file:
                file.write("mended\n")
            time.sleep(0.3)
            place.write_text("whole")


def test_two_processes_mend_what_is_damaged_once(tmp_path: Path) -> None:
    target, log = tmp_path / "file", tmp_path / "log"
    target.write_text("half")
    context = multiprocessing.get_context("spawn")
    menders = [context.Process(target=mend, args=(target, log)) for _ in range(3)]
    for mender in menders:
        mender.start()
    for mender in menders:
        mender.join(30)
        assert mender.exitcode == 0
    assert target.read_text() == "whole"
    assert log.read_text() == "mended\n"


def test_a_damaged_one_stays_when_it_cannot_be_made_again(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("half")
    with pytest.raises(ValueError, match="no"), making(target, lambda _: False):
        raise ValueError("no")
    assert target.read_text() == "half"


@pytest.mark.parametrize("inside", [True, False])
def test_the_error_names_the_folder_that_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path if inside else tmp_path / "cache"))
    error = making_error(tmp_path / "file", OSError(errno.ENOSPC, "full"))
    assert ("ERA_CACHE_DIR" if inside else "AGENT_STATE_DIR") in str(error)


def test_a_folder_is_readable_by_a_jailed_vmm(tmp_path: Path) -> None:
    with making(tmp_path / "folder") as place:
        assert place is not None
        place.mkdir()
        (place / "file").write_text("x")
        (place / "file").chmod(0o600)
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "folder/file").stat().st_mode & 0o777 == 0o644


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=False, timeout=10)
    if mounted.returncode:
        pytest.skip("needs root to mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=10)


def test_a_full_disk_is_told_with_a_figure_and_leaves_nothing(small_disk: Path) -> None:
    with (
        pytest.raises(ImageError, match=r"There is no room for .*: \d+ MiB are free"),
        making(small_disk / "f") as place,
    ):
        assert place is not None
        place.write_bytes(bytes(1 << 20))
    assert [path for path in small_disk.iterdir() if "lock" not in path.name] == []


def test_a_cache_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ImageError, match="Set ERA_CACHE_DIR"):
        cache_folder("images")
