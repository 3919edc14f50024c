"""A process in a guest, as the client that started it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from era_kernel.errors import EraError, ProtocolError, UsageError
from era_kernel.protocol import agent
from era_kernel.protocol.agent import ProcessExit, Scope
from era_kernel.protocol.frames import MAX_DATA, Frame, FrameType

if TYPE_CHECKING:
    from era_kernel.shim.client import ShimClient

Sink = Callable[[int, bytes], None]
"""Takes (guest fd, bytes); what it took is granted to the guest again when it returns."""


class GuestProcess:
    """A process in the guest. Made by ShimClient.spawn()."""

    def __init__(self, client: ShimClient, stream: int, sink: Sink, outputs: frozenset[int]) -> None:
        self._client = client
        self._stream = stream
        self._sink = sink
        self._open_outputs = set(outputs)
        self._taken = dict.fromkeys(outputs, 0)
        self._credit = dict.fromkeys(agent.INPUT_FDS, agent.INITIAL_CREDIT)
        self._changed = asyncio.Event()
        self._exit: asyncio.Future[ProcessExit] = asyncio.get_running_loop().create_future()

    async def write(self, fd: int, data: bytes) -> None:
        """Send bytes to the process's fd 0 or 3, as fast as the guest grants credit. Raises VmLostError.

        What is written after the process has ended goes nowhere.
        """
        view = memoryview(data)
        while view:
            self._client.check()
            if self._exit.done():
                return
            size = min(len(view), self._credit[fd], MAX_DATA)
            if size == 0:
                self._changed.clear()
                await self._changed.wait()
                continue
            self._credit[fd] -= size
            self._client.send(FrameType.DATA, self._stream, bytes([fd]) + view[:size])
            view = view[size:]

    def close_fd(self, fd: int) -> None:
        """End of file on the process's fd 0 or 3."""
        self._client.send(FrameType.CLOSE, self._stream, bytes([fd]))

    def signal(self, number: int, scope: Scope = Scope.GROUP) -> None:
        """Signal the process, its group, or everything that it started."""
        self._client.send(FrameType.SIGNAL, self._stream, agent.encode_signal(number, scope))

    def resize(self, rows: int, cols: int) -> None:
        """Tell the process's pty its size."""
        self._client.send(FrameType.RESIZE, self._stream, agent.encode_resize(rows, cols))

    async def wait(self) -> ProcessExit:
        """Wait for the end of the process; what it wrote was given to the sink by then. Raises VmLostError."""
        return await asyncio.shield(self._exit)

    # ---- called by ShimClient

    def take(self, frame: Frame) -> None:
        match frame.type:
            case FrameType.DATA if len(frame.payload) > 1:
                self._take_data(frame.payload)
            case FrameType.CLOSE if frame.payload:
                self._open_outputs.discard(frame.payload[0])
            case FrameType.WINDOW:
                fd, credit = agent.parse_window(frame.payload)
                self._credit[fd] = self._credit.get(fd, 0) + credit
                self._changed.set()
            case FrameType.EXIT:
                self._end(agent.parse_exit(frame.payload))
            case FrameType.ERROR:
                self.fail(UsageError(f"The guest refused the command: {agent.parse_error(frame.payload)}"))
            case _:
                raise ProtocolError(f"The shim sent {frame.type.name} on a stream")

    def _take_data(self, payload: bytes) -> None:
        fd = payload[0]
        if fd not in self._taken:
            raise ProtocolError(f"The guest sent bytes on its fd {fd}, which was not asked for")
        self._sink(fd, payload[1:])
        self._taken[fd] += len(payload) - 1
        if self._taken[fd] >= agent.GRANT_STEP:
            self._client.send(FrameType.WINDOW, self._stream, agent.encode_window(fd, self._taken[fd]))
            self._taken[fd] = 0

    def _end(self, ended: ProcessExit) -> None:
        for fd in sorted(self._open_outputs):
            self._client.send(FrameType.CLOSE, self._stream, bytes([fd]))
        self._client.forget(self._stream)
        self._changed.set()
        if not self._exit.done():
            self._exit.set_result(ended)

    def wake(self) -> None:
        """Have whoever waits for credit look whether the connection is still there."""
        self._changed.set()

    def move_to(self, client: ShimClient) -> None:
        """Go on over another connection. What was taken counts as granted: the shim fills up the credit."""
        self._client = client
        self._taken = dict.fromkeys(self._taken, 0)

    def has_credit(self, credit: Mapping[int, int] | None) -> bool:
        """Whether this is the credit for our inputs that we think we have: then no bytes were lost."""
        return credit is not None and all(self._credit[fd] == credit.get(fd) for fd in self._credit)

    def fail(self, error: EraError) -> None:
        self._client.forget(self._stream)
        self._changed.set()
        if not self._exit.done():
            self._exit.set_exception(error)
            self._exit.exception()  # nobody has to be waiting
