"""The connection to one guest's agent: bytes in, checked frames out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from era_kernel.errors import ProtocolError
from era_kernel.protocol import agent
from era_kernel.protocol.frames import Frame, FrameReader, FrameType, encode_frame

HALF_FRAME_TIMEOUT = 30.0
WARM = b"\x01"


class GuestLink(asyncio.Protocol):
    """The connection to one guest's agent.

    `hello`, `resumed` (the answer's payload), `warm` (whether the zygote has a spare) and `parked` resolve when the
    agent says so. All other frames go to `on_frame`. `lost` resolves to the reason when the stream ends, by the guest's
    or the VMM's end, or because the guest broke the protocol.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.hello: asyncio.Future[agent.AgentHello] = loop.create_future()
        self.resumed: asyncio.Future[bytes] = loop.create_future()
        self.warm: asyncio.Future[bool] = loop.create_future()
        self.parked: asyncio.Future[None] | None = None
        self.lost: asyncio.Future[str] = loop.create_future()
        self.on_frame: Callable[[Frame], None] | None = None
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
        elif frame.type is FrameType.WARM:
            if self.warm.done():
                raise ProtocolError("It became warm twice")
            self.warm.set_result(frame.payload == WARM)
        elif frame.type is FrameType.PARK:
            if self.parked is None or self.parked.done():
                raise ProtocolError("It answered a PARK that nobody sent")
            self.parked.set_result(None)
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

    def park(self) -> asyncio.Future[None]:
        """Ask the agent to fall silent; resolves when it has."""
        self.parked = asyncio.get_running_loop().create_future()
        self.send(FrameType.PARK)
        return self.parked

    def send(self, kind: FrameType, stream: int = 0, payload: bytes = b"") -> None:
        """Send one frame; after the end of the stream it goes nowhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode_frame(kind, stream, payload))
