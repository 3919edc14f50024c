"""`python -m tests.fakes.krun.guest`: make the kernel and initramfs of the fake's guests, once.

Kept beside the fake, so that a jail that shows the fake's folder shows them too.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from era_kernel.images import cpio

HERE = Path(__file__).parent
FOLDER = HERE / ".guest"
KERNEL = FOLDER / "vmlinux"
INITRAMFS = FOLDER / "initramfs.cpio"
_STAMP = FOLDER / "made-of"
_AGENT_PARTS = ("cmdline.c", "files.c", "log.c", "modules.c", "net.c")
_MODULES = ("fuse", "virtiofs")


def is_made() -> bool:
    return KERNEL.exists() and INITRAMFS.exists()


def make() -> None:
    """Make what is missing, or made of older sources."""
    import filelock

    with filelock.FileLock(HERE / ".guest.lock", timeout=600):
        if is_made() and _STAMP.exists() and _STAMP.read_text() == _sources_hash():
            return
        _make()


def _sources() -> list[Path]:
    from era_kernel.guest.build import SOURCES

    return [HERE / "init.c", *(SOURCES / name for name in _AGENT_PARTS)]


def _sources_hash() -> str:
    from era_kernel.images.guest_kernel import guest_kernel

    digest = hashlib.sha256(guest_kernel(print).version.encode())
    for path in [*_sources(), Path(__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _make() -> None:
    from era_kernel.guest.build import SOURCES, compile_command, find_compiler
    from era_kernel.images import cpio
    from era_kernel.images.guest_kernel import guest_kernel

    kernel = guest_kernel(print)
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".guest-") as work:
        made = Path(work)
        made.chmod(0o755)
        command = compile_command(find_compiler(), _sources(), made / "init")
        subprocess.run([*command[:1], f"-I{SOURCES}", *command[1:]], check=True, timeout=300)
        modules = {module.name: module.path.read_bytes() for module in kernel.modules}
        modules |= _more_modules(kernel.version, made)
        data = cpio.archive(_entries(modules, (made / "init").read_bytes()))
        (made / INITRAMFS.name).write_bytes(data)
        shutil.copyfile(kernel.vmlinux, made / KERNEL.name)
        (made / _STAMP.name).write_text(_sources_hash())
        shutil.rmtree(made / "tree")
        shutil.copytree(made, FOLDER)


def _more_modules(version: str, folder: Path) -> dict[str, bytes]:
    """The modules of virtio-fs, out of the same package as the kernel."""
    from era_kernel.images.guest_kernel import decompress

    names = [f"linux-image-{version}", f"linux-modules-{version}"]
    for name in names:
        subprocess.run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name], cwd=folder, timeout=900, check=False
        )
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "tree"], check=True, timeout=300)
        package.unlink()
    found: dict[str, bytes] = {}
    for name in _MODULES:
        for path in (folder / "tree").rglob(f"{name}.ko*"):
            packed = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}.get(path.suffix)
            found[name] = decompress(packed, path.read_bytes()) if packed else path.read_bytes()
    return found


def _entries(modules: dict[str, bytes], init: bytes) -> Iterator[cpio.Entry]:
    from era_kernel.images import cpio

    yield cpio.folder("dev")
    yield cpio.Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    yield cpio.file("init", init, 0o755)
    yield cpio.folder("krun")
    yield cpio.folder("krun/modules")
    yield cpio.file("krun/modules.list", "".join(f"{name}.ko\n" for name in modules).encode())
    for name, data in modules.items():
        yield cpio.file(f"krun/modules/{name}.ko", data)


if __name__ == "__main__":
    make()
    print(FOLDER)
