"""A guest brought up: booted, or taken up where a saved one left off, and made itself."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from era_kernel.atomic import sync_folder
from era_kernel.errors import BootError, EraError, SnapshotError
from era_kernel.launchers.base import BootPlan, Saved
from era_kernel.protocol import agent
from era_kernel.protocol.frames import PROTOCOL, FrameType
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.launch import Launched, launch
from era_kernel.shim.link import GuestLink
from era_kernel.shim.vmm import Vmm

log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

BOOT_ATTEMPTS = 2
RESUME_TIMEOUT = 20.0
TAKE_UP_TIMEOUT = 20.0
PARK_TIMEOUT = 10.0
STATUS_WAIT = 1.0
TEMPLATE_LAG = 24 * 3600
"""Seconds that a template's clock is behind. Generators that a program seeded in it, such as OpenSSL's, seed themselves
again when an hour has gone by (providers/implementations/rands/drbg.c), and so in each clone, whose clock is right."""
_REMEDY = "`era doctor` checks what a VM needs; the end of its console follows."


class Guest:
    """A VM that is up: its VMM, its link, the agent's version and when (time.monotonic) it came up."""

    def __init__(self, vmm: Vmm, link: GuestLink, agent_version: str) -> None:
        self.vmm = vmm
        self.link = link
        self.agent_version = agent_version
        self.since = time.monotonic()

    async def save(self, state: BinaryIO, *, memory_apart: bool) -> None:
        """Have the agent fall silent, and write the guest's state to a file. It runs no more then, unless this fails.

        Raises VmStateError, ProtocolError, BootError (the VM ended), TimeoutError, OSError.
        """
        assert self.vmm.monitor is not None
        await answer_of(self.link, self.vmm, self.link.park(), PARK_TIMEOUT, "fall silent")
        await self.vmm.monitor.save(state, memory_apart=memory_apart)


async def bring_up(plan: BootPlan, console: ConsoleLog, launched: Launched | None = None) -> Guest:
    """Boot the guest of a plan, or take it up from a saved state, and make it itself.

    `launched` is its VMM if that was started already. Raises BootError with the console's end, SnapshotError when it
    was the saved state that could not be taken up; nothing runs then.
    """
    if plan.saved is not None:
        return await _attempt(plan, console, launched)
    for attempt in range(1, BOOT_ATTEMPTS + 1):
        try:
            guest = await _attempt(plan, console, launched)
        except BootError as error:
            if attempt == BOOT_ATTEMPTS:
                raise
            log.warning("boot %d of %s failed, trying again: %s", attempt, plan.vm_id, error)
            launched = None
        else:
            if plan.warm:
                guest.link.warm_up(plan.warm)
            return guest
    raise AssertionError("unreachable")


async def _attempt(plan: BootPlan, console: ConsoleLog, launched: Launched | None) -> Guest:
    saved = plan.saved
    vmm = Vmm(launched or launch(plan), console)
    _, link = await asyncio.get_running_loop().create_connection(GuestLink, sock=vmm.stream)
    try:
        if saved is None:
            hello = await greeted(vmm, link, plan.boot_timeout)
            await resume(vmm, link, resume_for(plan.vm_id))
        else:
            await _take_up(vmm, link, saved)
            await resume(vmm, link, resume_for(plan.vm_id))
            hello = await greeted(vmm, link, TAKE_UP_TIMEOUT)
    except (EraError, TimeoutError, OSError) as error:
        await vmm.kill()
        if link.words:
            console.write(link.words)
        told = error.message if isinstance(error, EraError) else str(error) or type(error).__name__
        if saved is not None:
            raise SnapshotError(f"{plan.vm_id} could not be taken up: {told}", "", console.tail()) from error
        raise BootError(f"{plan.vm_id} did not come up: {told}", _REMEDY, console.tail()) from error
    except BaseException:
        await vmm.kill()
        raise
    return Guest(vmm, link, hello.version)


async def _take_up(vmm: Vmm, link: GuestLink, saved: Saved) -> None:
    """The agent, which was silent when it was saved, is greeted: a booted one greets by itself."""
    assert vmm.monitor is not None
    if saved.once is not None:
        record = Path(saved.once)
        record.unlink()
        sync_folder(record.parent)
    await vmm.monitor.take_up(vmm.state_fd, memory_apart=saved.ram is not None)
    link.send(FrameType.HELLO, 0, PROTOCOL.to_bytes(4, "big"))


async def greeted(vmm: Vmm, link: GuestLink, timeout: float) -> agent.AgentHello:
    """The agent's greeting. BootError when none comes in `timeout` seconds, or one of another protocol."""
    hello = await answer_of(link, vmm, link.hello, timeout, "answer")
    if hello.protocol != PROTOCOL:
        raise BootError(f"its agent speaks protocol {hello.protocol}, not {PROTOCOL}")
    return hello


async def resume(vmm: Vmm, link: GuestLink, identity: agent.Resume) -> None:
    """Make a guest itself; what could not be set is logged. Raises BootError, ProtocolError."""
    link.send(FrameType.RESUME, 0, agent.encode_resume(identity))
    answer = await answer_of(link, vmm, link.resumed, RESUME_TIMEOUT, "take its identity")
    if errors := agent.parse_resumed(answer, identity.nonce):
        log.warning("%s could not set: %s", identity.hostname, errors)


def resume_for(vm_id: str, *, template: bool = False) -> agent.Resume:
    """What makes a guest this VM, now: the machine id is always the VM's, entropy and nonce are new."""
    return agent.Resume(
        clock=time.time_ns() - (TEMPLATE_LAG * 10**9 if template else 0),
        nonce=os.urandom(16),
        machine_id=vm_id.encode().rjust(16, b"-")[-16:],
        hostname=vm_id,
        entropy=os.urandom(agent.ENTROPY_BYTES),
        flags=agent.ResumeFlags.TEMPLATE if template else agent.NO_RESUME_FLAGS,
    )


async def answer_of(link: GuestLink, vmm: Vmm, answer: asyncio.Future[AnswerT], timeout: float, what: str) -> AnswerT:
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
