"""A command in one VM, of which a record is kept: what it printed, in files of the VM's folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from era_kernel.atomic import write_errors
from era_kernel.errors import StateFolderError
from era_kernel.service.actions import start_vm
from era_kernel.service.context import Context
from era_kernel.service.execute import Job, choose_vms, run_in_vm
from era_kernel.service.results import Output, RunRecord

KEPT = 64 << 20
"""Bytes of each stream that the files keep."""
HELD = 1 << 20
"""Bytes of each stream that a RunRecord holds."""
NAMES = {1: "stdout.log", 2: "stderr.log"}


async def run(context: Context, vm_id: str, job: Job, output: Output) -> RunRecord:
    """See Manager.run."""
    job.check()
    await asyncio.to_thread(start_vm, context, vm_id)
    [record] = await asyncio.to_thread(choose_vms, context, [vm_id])
    folder = context.state.vm(vm_id).out
    with contextlib.ExitStack() as stack:
        kept = {fd: stack.enter_context(_kept(folder, name)) for fd, name in NAMES.items()}

        def both(vm_id: str, fd: int, data: bytes) -> None:
            kept[fd].take(data)
            output(vm_id, fd, data)

        result = await run_in_vm(context, record, job, both)
    out, err = (kept[fd] for fd in NAMES)
    return RunRecord(result, out.path, err.path, bytes(out.begin), bytes(err.begin))


class _Kept:
    """One stream's file; what is above KEPT is dropped, and the file's end says so."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.begin = bytearray()
        self._fd = fd
        self._left = KEPT

    def take(self, data: bytes) -> None:
        self.begin += data[: HELD - len(self.begin)]
        if self._left:
            self._write(data[: self._left])
            self._left -= min(len(data), self._left)
            if not self._left:
                self._write(f"\n[no more than {KEPT >> 20} MiB are kept]\n".encode())

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        with write_errors(self.path, StateFolderError):
            while view:
                view = view[os.write(self._fd, view) :]


@contextlib.contextmanager
def _kept(folder: Path, name: str) -> Iterator[_Kept]:
    """A new file in place of the last run's. A guest that shares the folder may have put anything there: it is neither
    followed nor opened.
    """
    path = folder / name
    with write_errors(path, StateFolderError):
        folder.mkdir(mode=0o700, exist_ok=True)
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=at)
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
        finally:
            os.close(at)
    try:
        yield _Kept(path, fd)
    finally:
        os.close(fd)
