"""Disks for guests: an image's read-only EROFS, shared by all VMs, and a VM's own qcow2."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path

from era_kernel import process
from era_kernel.errors import ImageError, ToolFailedError
from era_kernel.images import erofs
from era_kernel.images.buildah import working_container
from era_kernel.images.cache import cache_folder, making, making_error, publish
from era_kernel.progress import Report, Stage, Step

FORMAT_TIMEOUT = 120.0
JOURNAL_MIB = 16
BYTES_PER_INODE = 65536
IMAGE_FORMAT = 2
"""Part of the name of an image's disk; raised when an image makes another one than before. 2: with files' times."""


def image_disk(reference: str, digest: str, report: Report) -> Path:
    """The EROFS of an image, made at first use. Raises ImageError, ToolError."""
    target = cache_folder("images") / f"{digest.replace(':', '-')}.v{IMAGE_FORMAT}.erofs"
    if target.exists():
        return target
    with making(target) as place:
        if place is not None:
            report(Step(Stage.DISK, f"making the disk of {reference}"))
            with working_container(digest, reference) as container:
                _make_erofs(container, place, reference)
    return target


def _make_erofs(container: str, place: Path, reference: str) -> None:
    try:
        process.run(erofs.command(container, place), timeout=erofs.MAKE + 2 * erofs.MOUNT)
    except ToolFailedError as error:
        _raise_if_full(error)
        raise ImageError(f"The disk of {reference} cannot be made: {error.message}") from error


def _raise_if_full(error: ToolFailedError) -> None:
    """OSError when a program ran out of disk: what it wrote is removed before somebody tells how much is free."""
    if os.strerror(errno.ENOSPC) in error.output:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def make_disk(target: Path, size_gib: int, bases: Path) -> None:
    """A disk of a VM's own: a qcow2 over an empty ext4 of `size_gib` that all VMs share. There already: nothing.

    Formatting takes longer than a boot should; the overlay is made in some 20 ms and holds only what the guest writes.
    The empty ext4 is kept in the folder `bases`, not in the cache: an overlay without just its own base is lost.
    """
    if target.exists():
        return
    base = _formatted(size_gib, bases)
    new = target.with_name(f".{target.name}.new")
    try:
        try:
            run_tool(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base), str(new)], target)
            publish(new, target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise making_error(target, error) from error


def run_tool(command: list[str], target: Path) -> None:
    """A program that makes a disk. Raises OSError for a full disk, else ImageError."""
    try:
        process.run(command, timeout=FORMAT_TIMEOUT)
    except ToolFailedError as error:
        _raise_if_full(error)
        raise ImageError(f"The disk {target} cannot be made: {error.message}") from error


def _formatted(size_gib: int, bases: Path) -> Path:
    """An empty ext4 in a sparse file. With a journal: a VM that is killed must not lose its files.

    No two of them are equal, so each has a name of its own: an overlay is never put on another base than its own.
    """
    bases.mkdir(mode=0o700, exist_ok=True)
    target = bases / f"ext4-{size_gib}g"
    if not target.exists():
        with making(target) as place:
            if place is not None:
                place.mkdir()
                format_disk(place / f"{uuid.uuid4()}.raw", size_gib)
    return next(target.glob("*.raw"))


def make_sparse(file: Path, size: int) -> None:
    """A file of `size` bytes, none of which is on the host's disk yet."""
    with file.open("xb") as made:
        os.truncate(made.fileno(), size)


def format_disk(file: Path, size_gib: int) -> None:
    """An empty ext4 in a sparse file, which must not be there. Raises OSError for a full disk, else ImageError."""
    make_sparse(file, size_gib << 30)
    run_tool(format_command(file), file)


def format_command(file: Path) -> list[str]:
    """mkfs.ext4 so that nothing is left for the guest to initialise, and little is written."""
    return [
        *("mkfs.ext4", "-q", "-F", "-m", "0", "-i", str(BYTES_PER_INODE), "-J", f"size={JOURNAL_MIB}"),
        *("-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", "-L", "era", str(file)),
    ]
