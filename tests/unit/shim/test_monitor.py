"""What is said to a VMM's monitor, with a VMM that is the test's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest

from era_kernel.shim import monitor
from era_kernel.shim.monitor import Monitor

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(20)]


class Vmm:
    """Stops at a write, and has room again after it was told to run on twice."""

    def __init__(self, connection: socket.socket) -> None:
        self.said: list[str] = []
        self._connection = connection
        self._full = 2

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._connection.setblocking(False)
        held = b""
        while data := await loop.sock_recv(self._connection, 65536):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                command = json.loads(line)
                self.said.append(command["execute"])
                await self._answer(command["execute"], command["id"])

    async def _answer(self, name: str, number: int) -> None:
        result: dict[str, Any] = {}
        if name == "query-status":
            result = {"status": "io-error" if self._full else "running"}
        if name == "cont":
            self._full -= 1
            await self._say({"event": "RESUME"})
        await self._say({"return": result, "id": number})
        if name == "qmp_capabilities" or (name == "cont" and self._full):
            await self._say({"event": "STOP"})

    async def _say(self, message: dict[str, Any]) -> None:
        await asyncio.get_running_loop().sock_sendall(self._connection, json.dumps(message).encode() + b"\n")


async def test_a_guest_that_a_full_disk_stopped_runs_on_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "ROOM_SECONDS", 0.01)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        vmm = Vmm(theirs)
        tasks = [asyncio.create_task(vmm.serve()), asyncio.create_task(Monitor(ours).run_on())]
        await asyncio.wait(tasks, timeout=0.5)
        for task in tasks:
            assert not task.done(), "both go on"
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    assert vmm.said.count("cont") == 2
    assert vmm.said[-1] == "query-status"
