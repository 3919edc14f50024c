"""`logs`: what is kept of a VM's output. A guest wrote most of it."""

from __future__ import annotations

import collections
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from era_kernel.commands.front_end import FrontEnd, Sink
from era_kernel.commands.options import LogsOptions
from era_kernel.errors import VmStateError
from era_kernel.text import printable

if TYPE_CHECKING:
    from era_kernel.paths import VmPaths
    from era_kernel.service.manager import Manager

PATIENCE = 60.0
LONGEST_LINE = 1 << 20
"""Bytes; a longer line counts as several."""


def logs(manager: Manager, options: LogsOptions, front_end: FrontEnd) -> int:
    """Show a log: a run's bytes as they were printed, a console's and a shim's as text that no terminal obeys."""
    paths = manager.state.vm(manager.get(options.vm_id).id)
    found = {fd: file for fd, path in _files(paths, options.of).items() if (file := _open(path)) is not None}
    if not found:
        raise VmStateError(f"{options.vm_id} has no such log yet", _remedy(options))

    async def work(sink: Sink) -> None:
        for fd, file in found.items():
            with file:
                for line in _last(_lines(file), options.lines):
                    sink.take(options.vm_id, fd, line if options.of == "run" else _harmless(line))

    front_end.stream(work, labelled=False, patience=PATIENCE)
    return 0


def _files(paths: VmPaths, of: str) -> dict[int, Path]:
    if of == "run":
        return {1: paths.out / "stdout.log", 2: paths.out / "stderr.log"}
    return {1: paths.console if of == "console" else paths.shim_log}


def _remedy(options: LogsOptions) -> str:
    if options.of == "run":
        return f"`era vm run --vm {options.vm_id} --cmd COMMAND` keeps one; --of console shows what its kernel says."
    return "It comes when the VM says something."


def _open(path: Path) -> IO[bytes] | None:
    """A regular file to read, None where there is none: a guest that shares the folder may have put anything there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    os.close(fd)
    return None


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line


def _last(lines: Iterable[bytes], count: int | None) -> Iterable[bytes]:
    return lines if count is None else collections.deque(lines, maxlen=count)


def _harmless(line: bytes) -> bytes:
    return (printable(line.decode(errors="replace").rstrip("\r\n")) + "\n").encode()
