"""The backing file of a qcow2: read from real disks, refused from hostile ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel import process
from era_kernel.errors import ImageError
from era_kernel.launchers.qcow2 import backing_file


def make(disk: Path, backing: Path) -> Path:
    process.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, disk], timeout=30)
    return disk


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "base").write_bytes(bytes(1 << 20))
    return folder


def test_the_backing_file_of_a_real_disk(tmp_path: Path, cache: Path) -> None:
    assert backing_file(make(tmp_path / "disk", cache / "base"), cache) == (cache / "base").resolve()


def test_one_elsewhere_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    disk = make(tmp_path / "disk", tmp_path / "secret")
    with pytest.raises(ImageError, match="outside"):
        backing_file(disk, cache)


def test_one_reached_by_a_link_or_by_dots_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    (cache / "link").symlink_to(tmp_path / "secret")
    for name in (cache / "link", cache / ".." / "secret"):
        with pytest.raises(ImageError, match="outside"):
            backing_file(make(tmp_path / "disk", name), cache)


def test_one_that_is_gone_is_told(tmp_path: Path, cache: Path) -> None:
    disk = make(tmp_path / "disk", cache / "base")
    (cache / "base").unlink()
    with pytest.raises(ImageError, match="gone"):
        backing_file(disk, cache)


def test_a_folder_is_none(tmp_path: Path, cache: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(struct.pack(">4sIQI", b"QFI\xfb", 3, 20, len(str(cache))) + str(cache).encode())
    with pytest.raises(ImageError):
        backing_file(disk, cache)


def test_a_disk_without_backing_and_a_missing_one_are_refused(tmp_path: Path, cache: Path) -> None:
    disk = tmp_path / "disk"
    process.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1M"], timeout=30)
    for path in (disk, tmp_path / "missing", cache / "base"):
        with pytest.raises(ImageError):
            backing_file(path, cache)


@given(header=st.binary(max_size=64), valid=st.booleans())
def test_any_bytes_are_an_error_and_nothing_worse(
    tmp_path_factory: pytest.TempPathFactory, header: bytes, valid: bool
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    disk = folder / "disk"
    disk.write_bytes((b"QFI\xfb" if valid else b"") + header)
    with pytest.raises(ImageError):
        backing_file(disk, folder / "cache")
