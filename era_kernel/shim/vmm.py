"""The VMM process that a shim holds: started with the frame stream as its stdin and stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from era_kernel import process
from era_kernel.launchers.base import BootPlan
from era_kernel.models import ProcessIdentity
from era_kernel.shim.console import ConsoleLog


class Vmm:
    """A running VMM. `ended` resolves to its exit status; `stream` is our end of the frame stream."""

    def __init__(self, plan: BootPlan, console: ConsoleLog) -> None:
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            self._process = process.start_piped(plan.argv, env=plan.env, stream=theirs, stderr=write_end)
        except BaseException:
            ours.close()
            os.close(read_end)
            raise
        finally:
            theirs.close()
            os.close(write_end)
        ours.setblocking(False)
        self.stream = ours
        self._console = console
        self._console_fd = read_end
        os.set_blocking(read_end, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(read_end, self._read_console)
        self.ended: asyncio.Future[int] = asyncio.ensure_future(asyncio.to_thread(self._process.wait))
        self.identity: ProcessIdentity | None = None
        with contextlib.suppress(ProcessLookupError):
            self.identity = process.identify(self._process.pid)

    def _read_console(self) -> None:
        try:
            data = os.read(self._console_fd, 65536)
        except BlockingIOError:
            return
        if data:
            self._console.write(data)
        else:
            self._close_console()

    def _close_console(self) -> None:
        if self._console_fd >= 0:
            self._loop.remove_reader(self._console_fd)
            os.close(self._console_fd)
            self._console_fd = -1

    async def kill(self) -> None:
        """End the VMM at once and wait until it is gone. Our own child, so its pid cannot be another's."""
        self._process.kill()
        await asyncio.wait([self.ended], timeout=10)
        self._read_rest()
        self.stream.close()

    def _read_rest(self) -> None:
        while self._console_fd >= 0:
            try:
                data = os.read(self._console_fd, 65536)
            except BlockingIOError:
                data = b""
            if not data:
                self._close_console()
                return
            self._console.write(data)
