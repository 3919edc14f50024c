"""TinyDB's storage for the registry: read and replaced whole, under a lock that all processes share.

TinyDB's own JSON storage has no lock and writes in place: two processes, or a kill at the wrong moment, leave a file
that cannot be read. TinyDB reads before it writes, so whoever changes something holds `lock()` around both.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout
from tinydb.storages import Storage

from era_kernel.atomic import write_atomic, write_errors
from era_kernel.errors import RegistryError

LOCK_TIMEOUT = 20.0
POLL_INTERVAL = 0.01

Tables = dict[str, dict[str, dict[str, Any]]]
"""{table: {document number: document}}, as TinyDB keeps it."""

_decoder = msgspec.json.Decoder(Tables)


class CorruptRegistryError(Exception):
    """The registry's file is not what was written; says in what way. Never leaves the store."""


class RegistryStorage(Storage):
    """A registry file and its lock (`.NAME.lock` beside it), which a thread may take again while it holds it."""

    def __init__(self, path: Path, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self.path = path
        self._lock = FileLock(
            path.with_name(f".{path.name}.lock"), timeout=lock_timeout, mode=0o600, poll_interval=POLL_INTERVAL
        )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else reads or writes the registry meanwhile. RegistryError when it cannot be had in time."""
        try:
            self._lock.acquire()
        except Timeout as error:
            raise RegistryError(
                f"Another process holds the registry's lock {self._lock.lock_file} since {self._lock.timeout:.0f} s",
                "Wait for it or end it, then try again.",
            ) from error
        except OSError as error:
            raise RegistryError(
                f"The registry's lock {self._lock.lock_file} cannot be taken: {error.strerror}",
                "Check who owns the state folder, or set AGENT_STATE_DIR to another one.",
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def read(self) -> Tables | None:
        """What the file holds, None where there is none. Raises CorruptRegistryError, RegistryError."""
        with self.lock():
            try:
                data = _read_regular(self.path)
            except OSError as error:
                raise RegistryError(
                    f"The registry {self.path} cannot be read: {error.strerror}",
                    "Check its owner and mode; nothing was changed.",
                ) from error
        if data is None:
            return None
        try:
            return _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CorruptRegistryError(f"it is empty or no registry ({error})" if data else "it is empty") from error

    def write(self, data: Tables) -> None:
        """Replace the file. RegistryError when that fails; the old file is then still there."""
        text = msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"
        with self.lock(), write_errors(self.path, RegistryError):
            write_atomic(self.path, text)


def _read_regular(path: Path) -> bytes | None:
    """The bytes of a regular file, None where nothing is. CorruptRegistryError for anything else that has its name."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise CorruptRegistryError("it is no regular file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(fd)
