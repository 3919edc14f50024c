"""The guest's kernel: unpacked from any compression, modules in an order that loads, a damaged cache mended."""

from __future__ import annotations

import gzip
import lzma
import os
import struct
import subprocess
from pathlib import Path

import pytest

from era_kernel.errors import ImageError
from era_kernel.images import bzimage, guest_kernel
from tests.unit.images.test_bzimage import image

KERNEL = os.urandom(2000) + bytes(5000)
SIZE = struct.pack("<I", len(KERNEL))


def piped(*command: str) -> bytes:
    return subprocess.run(command, input=KERNEL, stdout=subprocess.PIPE, check=True, timeout=10).stdout


def packed(compression: str) -> bytes:
    """As the kernel's build packs: all but gzip are followed by the unpacked size."""
    match compression:
        case "gzip":
            return gzip.compress(KERNEL)
        case "xz":
            return lzma.compress(KERNEL, check=lzma.CHECK_CRC32) + SIZE
        case "lz4":
            return piped("lz4", "-l", "-c") + SIZE
        case _:
            return piped("zstd", "-q", "-c") + SIZE


def in_image(data: bytes) -> bytes:
    """A bzImage whose payload is just these bytes."""
    whole = bytearray(image(data[:-4]))
    whole[-4:] = data[-4:]
    return bytes(whole)


@pytest.mark.parametrize("compression", ["gzip", "xz", "lz4", "zstd"])
def test_a_kernel_comes_out_as_it_went_in(compression: str) -> None:
    found, data = bzimage.payload(in_image(packed(compression)))
    assert found == compression
    assert guest_kernel.decompress(found, data) == KERNEL


@pytest.mark.parametrize("compression", ["gzip", "xz", "lz4", "zstd"])
def test_damaged_data_is_told(compression: str) -> None:
    with pytest.raises(ImageError, match="damaged"):
        guest_kernel.decompress(compression, packed(compression)[:1000])


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (b"depends=", []),
        (b"depends=netfs", ["netfs"]),
        (b"depends=virtio-ring,libcrc32c", ["virtio_ring", "libcrc32c"]),
        (b"license=GPL", []),
    ],
)
def test_a_module_names_what_it_depends_on(field: bytes, names: list[str]) -> None:
    assert guest_kernel.depends(b"\x7fELF\0name=x\0" + field + b"\0retpoline=Y\0") == names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestFetched:
    """With the package that apt gives here."""

    @pytest.fixture
    def kernel(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> guest_kernel.GuestKernel:
        monkeypatch.setenv("ERA_CACHE_DIR", str(folder))
        return guest_kernel.guest_kernel(print)

    def test_it_can_be_entered_directly(self, kernel: guest_kernel.GuestKernel) -> None:
        bzimage.check_elf(kernel.vmlinux.read_bytes())

    def test_each_module_comes_after_what_it_depends_on(self, kernel: guest_kernel.GuestKernel) -> None:
        loaded: set[str] = set()
        for module in kernel.modules:
            data = module.path.read_bytes()
            assert data.startswith(b"\x7fELF")
            assert kernel.version.encode() in data
            assert set(guest_kernel.depends(data)) & {each.name for each in kernel.modules} <= loaded
            loaded.add(module.name)

    def test_it_is_fetched_once(self, kernel: guest_kernel.GuestKernel) -> None:
        lines: list[str] = []
        assert guest_kernel.guest_kernel(lines.append) == kernel
        assert lines == []

    def test_a_damaged_one_is_made_again(self, kernel: guest_kernel.GuestKernel) -> None:
        size = kernel.vmlinux.stat().st_size
        os.truncate(kernel.vmlinux, size // 2)
        lines: list[str] = []
        assert guest_kernel.guest_kernel(lines.append) == kernel
        assert "damaged" in lines[0]
        assert kernel.vmlinux.stat().st_size == size
