"""VMs' disks as overlays on a template's: an empty qcow2, copied, over a base that state folder and cache share.

The base is kept in the state folder, where every VM's disk finds it by the same relative name: a template that goes
from the cache takes no VM's files with it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from era_kernel.errors import ImageError
from era_kernel.images.cache import making_error
from era_kernel.images.disk import run_tool

LOCK_TIMEOUT = 60.0
PREFIX = "template-"
_BASES_FROM_VM = Path("../../disks")
_HEAD = 1 << 16
"""Bytes: the first cluster, which holds the backing file's name."""


def make_overlay(target: Path, base: Path, base_name: str) -> None:
    """An empty qcow2 over `base`, for copies in VMs' folders: they find it in the folder of bases as `base_name`."""
    size = str(base.stat().st_size)
    backing = str(_BASES_FROM_VM / base_name)
    run_tool(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", backing, str(target), size], target)


def place_overlay(overlay: Path, base: Path, target: Path, bases: Path, base_name: str) -> None:
    """Give a VM a copy of an overlay as its disk, and the folder of bases the overlay's base. ImageError.

    The disk comes first: a base that a disk names is not dropped (drop_unused_bases).
    """
    new = target.with_name(f".{target.name}.new")
    try:
        try:
            shutil.copyfile(overlay, new)
            new.rename(target)
        finally:
            new.unlink(missing_ok=True)
        bases.mkdir(mode=0o700, exist_ok=True)
        with FileLock(bases / ".lock", timeout=LOCK_TIMEOUT):
            if not (bases / base_name).exists():
                _link_or_copy(base, bases / base_name)
    except OSError as error:
        raise making_error(target, error) from error
    except Timeout as error:
        raise ImageError(f"{bases} is locked by another process") from error


def _link_or_copy(base: Path, target: Path) -> None:
    try:
        os.link(base, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        new = target.with_name(f".{target.name}.new")
        try:
            run_tool(["cp", "--sparse=always", "--reflink=auto", str(base), str(new)], target)
            new.rename(target)
        finally:
            new.unlink(missing_ok=True)


def drop_unused_bases(bases: Path, disks: Iterable[Path]) -> None:
    """Remove templates' disks that none of the VMs' `disks` is an overlay on any more. Raises OSError, Timeout.

    A disk's header is looked through for names, wherever in it they are: one more that is kept does no harm.
    """
    with FileLock(bases / ".lock", timeout=LOCK_TIMEOUT):
        headers = [_head(disk) for disk in disks]
        for base in bases.glob(f"{PREFIX}*"):
            if not any(base.name.encode() in header for header in headers):
                base.unlink()


def _head(disk: Path) -> bytes:
    try:
        with disk.open("rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError:
        return b""
