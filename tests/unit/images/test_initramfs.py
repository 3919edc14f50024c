"""The initramfs: one file per content; those of other versions are kept for a while, then forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from era_kernel.images.guest_kernel import GuestKernel, ModuleFile
from era_kernel.images.initramfs import KEPT, initramfs


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuestKernel:
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "cache"))
    module = tmp_path / "virtio.ko"
    module.write_bytes(b"module")
    return GuestKernel(tmp_path / "vmlinux", (ModuleFile("virtio", module),), "6.1")


def test_it_is_made_once_for_one_content_and_anew_for_another(kernel: GuestKernel) -> None:
    lines: list[str] = []
    first = initramfs(kernel, lines.append)
    assert initramfs(kernel, lines.append) == first
    assert lines == ["making the initramfs"]
    kernel.modules[0].path.write_bytes(b"another")
    second = initramfs(kernel, lines.append)
    assert second != first
    assert b"another" in second.read_bytes()
    assert first.exists(), "a VM that is starting may use it"


def test_the_oldest_go(kernel: GuestKernel) -> None:
    made: list[Path] = []
    for number in range(KEPT + 3):
        kernel.modules[0].path.write_bytes(bytes([number]))
        made.append(initramfs(kernel, print))
        os.utime(made[-1], (number, number))
    assert [path.exists() for path in made] == [False] * 2 + [True] * (KEPT + 1)


def test_one_in_use_stays_however_long_ago_it_was_made(kernel: GuestKernel) -> None:
    """Another version of era_kernel may share the cache."""
    lines: list[str] = []
    kernel.modules[0].path.write_bytes(b"used")
    used = initramfs(kernel, lines.append)
    for number in range(KEPT + 3):
        kernel.modules[0].path.write_bytes(bytes([number]))
        os.utime(initramfs(kernel, print), (number + 1, number + 1))
        os.utime(used, (0, 0))
        kernel.modules[0].path.write_bytes(b"used")
        assert initramfs(kernel, lines.append) == used
    assert lines == ["making the initramfs"], "it was made once"
