"""A session: one language driver in a VM, spoken to in Jupyter message contents."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from era_kernel.errors import DriverError, EraError, ProtocolError
from era_kernel.languages import LanguageSpec
from era_kernel.paths import VmPaths
from era_kernel.protocol import agent, driver
from era_kernel.protocol.agent import ExitKind, ProcessExit
from era_kernel.service.dial import Dialed
from era_kernel.service.last_words import LastWords
from era_kernel.shim.client import GuestProcess, ShimClient
from era_kernel.store.peek import peek

ReplyT = TypeVar("ReplyT")

READY_TIMEOUT = 90.0
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}")
GIVEN_UP_TIMEOUT = 10.0
REMEMBERED_CELLS = 10_000
"""A thread that a cell left may still show things: its cell's id is known for so many cells."""


class SessionEvents(Protocol):
    """Who is told what a session prints and shows. `request` is the id of the request that an event belongs to."""

    def text(self, name: str, data: bytes) -> None:
        """The cell, or what it left running, wrote to "stdout" or "stderr"."""

    def event(self, request: str, event: driver.Event) -> None:
        """A display, a result, an error, a question."""


class Session:
    """One driver process, from `start()` until it ends or `close()` is called.

    One request is under way at a time. Whatever ends the driver (the cell's own exit(), a kill, the VM's end, a broken
    protocol) fails that request with an error that says so; `ended` is set from then on, `ended_unnoticed` if there was
    no request to tell it to. A VM that is stopped with its memory kept only pauses the session: `resume()` goes on with
    it, its variables as they were.
    """

    def __init__(self, events: SessionEvents) -> None:
        self._events = events
        self._reader = driver.MessageReader()
        self._client: ShimClient | None = None
        self._process: GuestProcess | None = None
        self._ready: asyncio.Future[driver.Ready] = asyncio.get_running_loop().create_future()
        self._waiting: tuple[str, type[Any], asyncio.Future[Any]] | None = None
        self._cells: OrderedDict[str, None] = OrderedDict()
        self._last_words = LastWords()
        self._error: EraError | None = None
        self.ended_unnoticed = False
        self._given_up: tuple[str, asyncio.Future[None]] | None = None
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, client: ShimClient, language: LanguageSpec, events: SessionEvents) -> Session:
        """Start a driver. Raises VmLostError. `wait_ready()` is next."""
        session = cls(events)
        process = await client.spawn(language.driver, session._take, driver=True, warm=bool(language.warm))
        session._watch_over(client, process)
        return session

    @classmethod
    async def take_over(cls, dialed: Dialed, events: SessionEvents) -> tuple[ShimClient, Session]:
        """A driver that was asked for already, and the connection to its VM. Raises VmLostError."""
        session = cls(events)
        client, process = await ShimClient.take_over(dialed.connection, dialed.token, dialed.paths, session._take)
        session._watch_over(client, process)
        return client, session

    def _watch_over(self, client: ShimClient, process: GuestProcess) -> None:
        process.close_fd(agent.STDIN)
        client.may_rejoin = True
        self._client = client
        self._process = process
        self._watch = asyncio.create_task(self._watch_end())

    async def wait_ready(self) -> None:
        """Wait until the driver takes requests. Raises DriverError, VmLostError; the session has ended then."""
        assert self._watch is not None
        waited: list[asyncio.Future[Any]] = [self._ready, self._watch]
        await asyncio.wait(waited, timeout=READY_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            error = self._error or DriverError(f"The language's driver was not ready in {READY_TIMEOUT:.0f} s")
            self.close()
            raise error

    @property
    def ended(self) -> bool:
        return self._error is not None

    @property
    def language_version(self) -> str:
        """The language's version as the driver tells it; '' when it has told none, or something else."""
        told = self._ready.result().content.language_version if self._ready.done() else ""
        return told if _VERSION.fullmatch(told) else ""

    @property
    def vm_id(self) -> str:
        return "" if self._client is None else self._client.vm_id

    @property
    def paused(self) -> bool:
        """Whether the VM was stopped, and this goes on when it is up again."""
        return not self.ended and self._client is not None and self._client.saved

    async def resume(self, paths: VmPaths) -> ShimClient:
        """Go on in the VM of `paths`, which is up again; a cell that ran when it was stopped is interrupted.

        Raises VmLostError. `ended` tells whether the session could go on.
        """
        assert self._client is not None
        assert self._process is not None
        self._client = await self._client.rejoin(paths)
        self._watch = asyncio.create_task(self._watch_end())
        if self._given_up is not None:
            self.interrupt()
        await asyncio.sleep(0)  # the watch sees a process that is no more
        return self._client

    @property
    def busy(self) -> bool:
        return self._waiting is not None

    async def execute(self, content: dict[str, Any], *, on_start: Callable[[str], None]) -> driver.ExecuteReply:
        """Run a cell: `content` as of an execute_request; `on_start` gets its request id before anything is sent."""
        return await self._request("execute_request", content, driver.ExecuteReply, on_start)

    async def complete(self, code: str, cursor_pos: int) -> driver.CompleteReply:
        return await self._request("complete_request", {"code": code, "cursor_pos": cursor_pos}, driver.CompleteReply)

    async def inspect(self, code: str, cursor_pos: int, detail_level: int) -> driver.InspectReply:
        content = {"code": code, "cursor_pos": cursor_pos, "detail_level": detail_level}
        return await self._request("inspect_request", content, driver.InspectReply)

    async def is_complete(self, code: str) -> driver.IsCompleteReply:
        return await self._request("is_complete_request", {"code": code}, driver.IsCompleteReply)

    async def reply_input(self, request: str, content: dict[str, str]) -> None:
        """Answer an input_request: {"value": …} or {"error": …}."""
        await self._send(driver.encode_request("input_reply", request, content))

    def interrupt(self) -> None:
        """SIGINT to the driver's process group, as a terminal's Ctrl-C."""
        if self._process is not None:
            self._process.signal(signal.SIGINT)

    def close(self) -> None:
        """End the driver and all that its cells started."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL, agent.Scope.ALL)
        self._fail(DriverError("The session was closed"))

    async def _request(
        self,
        kind: str,
        content: dict[str, Any],
        reply: type[ReplyT],
        on_start: Callable[[str], None] | None = None,
    ) -> ReplyT:
        if self._given_up is not None:
            await asyncio.wait([self._given_up[1]], timeout=GIVEN_UP_TIMEOUT)
        if self._error is not None:
            raise self._error
        if self._waiting is not None or self._given_up is not None:
            raise DriverError("The session is busy with another request")
        request = secrets.token_hex(16)
        if reply is driver.ExecuteReply:
            self._last_words.forget()
            self._cells[request] = None
            if len(self._cells) > REMEMBERED_CELLS:
                self._cells.popitem(last=False)
        answer: asyncio.Future[ReplyT] = asyncio.get_running_loop().create_future()
        self._waiting = (request, reply, answer)
        try:
            if on_start is not None:
                on_start(request)
            await self._send(driver.encode_request(kind, request, content))
            return await answer
        finally:
            self._waiting = None

    async def _send(self, data: bytes) -> None:
        assert self._process is not None
        await self._process.write(agent.DRIVER_IN, data)

    # ---- from the guest

    def _take(self, fd: int, data: bytes) -> None:
        if fd == agent.STDERR:
            self._last_words.feed(data)
        if fd != agent.DRIVER_OUT:
            self._events.text("stdout" if fd == agent.STDOUT else "stderr", data)
            return
        if self._error is not None:
            return
        try:
            for message in self._reader.feed(data):
                self._dispatch(message)
        except ProtocolError as error:
            self._fail(DriverError(f"The session was closed: {error.message}"))
            if self._process is not None:
                self._process.signal(signal.SIGKILL, agent.Scope.ALL)

    def _dispatch(self, message: driver.DriverMessage) -> None:
        if isinstance(message, driver.Ready):
            if self._ready.done():
                raise ProtocolError("The driver said twice that it is ready")
            self._ready.set_result(message)
        elif isinstance(message, driver.Reply):
            if self._given_up is not None and message.id == self._given_up[0]:
                self._given_up[1].set_result(None)
                self._given_up = None
                return
            if self._waiting is None or self._waiting[0] != message.id or not isinstance(message, self._waiting[1]):
                raise ProtocolError("The driver answered what nobody asked")
            if not self._waiting[2].done():
                self._waiting[2].set_result(message)
        elif message.id in self._cells:
            self._events.event(message.id, message)
        else:
            raise ProtocolError("The driver showed something of a cell that nobody ran")

    async def _watch_end(self) -> None:
        """Until the process ends, or the VM is stopped with its memory kept."""
        assert self._process is not None
        assert self._client is not None
        ended = asyncio.ensure_future(self._process.wait())
        watched: list[asyncio.Future[Any]] = [ended, self._client.lost]
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if self.paused and not ended.done():
            ended.cancel()
            self._give_up(self._client.lost.result())
            return
        try:
            self._fail(_ending(await ended, self._last_words, self._client.paths))
        except EraError as error:
            self._fail(error)

    def _give_up(self, error: EraError) -> None:
        """The request under way fails; its reply, which comes when the VM goes on, is nobody's."""
        if self._waiting is not None and not self._waiting[2].done():
            self._given_up = self._waiting[0], asyncio.get_running_loop().create_future()
            self._waiting[2].set_exception(error)

    def _fail(self, error: EraError) -> None:
        is_awaited = self._waiting is not None and not self._waiting[2].done()
        if self._error is None:
            self._error = error
            self.ended_unnoticed = not is_awaited
        if is_awaited and self._waiting is not None:
            self._waiting[2].set_exception(self._error)


def _ending(ended: ProcessExit, last_words: LastWords, vm: VmPaths) -> EraError:
    """What to tell whoever waited for a driver that ended."""
    why = f": {last_words.line}" if last_words.line else ""
    fresh = "The next cell runs in a fresh session, without this one's variables."
    # A program of the session that memory ran out for is nobody's end but its own.
    if (ended.oom and ended.kind is ExitKind.SIGNALED) or last_words.of_memory:
        return DriverError(f"The VM ran out of {_memory(vm)} and ended the session", fresh)
    if ended.kind is ExitKind.FAILED:
        return DriverError(
            f"The image cannot run the language's driver: {os.strerror(ended.value)}",
            "`setup_scripts/images/debian.sh LANGUAGE` builds one that can.",
        )
    if ended.kind is ExitKind.SIGNALED:
        name = signal.Signals(ended.value).name if ended.value in set(signal.Signals) else str(ended.value)
        return DriverError(f"The session was ended by {name}{why}", fresh)
    return DriverError(f"The session ended (exit status {ended.value}){why}", fresh)


def _memory(vm: VmPaths) -> str:
    """How much of it a VM has, as far as its record can be read now."""
    sizes = [record.spec.mem for record in peek(vm.state) if record.id == vm.folder.name]
    return f"its {sizes[0]} MiB" if sizes else "memory"
