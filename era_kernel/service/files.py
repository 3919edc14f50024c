"""Files into a guest's /in and out of its /out, through the agent: with every launcher, with guest volumes or none.

The guest chooses no name on the host: what it calls its files are labels. Nothing of an archive that a guest made is
unpacked here; /persist of a VM whose launcher has no place for it is kept as the archive that it came as.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec

from era_kernel.atomic import sync_folder, write_errors
from era_kernel.errors import StateFolderError, UsageError, VmStateError
from era_kernel.paths import VmPaths
from era_kernel.shim.client import GuestProcess, ShimClient

IN, OUT, PERSIST = "/in", "/out", "/persist"
CHUNK = 1 << 20
FILE_LIMIT = 1 << 30
PERSIST_LIMIT = 16 << 30
LISTING_LIMIT = 1 << 20
OUT_FILES = 1000
TRANSFER = 600.0
"""Seconds for one file, or for all of /persist."""


class GuestFile(msgspec.Struct, frozen=True):
    """A regular file below a guest's folder. `label` is what the guest calls it: text to show, never a path to open."""

    label: str
    size: int


async def put_file(paths: VmPaths, source: Path) -> str:
    """Copy a host file into the VM's /in; its path there. Raises UsageError for what is no file, VmLostError.

    It appears whole or not at all.
    """
    with _regular(source) as file:
        target = f"{IN}/{source.name}"
        draft = f"{IN}/.era-{os.urandom(8).hex()}"
        script = f'cat > {draft} && mv -f -- {draft} "$1" || {{ rm -f {draft}; exit 1; }}'
        async with _process(paths, ["/bin/sh", "-c", script, "sh", target], _nowhere) as process:
            await _feed(process, file)
            await _must_end_well(process, f"{source.name} could not be written to {IN}")
    return target


async def list_files(paths: VmPaths) -> list[GuestFile]:
    """The regular files below the VM's /out. Raises VmStateError for a listing that nobody could mean, VmLostError."""
    listing = bytearray()

    def take(fd: int, data: bytes) -> None:
        if fd == 1 and len(listing) <= LISTING_LIMIT:
            listing.extend(data)

    script = f"cd {shlex.quote(OUT)} && find . -xdev -type f -exec stat -c '%s %n' -- {{}} + | tr '\\n' '\\0'"
    async with _process(paths, ["/bin/sh", "-c", script], take) as process:
        process.close_fd(0)
        await _must_end_well(process, f"{OUT} cannot be listed")
    if len(listing) > LISTING_LIMIT:
        raise VmStateError(f"{OUT} holds more files than can be listed", "Pack them into one.")
    found: list[GuestFile] = []
    for entry in listing.decode(errors="replace").split("\0"):
        size, separator, name = entry.partition(" ")
        if separator and size.isascii() and size.isdigit() and len(size) < 20:
            found.append(GuestFile(name.removeprefix("./"), int(size)))
    return found


async def fetch_file(paths: VmPaths, guest_path: str, target: Path, limit: int = FILE_LIMIT) -> int:
    """Copy a guest file to `target`, whose name the host chose; its size in bytes. Raises VmStateError, VmLostError."""
    return await _fetch(paths, ["cat", "--", guest_path], target, limit, f"{guest_path} cannot be read")


async def collect_out(paths: VmPaths, folder: Path) -> dict[str, Path]:
    """Copy the files of the VM's /out into `folder` as 0001, 0002, …: by label, where each is now."""
    files = await list_files(paths)
    if len(files) > OUT_FILES:
        raise VmStateError(f"{OUT} holds {len(files)} files, more than {OUT_FILES}", "Pack them into one.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    collected: dict[str, Path] = {}
    for number, file in enumerate(files, 1):
        target = folder / f"{number:04d}"
        await fetch_file(paths, f"{OUT}/{file.label}", target)
        collected[file.label] = target
    return collected


def persist_archive(paths: VmPaths) -> Path:
    return paths.persist / "persist.tar"


async def save_persist(paths: VmPaths) -> None:
    """Keep a VM's /persist as an archive; when that fails, the last one stays.

    Raises VmStateError, VmLostError, StateFolderError.
    """
    command = ["tar", "-C", PERSIST, "-cf", "-", "."]
    await _fetch(paths, command, persist_archive(paths), PERSIST_LIMIT, f"{PERSIST} could not be saved")


async def load_persist(paths: VmPaths) -> bool:
    """Fill a VM's /persist from the archive that was kept; False when there is none."""
    archive = persist_archive(paths)
    if not archive.exists():
        return False
    with _regular(archive) as file:
        async with _process(paths, ["tar", "-C", PERSIST, "-xpf", "-"], _nowhere) as process:
            await _feed(process, file)
            await _must_end_well(process, f"{PERSIST} could not be filled")
    return True


async def _fetch(paths: VmPaths, command: list[str], target: Path, limit: int, failure: str) -> int:
    draft = target.with_name(f".{target.name}.new")
    size = 0
    too_much = False
    with write_errors(target, StateFolderError):
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:

                def take(source: int, data: bytes) -> None:
                    nonlocal size, too_much
                    if source == 1:
                        size += len(data)
                        too_much = too_much or size > limit
                        if not too_much:
                            file.write(data)

                async with _process(paths, command, take) as process:
                    process.close_fd(0)
                    await _must_end_well(process, failure)
                if too_much:
                    raise VmStateError(f"{failure}: it is larger than {limit >> 20} MiB")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(target.parent)
    return size


@contextlib.asynccontextmanager
async def _process(
    paths: VmPaths, command: list[str], sink: Callable[[int, bytes], None]
) -> AsyncIterator[GuestProcess]:
    """A process in the guest; the connection's end ends it."""
    client = await ShimClient.connect(paths)
    try:
        async with asyncio.timeout(TRANSFER):
            yield await client.spawn(command, sink)
    except TimeoutError as error:
        raise VmStateError(f"{paths.folder.name} took more than {TRANSFER:.0f} s for a file") from error
    finally:
        await client.close()


async def _feed(process: GuestProcess, file: int) -> None:
    while data := os.read(file, CHUNK):
        await process.write(0, data)
    process.close_fd(0)


async def _must_end_well(process: GuestProcess, failure: str) -> None:
    if (ended := await process.wait()).status != 0:
        raise VmStateError(f"{failure} (status {ended.status})", "Is there room, and are tar and a shell in the image?")


def _nowhere(fd: int, data: bytes) -> None:
    """What a transfer's helper prints is of no use."""


@contextlib.contextmanager
def _regular(source: Path) -> Iterator[int]:
    """An fd of a regular file; UsageError for anything else."""
    try:
        fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UsageError(f"{source} is no regular file", "Pack a folder into one file.")
        yield fd
    finally:
        os.close(fd)
