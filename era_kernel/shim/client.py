"""The client's end of a shim's socket: processes in a guest, as asyncio objects."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from era_kernel.errors import ProtocolError, VmLostError
from era_kernel.paths import VmPaths
from era_kernel.protocol import agent, control
from era_kernel.protocol.agent import ExitKind, GuestStats, ProcessExit, Scope
from era_kernel.protocol.control import ShimStatus
from era_kernel.protocol.frames import PROTOCOL, Frame, FrameReader, FrameType, encode_frame
from era_kernel.shim.address import socket_address
from era_kernel.shim.dial import FIRST_STREAM, new_token, no_answer, spawn_payload
from era_kernel.shim.guest_process import GuestProcess, Sink

__all__ = ["ExitKind", "GuestProcess", "GuestStats", "ProcessExit", "Scope", "ShimClient", "ShimStatus", "Sink"]

AnswerT = TypeVar("AnswerT")
STOP_SLACK = 5.0


class ShimClient(asyncio.Protocol):
    """A connection to the shim of one VM.

    `lost` resolves, to the error that tells why, when the VM or its shim has gone; every waiting call raises it. When
    the VM was `saved`, our processes in it go on: who has set `may_rejoin` waits on for them, and gets a connection to
    them by rejoin(). `token` is the connection's own.
    """

    def __init__(self, paths: VmPaths, token: str) -> None:
        loop = asyncio.get_running_loop()
        self.paths = paths
        self.vm_id = paths.folder.name
        self.token = token
        self.saved = False
        self.may_rejoin = False
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
        client = cls(paths, new_token())
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
        client = ShimClient(paths, self.token)
        client.may_rejoin = True
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
        client = cls(paths, token)
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
            if self.saved and self.may_rejoin:
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
