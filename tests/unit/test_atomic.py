"""A file is replaced whole or stays as it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from era_kernel.atomic import write_atomic


def test_the_new_content_replaces_the_old_one_privately(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a longer old content")
    path.chmod(0o644)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    (folder / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="file"):
        write_atomic(folder, b"new")
    assert (folder / "inner").is_dir()
    assert list(tmp_path.iterdir()) == [folder]


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / ".file.new").write_bytes(b"half of a much longer content")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_that_waits_at_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / ".file.new").symlink_to(victim)
    with pytest.raises(OSError, match="file"):
        write_atomic(tmp_path / "file", b"new")
    assert victim.read_bytes() == b"precious"
