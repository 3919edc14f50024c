"""The shim's side towards its clients: a unix socket that only this user can open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from pathlib import Path
from typing import Protocol

from era_kernel import process
from era_kernel.errors import ProtocolError
from era_kernel.models import ProcessIdentity
from era_kernel.protocol import control
from era_kernel.protocol.frames import PROTOCOL, Frame, FrameReader, FrameType, encode_frame
from era_kernel.shim.address import socket_address

log = logging.getLogger(__name__)


class Hub(Protocol):
    """What a client's connection needs of the shim."""

    def client_joined(self, client: ClientLink) -> None:
        """A client has attached."""

    def client_left(self, client: ClientLink) -> None:
        """A client's connection ended, whatever the reason."""

    def client_frame(self, client: ClientLink, frame: Frame) -> None:
        """A frame of an attached client; ProtocolError closes its connection."""

    def client_control(self, client: ClientLink, message: control.ClientControl) -> None:
        """A control message of an attached client."""


class ClientLink(asyncio.Protocol):
    """One client's connection. A client that breaks the protocol loses its connection, nobody else's."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._attached = False
        self.token = ""
        self.process: ProcessIdentity | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        pid, uid = peer(transport.get_extra_info("socket"))
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process = process.identify(pid)
        if uid not in (0, os.getuid()):
            log.warning("refused a connection of another user")
            transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except ProtocolError as error:
            log.warning("closing a client's connection: %s", error)
            self.abort()

    def _take(self, frame: Frame) -> None:
        if frame.type is not FrameType.CONTROL:
            if not self._attached:
                raise ProtocolError("A client spoke before it attached")
            self._hub.client_frame(self, frame)
            return
        message = control.parse_client_control(frame.payload)
        if not self._attached:
            if not isinstance(message, control.Attach) or message.protocol != PROTOCOL:
                raise ProtocolError(f"A client of another version attached: {message}")
            self._attached = True
            self.token = message.token
            self._hub.client_joined(self)
        else:
            self._hub.client_control(self, message)

    def connection_lost(self, error: Exception | None) -> None:
        if self._attached:
            self._attached = False
            self._hub.client_left(self)

    def send(self, kind: FrameType, stream: int, payload: bytes) -> None:
        self._write(encode_frame(kind, stream, payload))

    def send_control(self, message: control.ShimControl) -> None:
        self._write(control.encode_control(message))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close when all that was sent has gone out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def peer(connection: socket.socket) -> tuple[int | None, int]:
    """(pid, uid) of the process at the other end; (None, our own uid) where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None, os.getuid()
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", credentials)
    return pid, uid


async def listen(path: Path, hub: Hub) -> asyncio.Server:
    """Serve clients at `path` (0600), in place of a socket that a dead shim left. The caller holds the VM's lock."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with socket_address(path) as address:
            listener.bind(address)
    finally:
        os.umask(mask)
    return await asyncio.get_running_loop().create_unix_server(lambda: ClientLink(hub), sock=listener)
