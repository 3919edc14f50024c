"""The VMM process that a shim holds: the frame stream is its stdin and stdout, the guest's console its stderr.

The console is a socket, not a pipe: QEMU has no character device that writes to an inherited pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from era_kernel import process
from era_kernel.models import ProcessIdentity
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.launch import Launched
from era_kernel.shim.monitor import Monitor

KILL_WAIT = 10.0


class Vmm:
    """A running VMM. `ended` resolves to its exit status; `stream` is our end of the frame stream, for a GuestLink."""

    def __init__(self, launched: Launched, console: ConsoleLog) -> None:
        self._process = launched.process
        self.stream = launched.stream
        self.state_fd = launched.state_fd
        self.monitor = Monitor(launched.monitor) if launched.monitor else None
        self._log = console
        self._console = launched.console
        self._loop = asyncio.get_running_loop()
        self._console_read = asyncio.ensure_future(self._read_console())
        self.ended: asyncio.Future[int] = asyncio.ensure_future(self._wait())
        self.identity: ProcessIdentity | None = None
        with contextlib.suppress(ProcessLookupError):
            self.identity = process.identify(self._process.pid)

    async def _wait(self) -> int:
        """The VMM's exit status, when it has ended; waited for without a thread where the system can."""
        if not hasattr(os, "pidfd_open"):
            return await asyncio.to_thread(self._process.wait)
        pidfd = os.pidfd_open(self._process.pid)
        ended = asyncio.Event()
        self._loop.add_reader(pidfd, ended.set)
        try:
            await ended.wait()
        finally:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
        return self._process.wait()

    async def _read_console(self) -> None:
        """Copy the console to its log until nobody holds its other end."""
        with contextlib.suppress(OSError), self._console:
            while data := await self._loop.sock_recv(self._console, 65536):
                self._log.write(data)

    async def kill(self) -> None:
        """End the VMM at once and wait until it is surely gone.

        The process is our own child, so its pid cannot be another's. What it jailed ends a moment after it: the
        console's end of file tells when, and that its disk is free.
        """
        self._process.kill()
        ends: list[asyncio.Future[Any]] = [self.ended, self._console_read]
        await asyncio.wait(ends, timeout=KILL_WAIT)
        if self.monitor is not None:
            self.monitor.close()
