"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from era_kernel.errors import EraError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` (mode 0600) by a file that holds `data`, on disk when this returns.

    A reader, and a crash at any moment, finds the old file or the new one. Two writers of one path need a lock of
    their own: the temporary name is always the same, so that killed writers do not litter the folder. Raises OSError,
    the old file untouched.
    """
    temporary = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put a folder's own entries (what was made, renamed, removed in it) on disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def write_errors(
    path: Path, kind: type[EraError], remedy: str = "Check who owns the state folder and how it is mounted."
) -> Iterator[None]:
    """Turn what goes wrong while `path` is changed into an error of our own that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            remedy = f"Make room under {path.parent}, then try again; what was there before is untouched."
        raise kind(f"{path} cannot be written: {error.strerror}", remedy) from error
