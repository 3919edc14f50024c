"""Disks over a template's: every VM's finds its base, and a base that a VM needs is never dropped."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import ImageError, ToolFailedError
from era_kernel.images.disk import make_sparse
from era_kernel.images.overlay import drop_unused_bases, make_overlay, place_overlay
from era_kernel.launchers.qcow2 import backing_file
from era_kernel.paths import StatePaths, VmPaths

SIZE = 1 << 30
BASE = "template-a.raw"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    make_sparse(folder / "disk.raw", SIZE)
    make_overlay(folder / "overlay.qcow2", folder / "disk.raw", BASE)
    return folder


def vm(state: StatePaths, name: str, template: Path, base: str = BASE) -> VmPaths:
    paths = state.vm(name)
    paths.folder.mkdir(parents=True)
    place_overlay(template / "overlay.qcow2", template / "disk.raw", paths.disk, paths.bases, base)
    return paths


@pytest.fixture
def state(tmp_path: Path) -> StatePaths:
    return StatePaths(tmp_path / "state")


def test_a_vm_s_disk_finds_its_base_in_its_own_state_folder(state: StatePaths, template: Path) -> None:
    paths = vm(state, "python-00000001", template)
    assert backing_file(paths.disk, paths.bases) == (paths.bases / BASE).resolve()
    assert (paths.bases / BASE).samefile(template / "disk.raw"), "not a copy, where the folders share a file system"


def test_a_full_disk_is_told_as_such_and_left_as_it_was(
    state: StatePaths, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base is copied where the folders are on different file systems."""

    def elsewhere(*paths: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def full(command: list[str], timeout: float) -> None:
        Path(command[-1]).write_bytes(b"some of it")
        raise ToolFailedError("cp failed with status 1", "", 1, f"cp: error writing: {os.strerror(errno.ENOSPC)}")

    monkeypatch.setattr(os, "link", elsewhere)
    monkeypatch.setattr(process, "run", full)
    with pytest.raises(ImageError, match="There is no room"):
        vm(state, "python-00000001", template)
    assert [each.name for each in state.disks.iterdir()] == [".lock"]


def test_a_base_stays_as_long_as_a_vm_needs_it(state: StatePaths, template: Path) -> None:
    first, second = vm(state, "python-00000001", template), vm(state, "python-00000002", template)
    (state.disks / "template-unused.raw").touch()
    (state.disks / "ext4-16g").mkdir()
    drop_unused_bases(state.disks, [first.disk, second.disk])
    assert {each.name for each in state.disks.glob("[!.]*")} == {BASE, "ext4-16g"}
    drop_unused_bases(state.disks, [second.disk])
    assert (state.disks / BASE).exists()
    drop_unused_bases(state.disks, [state.vm("python-00000003").disk])
    assert not (state.disks / BASE).exists()


def test_a_base_that_was_dropped_comes_back_with_the_next_vm(state: StatePaths, template: Path) -> None:
    vm(state, "python-00000001", template)
    drop_unused_bases(state.disks, [])
    paths = vm(state, "python-00000002", template)
    assert backing_file(paths.disk, paths.bases).exists()


def test_a_template_that_vanished_meanwhile_is_an_image_error(state: StatePaths, template: Path) -> None:
    (template / "overlay.qcow2").unlink()
    with pytest.raises(ImageError):
        vm(state, "python-00000001", template)
    assert not state.vm("python-00000001").disk.exists()
