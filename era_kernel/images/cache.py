"""Files of the cache folder: made once, under a lock, beside their place, and renamed into it when they are whole."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from era_kernel.errors import ImageError
from era_kernel.paths import cache_root

LOCK_TIMEOUT = 1800.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def cache_folder(name: str) -> Path:
    """A folder of the cache, made if it is not there; ImageError when it cannot be."""
    folder = cache_root() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(
            f"The cache folder {folder} cannot be made: {error.strerror}", "Set ERA_CACHE_DIR to a writable folder."
        ) from error
    return folder


@contextlib.contextmanager
def making(target: Path, is_whole: Callable[[Path], bool] = Path.exists) -> Iterator[Path | None]:
    """Hold the lock of `target`; gives a place to make it in, or None when another process made it meanwhile.

    The place is a path in an empty folder beside the target, renamed to `target` (a file or a folder) when the block
    ends well. A target that is there and not whole is removed first, under the lock: another process may have mended
    it. What dead makers left is removed. Raises ImageError for a full disk and for a lock that stays held.
    """
    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=LOCK_TIMEOUT)
    try:
        with lock:
            if is_whole(target):
                yield None
                return
            prefix = f".{target.name}.making-"
            for left in target.parent.glob(f"{prefix}*"):
                shutil.rmtree(left, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
            try:
                yield work / target.name
                if target.exists():
                    target.rename(work / "damaged")
                publish(work / target.name, target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except Timeout as error:
        raise ImageError(
            f"Another process has been making {target.name} for {LOCK_TIMEOUT / 60:.0f} minutes",
            f"If none is, delete {lock.lock_file}.",
        ) from error
    except OSError as error:
        raise making_error(target, error) from error


def publish(made: Path, target: Path) -> None:
    """Put what was made on disk and in its place. Readable by all: a jailed VMM is another user."""
    for path in [made, *made.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        _sync(path)
    made.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def making_error(target: Path, error: OSError) -> ImageError:
    """What to tell when a file of the cache, or of the state folder, cannot be made."""
    variable = "ERA_CACHE_DIR" if target.is_relative_to(cache_root()) else "AGENT_STATE_DIR"
    if error.errno in _FULL:
        free = shutil.disk_usage(target.parent).free >> 20
        return ImageError(
            f"There is no room for {target}: {free} MiB are free",
            f"Make room there, or set {variable} to a folder on another disk.",
        )
    return ImageError(f"{target} cannot be made: {error.strerror or error}", "Check who owns its folder.")
