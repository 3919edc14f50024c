"""The initramfs archive, read back by another reader than ours."""

from __future__ import annotations

import stat
from pathlib import Path

from era_kernel.images import cpio


def read_back(data: bytes) -> dict[str, tuple[int, bytes, tuple[int, int]]]:
    """name → (mode, content, device), by the format's description."""
    found: dict[str, tuple[int, bytes, tuple[int, int]]] = {}
    position = 0
    while True:
        assert data[position : position + 6] == b"070701"
        fields = [int(data[position + 6 + 8 * n : position + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        start = position + 110
        name = data[start : start + name_size - 1].decode()
        body = (start + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, data[body : body + size], (fields[9], fields[10]))
        position = (body + size + 3) & ~3


def test_entries_come_back_as_they_went_in() -> None:
    entries = [
        cpio.folder("a"),
        cpio.file("a/b", b"12345", 0o755),
        cpio.file("empty", b""),
        cpio.Entry("dev", stat.S_IFCHR | 0o600, device=(5, 1)),
    ]
    assert read_back(cpio.archive(entries)) == {
        "a": (stat.S_IFDIR | 0o755, b"", (0, 0)),
        "a/b": (stat.S_IFREG | 0o755, b"12345", (0, 0)),
        "empty": (stat.S_IFREG | 0o644, b"", (0, 0)),
        "dev": (stat.S_IFCHR | 0o600, b"", (5, 1)),
    }


def test_equal_entries_give_equal_bytes() -> None:
    assert cpio.archive([cpio.file("x", b"y")]) == cpio.archive([cpio.file("x", b"y")])


def test_the_drivers_folder_is_in_the_initramfs_without_byte_code(tmp_path: Path) -> None:
    from era_kernel.images.guest_kernel import GuestKernel, ModuleFile
    from era_kernel.images.initramfs import contents

    module = tmp_path / "virtio.ko"
    module.write_bytes(b"module")
    names = [entry.name for entry in contents(GuestKernel(tmp_path, (ModuleFile("virtio", module),), "6.1"))]
    assert "era/share/drivers/python/driver.py" in names
    assert "era/modules/virtio.ko" in names
    assert not any("__pycache__" in name for name in names)
    for name in names:
        parent = name.rpartition("/")[0]
        assert not parent or parent in names[: names.index(name)], f"{name} comes before its folder"
