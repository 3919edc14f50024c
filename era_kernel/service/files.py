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
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

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


_PUT = """
target=$1 name=$2 draft=$3 mode=$4
[ ! -d "$target" ] || target="${target%/}/$name"
folder="$(dirname -- "$target")"
[ -d "$folder" ] || exit 65
draft="$folder/$draft"
cat > "$draft" && chmod "$mode" "$draft" && mv -f -- "$draft" "$target" || { rm -f -- "$draft"; exit 1; }
"""
_PUT_ENDS = {65: "there is no such folder"}
_GET = '[ -e "$1" ] || exit 65; [ ! -d "$1" ] || exit 66; [ -f "$1" ] || exit 67; exec head -c "$2" -- "$1"'
_GET_ENDS = {65: "it is not there", 66: "it is a folder: pack it into one file", 67: "it is no regular file"}


def check_file(source: Path) -> None:
    """Raises UsageError where put_file would refuse a host file."""
    with _regular(source):
        pass


async def put_file(paths: VmPaths, source: Path, target: str = "") -> None:
    """See send_file."""
    async with _connected(paths) as client:
        await send_file(client, source, target)


async def send_file(client: ShimClient, source: Path, target: str = "") -> None:
    """Copy a host file to `target` in the VM, '' for its /in; into it, if that is a folder. The host's mode is kept.

    It appears whole or not at all. Raises UsageError for what is no file or larger than FILE_LIMIT, VmStateError,
    VmLostError.
    """
    target = target or IN
    with _regular(source) as file:
        mode = "755" if os.fstat(file).st_mode & stat.S_IXUSR else "644"
        draft = f".era-{os.urandom(8).hex()}"
        command = ["/bin/sh", "-c", _PUT, "sh", target, source.name, draft, mode]
        async with _process(client, command, _nowhere) as process:
            await _feed(process, file)
            await _must_end_well(process, f"{source.name} could not be written to {target}", _PUT_ENDS)


async def list_files(paths: VmPaths) -> list[GuestFile]:
    """The regular files below the VM's /out. Raises VmStateError for a listing that nobody could mean, VmLostError."""
    listing = bytearray()

    def take(fd: int, data: bytes) -> None:
        if fd == 1 and len(listing) <= LISTING_LIMIT:
            listing.extend(data)

    script = f"cd {shlex.quote(OUT)} && find . -xdev -type f -exec stat -c '%s %n' -- {{}} + | tr '\\n' '\\0'"
    async with _connected(paths) as client, _process(client, ["/bin/sh", "-c", script], take) as process:
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
    """Copy a guest file to `target`, whose name the host chose, in place of a file or link there; its size in bytes.

    Raises UsageError where a device, a pipe or the like is in the way, VmStateError, VmLostError, StateFolderError.
    """
    command = ["/bin/sh", "-c", _GET, "sh", guest_path, str(limit + 1)]
    with write_errors(target, StateFolderError, "Name another place."):
        _check_replaceable(target)
        draft = target.with_name(f".era-{os.urandom(8).hex()}")  # others may copy to the same place at the same time
        return await _fetch(paths, command, target, draft, limit, f"{guest_path} cannot be read", _GET_ENDS)


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
    archive = persist_archive(paths)
    draft = archive.with_name(f".{archive.name}.new")
    with write_errors(archive, StateFolderError):
        draft.unlink(missing_ok=True)  # of one that was killed
        await _fetch(paths, command, archive, draft, PERSIST_LIMIT, f"{PERSIST} could not be saved")


async def load_persist(paths: VmPaths) -> bool:
    """Fill a VM's /persist from the archive that was kept; False when there is none."""
    archive = persist_archive(paths)
    if not archive.exists():
        return False
    with _regular(archive, PERSIST_LIMIT) as file:
        async with (
            _connected(paths) as client,
            _process(client, ["tar", "-C", PERSIST, "-xpf", "-"], _nowhere) as process,
        ):
            await _feed(process, file)
            await _must_end_well(process, f"{PERSIST} could not be filled")
    return True


async def _fetch(
    paths: VmPaths,
    command: list[str],
    target: Path,
    draft: Path,
    limit: int,
    failure: str,
    ends: Mapping[int, str] = MappingProxyType({}),
) -> int:
    """What a guest's command prints, as a file; `draft` is where it grows. Raises OSError too."""
    size = 0
    too_much = False
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:

            def take(source: int, data: bytes) -> None:
                nonlocal size, too_much
                if source == 1:
                    size += len(data)
                    too_much = too_much or size > limit
                    if not too_much:
                        file.write(data)

            async with _connected(paths) as client, _process(client, command, take) as process:
                process.close_fd(0)
                await _must_end_well(process, failure, ends)
            if too_much:
                raise VmStateError(f"{failure}: it is larger than {limit >> 20} MiB")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)
    return size


def _check_replaceable(target: Path) -> None:
    """Raises UsageError for what a file must not take the place of, such as /dev/null; OSError."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise UsageError(f"{target} is no regular file, and none takes its place", "Name another place.")


@contextlib.asynccontextmanager
async def _connected(paths: VmPaths) -> AsyncIterator[ShimClient]:
    client = await ShimClient.connect(paths)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def _process(
    client: ShimClient, command: list[str], sink: Callable[[int, bytes], None]
) -> AsyncIterator[GuestProcess]:
    """A process in the guest; the connection's end ends it."""
    try:
        async with asyncio.timeout(TRANSFER):
            yield await client.spawn(command, sink)
    except TimeoutError as error:
        raise VmStateError(f"{client.vm_id} took more than {TRANSFER:.0f} s for a file") from error


async def _feed(process: GuestProcess, file: int) -> None:
    while data := os.read(file, CHUNK):
        await process.write(0, data)
    process.close_fd(0)


async def _must_end_well(process: GuestProcess, failure: str, ends: Mapping[int, str] = MappingProxyType({})) -> None:
    """`ends`: what statuses mean that the command chooses itself."""
    if (ended := await process.wait()).status in ends:
        raise VmStateError(f"{failure}: {ends[ended.status]}")
    if ended.status != 0:
        raise VmStateError(f"{failure} (status {ended.status})", "Is there room, and are tar and a shell in the image?")


def _nowhere(fd: int, data: bytes) -> None:
    """What a transfer's helper prints is of no use."""


@contextlib.contextmanager
def _regular(source: Path, limit: int = FILE_LIMIT) -> Iterator[int]:
    """An fd of a regular file; UsageError for anything else."""
    try:
        fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(fd)
        if stat.S_ISDIR(found.st_mode):
            raise UsageError(f"{source} is a folder", "Pack it into one file.")
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{source} is no regular file", "Files are copied, not devices, pipes or sockets.")
        if found.st_size > limit:
            raise UsageError(f"{source} is larger than {limit >> 20} MiB", "Pack it, or split it.")
        yield fd
    finally:
        os.close(fd)
