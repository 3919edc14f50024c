"""The client's end of a shim's socket: processes in a guest, as asyncio objects."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from era_kernel.errors import EraError, ProtocolError, UsageError, VmLostError
from era_kernel.paths import VmPaths
from era_kernel.protocol import agent, control
from era_kernel.protocol.agent import ExitKind, GuestStats, ProcessExit, Scope
from era_kernel.protocol.control import ShimStatus
from era_kernel.protocol.frames import MAX_DATA, PROTOCOL, Frame, FrameReader, FrameType, encode_frame
from era_kernel.shim.address import socket_address
from era_kernel.shim.dial import FIRST_STREAM, new_token, no_answer, spawn_payload

__all__ = ["ExitKind", "GuestProcess", "GuestStats", "ProcessExit", "Scope", "ShimClient", "ShimStatus", "Sink"]

AnswerT = TypeVar("AnswerT")
STOP_SLACK = 5.0
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


class ShimClient(asyncio.Protocol):
    """A connection to the shim of one VM.

    `lost` resolves, to the error that tells why, when the VM or its shim has gone; every waiting call raises it. When
    the VM was `saved`, our processes in it go on: rejoin() gives a connection to them. `token` is the connection's own.
    """

    def __init__(self, vm_id: str, token: str) -> None:
        loop = asyncio.get_running_loop()
        self.vm_id = vm_id
        self.token = token
        self.saved = False
        self.lost: asyncio.Future[VmLostError] = loop.create_future()
        self._reader = FrameReader()
        self._numbers = itertools.count(FIRST_STREAM)
        self._processes: dict[int, GuestProcess] = {}
        self._transport: asyncio.Transport | None = None
        self._attached: asyncio.Future[control.Attached] = loop.create_future()
        self._status: list[asyncio.Future[ShimStatus]] = []
        self._stats: list[asyncio.Future[GuestStats]] = []

    @classmethod
    async def connect(cls, paths: VmPaths, timeout: float = 5.0) -> ShimClient:
        """Attach to the shim of a VM. VmLostError when nobody is there or nobody answers within `timeout` seconds."""
        client = cls(paths.folder.name, new_token())
        await client._connect(paths, timeout)
        return client

    async def _connect(self, paths: VmPaths, timeout: float) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            async with asyncio.timeout(timeout):
                with socket_address(paths.socket) as address:
                    await asyncio.get_running_loop().sock_connect(connection, address)
            connection.send(control.encode_control(control.Attach(PROTOCOL, self.token)))
        except BaseException as error:
            connection.close()
            if not isinstance(error, OSError | TimeoutError):
                raise
            raise no_answer(paths) from error
        await self._begin(connection, paths, timeout)

    async def rejoin(self, paths: VmPaths, timeout: float = 5.0) -> ShimClient:
        """A new connection to a VM that was saved and is up again, with our processes in it. Raises as connect().

        A process that is no more, or to which bytes were lost, fails with what ended the old connection.
        """
        client = ShimClient(self.vm_id, self.token)
        client._numbers = self._numbers
        client._processes, self._processes = self._processes, {}
        for process in client._processes.values():
            process.move_to(client)
        try:
            await client._connect(paths, timeout)
        except VmLostError as error:
            client._lose(error)
            raise
        resumed = client._attached.result().resumed
        for stream, process in list(client._processes.items()):
            if not process.has_credit(resumed.get(stream)):
                process.signal(signal.SIGKILL, Scope.ALL)
                process.fail(self.lost.result())
        return client

    @classmethod
    async def take_over(
        cls, connection: socket.socket, token: str, paths: VmPaths, sink: Sink, timeout: float = 5.0
    ) -> tuple[ShimClient, GuestProcess]:
        """A client on a connection that dial() gave, and the driver that was asked for on it. Raises as connect()."""
        client = cls(paths.folder.name, token)
        _, process = client._expect(sink, driver=True)  # before anything is read: its answers may be there already
        await client._begin(connection, paths, timeout)
        return client, process

    async def _begin(self, connection: socket.socket, paths: VmPaths, timeout: float) -> None:
        """Wait for the answer to the Attach that was sent. Closes the connection when there is none."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().create_connection(lambda: self, sock=connection)
                await self._first(self._attached)
        except BaseException as error:
            self._abort()
            connection.close()
            if not isinstance(error, OSError | TimeoutError):
                raise
            raise no_answer(paths) from error

    async def spawn(
        self,
        argv: Sequence[str],
        sink: Sink,
        *,
        env: Mapping[str, str] | None = None,
        cwd: str = "/root",
        driver: bool = False,
        warm: bool = False,
        pty: tuple[int, int] | None = None,
    ) -> GuestProcess:
        """Start a process in the guest; `env` is added to agent.GUEST_ENV, `pty` is (rows, columns).

        With `driver` its fd 3 and 4 are pipes to us; with `warm` the guest's zygote forks it if there is one. A program
        that is not there ends with ExitKind.FAILED. Raises VmLostError, UsageError for a command that cannot be sent.
        """
        self.check()
        payload = spawn_payload(argv, env=env, cwd=cwd, driver=driver, warm=warm, pty=pty)
        stream, process = self._expect(sink, driver=driver, pty=pty is not None)
        self.send(FrameType.SPAWN, stream, payload)
        return process

    def _expect(self, sink: Sink, *, driver: bool, pty: bool = False) -> tuple[int, GuestProcess]:
        stream = next(self._numbers)
        outputs = {agent.STDOUT} if pty else {agent.STDOUT, agent.STDERR}
        if driver:
            outputs.add(agent.DRIVER_OUT)
        process = GuestProcess(self, stream, sink, frozenset(outputs))
        self._processes[stream] = process
        return stream, process

    async def status(self, timeout: float = 2.0) -> ShimStatus:
        """How many processes run in the VM and how long it is up. Raises VmLostError, TimeoutError."""
        answer: asyncio.Future[ShimStatus] = asyncio.get_running_loop().create_future()
        self._status.append(answer)
        self._write(control.encode_control(control.StatusRequest()))
        async with asyncio.timeout(timeout):
            return await self._first(answer)

    async def stats(self, timeout: float = 2.0) -> GuestStats:
        """The guest's own figures. Raises VmLostError, TimeoutError."""
        answer: asyncio.Future[GuestStats] = asyncio.get_running_loop().create_future()
        self._stats.append(answer)
        self.send(FrameType.STATS, 0, b"")
        async with asyncio.timeout(timeout):
            return await self._first(answer)

    async def stop(self, grace: float = 10.0, *, keep_memory: bool = False) -> None:
        """Stop the VM, with its memory saved or powered off; after `grace` seconds (0: at once) its VMM is ended.

        Raises TimeoutError.
        """
        self._write(control.encode_control(control.StopRequest(grace, keep_memory)))
        async with asyncio.timeout(grace + STOP_SLACK):
            await asyncio.shield(self.lost)

    async def close(self) -> None:
        """Leave. Our processes in the guest are ended, the VM goes on."""
        if self._transport is not None:
            self._transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.shield(self.lost)

    def check(self) -> None:
        """Raise what ended the connection, if anything did."""
        if self.lost.done():
            raise self.lost.result()

    async def _first(self, answer: asyncio.Future[AnswerT]) -> AnswerT:
        """The answer, unless the connection is lost before."""
        self.check()
        waited: list[asyncio.Future[Any]] = [answer, self.lost]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self.check()
        return answer.result()

    # ---- the connection

    def send(self, kind: FrameType, stream: int, payload: bytes) -> None:
        self._write(encode_frame(kind, stream, payload))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def forget(self, stream: int) -> None:
        self._processes.pop(stream, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except ProtocolError as error:
            self._lose(VmLostError(f"{self.vm_id} was let go: {error.message}"))

    def _take(self, frame: Frame) -> None:
        if frame.type is FrameType.CONTROL:
            self._take_control(control.parse_shim_control(frame.payload))
        elif frame.type is FrameType.STATS:
            _resolve(self._stats, agent.parse_stats(frame.payload))
        else:
            process = self._processes.get(frame.stream)
            if process is not None:
                process.take(frame)

    def _take_control(self, message: control.ShimControl) -> None:
        match message:
            case control.Attached():
                self._attached.set_result(message)
            case control.ShimStatus():
                _resolve(self._status, message)
            case control.VmGone(reason, _, saved):
                self.saved = saved
                self._lose(VmLostError(reason, f"`era vm start --vm {self.vm_id}` brings it up again."))

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(
            VmLostError(
                f"The process that holds {self.vm_id} (its shim) ended unexpectedly",
                f"`era vm start --vm {self.vm_id}` brings it up again.",
            )
        )

    def _lose(self, error: VmLostError) -> None:
        if not self.lost.done():
            self.lost.set_result(error)
        for process in list(self._processes.values()):
            if self.saved:
                process.wake()
            else:
                process.fail(error)
        self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _resolve(waiters: list[asyncio.Future[AnswerT]], answer: AnswerT) -> None:
    """Give an answer to the oldest one that asked; answers come in the order of the questions."""
    if not waiters:
        raise ProtocolError("The shim answered what nobody asked")
    waiter = waiters.pop(0)
    if not waiter.done():
        waiter.set_result(answer)
