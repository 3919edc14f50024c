"""The guest's kernel: the distribution's own for virtual machines, downloaded as a package, unpacked, not installed."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from era_kernel import process
from era_kernel.errors import ImageError, ToolFailedError
from era_kernel.images import bzimage
from era_kernel.images.cache import cache_folder, making
from era_kernel.progress import Report, Stage, Step

DOWNLOAD = 900.0
UNPACK = 300.0
_AGAIN = "Run `apt-get update`, then try again."
META_PACKAGES = ("linux-image-cloud-amd64", "linux-image-virtual")
"""Debian's and Ubuntu's names for "the newest kernel for virtual machines"."""

MODULES = ("virtio_mmio", "virtio_blk", "virtio_console", "virtio_net", "erofs", "overlay")
"""What a guest needs, in the order of loading; each with what it depends on before it, and left out if built in."""


@dataclass(frozen=True)
class ModuleFile:
    """A kernel module, uncompressed."""

    name: str
    path: Path


@dataclass(frozen=True)
class GuestKernel:
    """An uncompressed kernel, its modules in load order, its version as `uname -r` gives it."""

    vmlinux: Path
    modules: tuple[ModuleFile, ...]
    version: str


class _Manifest(msgspec.Struct, frozen=True):
    """What a cached kernel consists of: sizes in bytes and sha256 by file name."""

    version: str
    modules: list[str]
    sizes: dict[str, int]
    digests: dict[str, str]


def guest_kernel(report: Report) -> GuestKernel:
    """The cached kernel, fetched and unpacked at first use, again when its files are not as made.

    Raises ImageError, ToolError.
    """
    folder = cache_folder("kernel") / "guest"
    kernel = _load(folder)
    if kernel is not None:
        return kernel
    with making(folder, lambda folder: _load(folder) is not None) as place:
        if place is not None:
            if folder.exists():
                report("the guest kernel in the cache is damaged and is made again")
            report(Step(Stage.KERNEL, "fetching and unpacking the guest kernel"))
            place.mkdir()
            _make(place)
    kernel = _load(folder)
    if kernel is None:
        raise ImageError(f"The guest kernel in {folder} is not as it was made", "Check the disk.")
    return kernel


def _load(folder: Path) -> GuestKernel | None:
    """The kernel in a folder; None unless every file has the size that it was made with."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Manifest)
        if any((folder / name).stat().st_size != size for name, size in manifest.sizes.items()):
            return None
    except (OSError, msgspec.DecodeError):
        return None
    modules = tuple(ModuleFile(name, folder / f"{name}.ko") for name in manifest.modules)
    return GuestKernel(folder / "vmlinux", modules, manifest.version)


def _make(folder: Path) -> None:
    """Fill an empty folder with vmlinux, modules and manifest."""
    tree = folder / "tree"
    for package in _packages():
        _download(package, folder)
    for archive in folder.glob("*.deb"):
        process.run(["dpkg-deb", "-x", archive, tree], timeout=UNPACK)
        archive.unlink()
    version = _only(tree.glob("boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
    _unpack_kernel(tree / f"boot/vmlinuz-{version}", folder)
    modules = _unpack_modules(tree, version, folder)
    shutil.rmtree(tree)
    files = sorted(folder.iterdir())
    manifest = _Manifest(
        version,
        modules,
        {file.name: file.stat().st_size for file in files},
        {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def _packages() -> list[str]:
    """The packages that hold the newest kernel: what a meta package depends on, and its modules' own."""
    for meta in META_PACKAGES:
        images = [name for name in _depends(meta) if re.fullmatch(r"linux-image-[0-9].*", name)]
        if images:
            modules = [name for name in _depends(images[0]) if name.startswith("linux-modules-")]
            return [images[0], *modules]
    raise ImageError("apt knows no kernel package for virtual machines", _AGAIN)


def _depends(package: str) -> list[str]:
    """What the newest version of a package depends on; apt shows the newest first."""
    try:
        text = process.run(["apt-cache", "show", package], timeout=UNPACK).stdout
    except ToolFailedError:
        return []
    match = re.search(r"^Depends: (.*)$", text, re.MULTILINE)
    return re.findall(r"(?:^|[,|] *)([a-z0-9][a-z0-9.+-]+)", match[1]) if match else []


def _download(package: str, folder: Path) -> None:
    folder.chmod(0o755)  # apt's own user writes here when we are root
    try:
        process.run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], cwd=folder, timeout=DOWNLOAD
        )
    except ToolFailedError as error:
        raise ImageError(
            f"The guest kernel's package {package} cannot be downloaded: {error.message}",
            "Run `apt-get update`, check the network, then try again.",
        ) from error


def _only(paths: object) -> Path:
    found = [path for path in paths if isinstance(path, Path)]  # type: ignore[attr-defined]
    if len(found) != 1:
        raise ImageError(f"The guest kernel's package holds {len(found)} kernels instead of one")
    return found[0]


def _unpack_kernel(image: Path, folder: Path) -> None:
    compression, data = bzimage.payload(image.read_bytes())
    kernel = decompress(compression, data)
    bzimage.check_elf(kernel)
    (folder / "vmlinux").write_bytes(kernel)


def decompress(compression: str, data: bytes) -> bytes:
    """Unpack a kernel or a module. Legacy LZ4 and zstd by their programs, which Python has no module for.

    Raises ImageError for damaged data, ToolMissingError.
    """
    try:
        if compression == "gzip":
            return gzip.decompress(data)
        if compression == "xz":
            return lzma.decompress(data)
        return process.run_bytes([compression, "-d", "-c"], data, timeout=UNPACK)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, ToolFailedError) as error:
        raise ImageError(f"The guest kernel's package is damaged ({compression}: {error})", _AGAIN) from error


def _unpack_modules(tree: Path, version: str, folder: Path) -> list[str]:
    """Copy the modules that are needed; their names in load order."""
    libraries = [each for each in (tree / "lib/modules" / version, tree / "usr/lib/modules" / version) if each.is_dir()]
    files = {
        path.name.partition(".ko")[0].replace("-", "_"): path for each in libraries for path in each.rglob("*.ko*")
    }
    builtin = {
        Path(line).stem.replace("-", "_")
        for each in libraries
        for line in (each / "modules.builtin").read_text().splitlines()
    }
    taken: dict[str, bytes] = {}

    def take(name: str) -> None:
        if name in taken or name in builtin:
            return
        if name not in files:
            raise ImageError(f"The kernel {version} has no module {name}", "Use Debian's cloud kernel.")
        module = _module(files[name])
        for needed in depends(module):
            take(needed)
        taken[name] = module

    for name in MODULES:
        take(name)
    for name, module in taken.items():
        (folder / f"{name}.ko").write_bytes(module)
    return list(taken)


def depends(module: bytes) -> list[str]:
    """The modules that must be loaded before a module, by what modpost wrote into its .modinfo section."""
    match = re.search(rb"\0depends=([a-zA-Z0-9_,-]*)\0", module)
    return [name.replace("-", "_") for name in match[1].decode().split(",") if name] if match else []


def _module(path: Path) -> bytes:
    data = path.read_bytes()
    compression = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}.get(path.suffix)
    return decompress(compression, data) if compression else data
