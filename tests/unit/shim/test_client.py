"""The client, with a shim whose words are the test's."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from era_kernel.errors import VmLostError
from era_kernel.paths import StatePaths
from era_kernel.protocol import control
from era_kernel.protocol.control import ShimControl
from era_kernel.shim.client import ShimClient
from era_kernel.shim.guest_process import GuestProcess

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(20)]


def ignore(fd: int, data: bytes) -> None:
    pass


async def connected(folder: Path, shim: socket.socket, ours: socket.socket) -> tuple[ShimClient, GuestProcess]:
    """A client with one process, attached by the shim's answer."""
    say(shim, control.Attached("python-0badcafe", "0"))
    ours.setblocking(False)
    return await ShimClient.take_over(ours, "token", StatePaths(folder).vm("python-0badcafe"), ignore)


def say(shim: socket.socket, message: ShimControl) -> None:
    shim.sendall(control.encode_control(message))


async def test_who_waits_for_a_process_is_told_that_its_vm_was_saved(tmp_path: Path) -> None:
    shim, ours = socket.socketpair()
    with shim:
        _, process = await connected(tmp_path, shim, ours)
        say(shim, control.VmGone("python-0badcafe was stopped", stopped=True, saved=True))
        with pytest.raises(VmLostError, match=r"was stopped.*era vm start"):
            async with asyncio.timeout(5):
                await process.wait()


async def test_who_may_rejoin_goes_on_waiting(tmp_path: Path) -> None:
    shim, ours = socket.socketpair()
    with shim:
        client, process = await connected(tmp_path, shim, ours)
        client.may_rejoin = True
        say(shim, control.VmGone("python-0badcafe was stopped", stopped=True, saved=True))
        await client.lost
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await process.wait()
