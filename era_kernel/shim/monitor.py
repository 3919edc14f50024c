"""A VMM's monitor, spoken to over QMP: takes up a saved state of a guest, saves one, has a stalled guest run on."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, BinaryIO

from era_kernel.errors import ProtocolError, VmStateError
from era_kernel.launchers.qmp import QmpMessage, QmpReader, encode_command

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20.0
SAVE_SECONDS = 120.0
ROOM_SECONDS = 1.0
_LOOK_AGAIN = 0.003
_CHUNK = 65536
_UNLIMITED = 1 << 40
"""Bytes a second. QEMU's default, 128 MiB/s, is for networks."""


class Monitor:
    """One VMM's monitor on a socket. Every call may raise VmStateError, ProtocolError, TimeoutError, OSError."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._reader = QmpReader()
        self._messages: list[QmpMessage] = []
        self._count = 0

    def close(self) -> None:
        self._socket.close()

    async def take_up(self, state: int, *, memory_apart: bool) -> None:
        """Have the VMM load the state that it can read from its fd `state`. The guest runs on as soon as it is loaded.

        A state that cannot be loaded ends the VMM.
        """
        await self._negotiate()
        await self._execute("migrate-set-capabilities", _memory_apart(memory_apart))
        await self._execute("migrate-incoming", {"uri": f"fd:{state}"})

    async def save(self, state: BinaryIO, *, memory_apart: bool) -> None:
        """Write the guest's state to an open file. The guest has stopped then; it runs on if this fails.

        It is not stopped before, or the state would be that of a paused guest, which then has to be told to run on, and
        not too early.
        """
        await self._negotiate()
        await self._execute("migrate-set-capabilities", _memory_apart(memory_apart))
        await self._execute("migrate-set-parameters", {"max-bandwidth": _UNLIMITED})
        await self._execute("getfd", {"fdname": "state"}, pass_fd=state.fileno())
        await self._execute("migrate", {"uri": "fd:state"})
        async with asyncio.timeout(SAVE_SECONDS):
            await self._saved()

    async def run_on(self) -> None:
        """Until cancelled: have the guest run on whenever a full disk of the host has stopped it.

        QEMU stops a guest at a write for which the host has no room (werror=enospc, its default), so that nothing is
        lost, and repeats the write when it is told to run on.
        """
        await self._negotiate()
        while True:
            await self._event("STOP")
            while await self._stalled():
                log.warning("there is no room on the host for what the VM writes: it waits")
                await asyncio.sleep(ROOM_SECONDS)
                await self._execute("cont")

    async def _stalled(self) -> bool:
        found = await self._execute("query-status")
        return isinstance(found, dict) and found.get("status") == "io-error"

    async def _saved(self) -> None:
        while True:
            found = await self._execute("query-migrate")
            status = found.get("status") if isinstance(found, dict) else None
            if status == "completed":
                return
            if status not in ("setup", "active", "device", "pre-switchover"):
                reason = found.get("error-desc", status) if isinstance(found, dict) else status
                raise VmStateError(f"The guest's state could not be saved: {str(reason)[:200]}")
            await asyncio.sleep(_LOOK_AGAIN)

    async def _negotiate(self) -> None:
        """What a monitor wants first (qmp-spec, "Capabilities Negotiation")."""
        if self._count == 0:
            await self._execute("qmp_capabilities")

    async def _execute(self, name: str, arguments: dict[str, Any] | None = None, pass_fd: int | None = None) -> Any:
        """The command's result; VmStateError with QEMU's words when it fails."""
        self._count += 1
        command = encode_command(self._count, name, arguments or {})
        async with asyncio.timeout(ANSWER_SECONDS):
            if pass_fd is None:
                await asyncio.get_running_loop().sock_sendall(self._socket, command)
            else:
                socket.send_fds(self._socket, [command], [pass_fd])
            answer = await self._answer()
        if answer.error is not None:
            raise VmStateError(f"The hypervisor refused {name}: {answer.error.desc[:200]}")
        return answer.result

    async def _answer(self) -> QmpMessage:
        """The answer to the last command; greetings and events are passed over."""
        while True:
            for number, message in enumerate(self._messages):
                if message.id == self._count:
                    del self._messages[: number + 1]
                    return message
            await self._receive()

    async def _event(self, name: str) -> None:
        """The next event of this name; all before it is passed over."""
        while True:
            for number, message in enumerate(self._messages):
                if message.event == name:
                    del self._messages[: number + 1]
                    return
            await self._receive()

    async def _receive(self) -> None:
        """More messages, in place of those that were looked through."""
        self._messages.clear()
        data = await asyncio.get_running_loop().sock_recv(self._socket, _CHUNK)
        if not data:
            raise ProtocolError("The hypervisor's monitor was closed")
        self._messages = self._reader.feed(data)


def _memory_apart(apart: bool) -> dict[str, Any]:
    """Whether memory that is a shared file is left out of the state (QEMU's qapi/migration.json)."""
    return {"capabilities": [{"capability": "x-ignore-shared", "state": apart}]}
