"""The shim's end of the frame stream: boots a VM and speaks with its agent."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from era_kernel.errors import BootError, ProtocolError
from era_kernel.launchers.base import BootPlan
from era_kernel.protocol import agent
from era_kernel.protocol.frames import PROTOCOL, Frame, FrameReader, FrameType, encode_frame
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.vmm import Vmm

log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

BOOT_ATTEMPTS = 2
RESUME_TIMEOUT = 20.0
STATUS_WAIT = 1.0
HALF_FRAME_TIMEOUT = 30.0
WORDS_LIMIT = 4096
_HANDSHAKE = (FrameType.HELLO, FrameType.RESUME)


class GuestLink(asyncio.Protocol):
    """The connection to one guest's agent.

    `words` is what came in place of the agent's HELLO, such as a VMM's complaint on its stdout.
    Frames other than the handshake's go to `on_frame`; `lost` resolves to the reason when the stream ends, by the
    guest's or the VMM's end, or because the guest broke the protocol.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.hello: asyncio.Future[agent.AgentHello] = loop.create_future()
        self.resumed: asyncio.Future[bytes] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.on_frame: Callable[[Frame], None] | None = None
        self.words = b""
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except ProtocolError as error:
            if not self.hello.done():
                self.words = data[:WORDS_LIMIT]
            self._give_up(f"The guest broke the protocol: {error.message}")
        self._watch_half_frame()

    def _watch_half_frame(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._reader.partial:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(HALF_FRAME_TIMEOUT, self._give_up, "The guest stopped within a frame")

    def _take(self, frame: Frame) -> None:
        if frame.type is FrameType.HELLO:
            hello = agent.parse_hello(frame.payload)
            if not self.hello.done():
                self.hello.set_result(hello)
        elif frame.type is FrameType.RESUME:
            if self.resumed.done():
                raise ProtocolError("It answered a RESUME that nobody sent")
            self.resumed.set_result(frame.payload)
        elif self.on_frame is not None:
            self.on_frame(frame)
        else:
            raise ProtocolError(f"It sent {frame.type.name} before it was asked to")

    def connection_lost(self, error: Exception | None) -> None:
        self._give_up("The VM ended")

    def _give_up(self, reason: str) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if not self.lost.done():
            self.lost.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    def send(self, kind: FrameType, stream: int = 0, payload: bytes = b"") -> None:
        """Send one frame; after the end of the stream it goes nowhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode_frame(kind, stream, payload))


class Guest:
    """A VM that is up: its VMM, its link, the agent's version and when (time.monotonic) it came up."""

    def __init__(self, vmm: Vmm, link: GuestLink, agent_version: str) -> None:
        self.vmm = vmm
        self.link = link
        self.agent_version = agent_version
        self.since = time.monotonic()


async def boot(plan: BootPlan, console: ConsoleLog) -> Guest:
    """Boot a VM and make it itself (RESUME); a boot that fails is tried once more. BootError with the console's end."""
    for attempt in range(1, BOOT_ATTEMPTS + 1):
        try:
            return await _boot_once(plan, console)
        except BootError as error:
            if attempt == BOOT_ATTEMPTS:
                raise
            log.warning("boot %d of %s failed, trying again: %s", attempt, plan.vm_id, error)
    raise AssertionError("unreachable")


async def _boot_once(plan: BootPlan, console: ConsoleLog) -> Guest:
    vmm = Vmm(plan, console)
    link: GuestLink | None = None
    try:
        _, link = await asyncio.get_running_loop().create_connection(GuestLink, sock=vmm.stream)
        hello = await _answer(link, vmm, link.hello, plan.boot_timeout, "answer")
        if hello.protocol != PROTOCOL:
            raise BootError(f"The agent in {plan.vm_id} speaks protocol {hello.protocol}, not {PROTOCOL}")
        await _resume(plan, vmm, link)
    except (BootError, ProtocolError) as error:
        await vmm.kill()
        if link is not None and link.words:
            console.write(link.words)
        raise BootError(f"{plan.vm_id} did not come up: {error.message}", _REMEDY, console.tail()) from error
    except BaseException:
        await vmm.kill()
        raise
    return Guest(vmm, link, hello.version)


_REMEDY = "`era doctor` checks what a VM needs; the end of its console follows."


async def _resume(plan: BootPlan, vmm: Vmm, link: GuestLink) -> None:
    resume = resume_for(plan.vm_id)
    link.send(FrameType.RESUME, 0, agent.encode_resume(resume))
    answer = await _answer(link, vmm, link.resumed, RESUME_TIMEOUT, "take its identity")
    if errors := agent.parse_resumed(answer, resume.nonce):
        log.warning("%s could not set: %s", plan.vm_id, errors)


def resume_for(vm_id: str) -> agent.Resume:
    """What makes a guest this VM, now: the machine id is always the VM's, entropy and nonce are new."""
    return agent.Resume(
        clock=time.time_ns(),
        nonce=os.urandom(16),
        machine_id=hashlib.sha256(b"era machine-id " + vm_id.encode()).digest()[:16],
        hostname=vm_id,
        entropy=os.urandom(agent.ENTROPY_BYTES),
    )


async def _answer(link: GuestLink, vmm: Vmm, answer: asyncio.Future[AnswerT], timeout: float, what: str) -> AnswerT:
    """Wait for the guest's answer, its end or the time limit, whichever comes first."""
    waited: list[asyncio.Future[Any]] = [answer, link.lost, vmm.ended]
    await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    if answer.done():
        return answer.result()
    if link.lost.done() and not vmm.ended.done():  # its status, a moment later, tells more
        await asyncio.wait([vmm.ended], timeout=STATUS_WAIT)
    if vmm.ended.done():
        raise BootError(f"its hypervisor ended with status {vmm.ended.result()}")
    if link.lost.done():
        raise BootError(link.lost.result())
    raise BootError(f"it did not {what} within {timeout:.0f} s")
