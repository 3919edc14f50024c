"""The initramfs: the agent as /init, the kernel's modules, the drivers; made anew when any of them changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import era_kernel.guest
from era_kernel.errors import ImageError
from era_kernel.images import cpio
from era_kernel.images.cache import cache_folder, making
from era_kernel.images.guest_kernel import GuestKernel
from era_kernel.progress import Report, Stage, Step

GUEST = Path(era_kernel.guest.__file__).parent
KEPT = 4
"""How many initramfs files of other versions stay in the cache: a VM that is starting may use one."""


def agent_binary() -> Path:
    """The agent for this machine's processor; ImageError tells how to build it."""
    path = GUEST / "bin" / f"era-agent-{platform.machine()}"
    if not path.is_file():
        raise ImageError(
            f"The guest's agent {path.name} is not built", f"`{sys.executable} -m era_kernel.guest.build` builds it."
        )
    return path


def initramfs(kernel: GuestKernel, report: Report) -> Path:
    """The initramfs for this kernel, agent and drivers, by the hash of all that it holds. Raises ImageError."""
    data = cpio.archive(contents(kernel))
    name = f"{hashlib.sha256(data).hexdigest()[:32]}.cpio"
    target = cache_folder("initramfs") / name
    if not _is_there(target):
        with making(target) as place:
            if place is not None:
                report(Step(Stage.INITRAMFS, "making the initramfs"))
                place.write_bytes(data)
        _forget_old(target)
    return target


def contents(kernel: GuestKernel) -> Iterator[cpio.Entry]:
    """The archive's entries, each folder before what is in it (the kernel makes no parents)."""
    yield cpio.folder("dev")
    yield cpio.Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    yield cpio.file("init", agent_binary().read_bytes(), 0o755)
    yield cpio.folder("era")
    yield cpio.folder("era/modules")
    modules = "".join(f"{module.path.name}\n" for module in kernel.modules)
    yield cpio.file("era/modules.list", modules.encode())
    for module in kernel.modules:
        yield cpio.file(f"era/modules/{module.path.name}", module.path.read_bytes())
    yield cpio.folder("era/share")
    yield from _drivers(GUEST / "drivers", "era/share/drivers")


def _drivers(source: Path, name: str) -> Iterator[cpio.Entry]:
    yield cpio.folder(name)
    for path in sorted(source.iterdir()):
        if path.name.startswith((".", "__pycache__")):
            continue
        if path.is_dir():
            yield from _drivers(path, f"{name}/{path.name}")
        else:
            yield cpio.file(f"{name}/{path.name}", path.read_bytes())


def _is_there(path: Path) -> bool:
    """Whether it is, its time then being that of its last use: another version of era_kernel on this machine may need
    it still when others are forgotten.
    """
    with contextlib.suppress(OSError):
        os.utime(path)
    return path.exists()


def _forget_old(newest: Path) -> None:
    ages: list[tuple[int, Path]] = []
    for path in newest.parent.glob("*.cpio"):
        with contextlib.suppress(FileNotFoundError):  # another process forgets too
            ages.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(each for each in ages if each[1] != newest)[:-KEPT]:
        path.unlink(missing_ok=True)
