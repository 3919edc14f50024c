"""The VMM process that a shim holds: the frame stream is its stdin and stdout, the guest's console its stderr.

The console is a socket, not a pipe: QEMU has no character device that writes to an inherited pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from era_kernel import process
from era_kernel.launchers.base import BootPlan
from era_kernel.models import ProcessIdentity
from era_kernel.shim.console import ConsoleLog

KILL_WAIT = 10.0


class Vmm:
    """A running VMM. `ended` resolves to its exit status; `stream` is our end of the frame stream."""

    def __init__(self, plan: BootPlan, console: ConsoleLog) -> None:
        ours, theirs = socket.socketpair()
        console_end, their_console = socket.socketpair()
        try:
            self._process = process.start_piped(plan.argv, env=plan.env, stream=theirs, stderr=their_console.fileno())
        except BaseException:
            ours.close()
            console_end.close()
            raise
        finally:
            theirs.close()
            their_console.close()
        ours.setblocking(False)
        console_end.setblocking(False)
        self.stream = ours
        self._log = console
        self._console = console_end
        self._loop = asyncio.get_running_loop()
        self._console_read = asyncio.ensure_future(self._read_console())
        self.ended: asyncio.Future[int] = asyncio.ensure_future(asyncio.to_thread(self._process.wait))
        self.identity: ProcessIdentity | None = None
        with contextlib.suppress(ProcessLookupError):
            self.identity = process.identify(self._process.pid)

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
        self.stream.close()
