"""The connection to one guest's agent: bytes in, checked frames out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from era_kernel.errors import ProtocolError
from era_kernel.protocol import agent
from era_kernel.protocol.frames import Frame, FrameReader, FrameType, encode_frame

HALF_FRAME_TIMEOUT = 30.0
WORDS_LIMIT = 4096


class GuestLink(asyncio.Protocol):
    """The connection to one guest's agent.

    `hello`, `resumed` (the answer's payload), `warm` (whether something waits to become a session) and `parked` resolve
    when the agent says so. All other frames are for whoever calls listen(); until then nothing is read beyond the
    answer to RESUME. `lost` resolves to the reason when the stream ends, by the guest's or the VMM's end, or because
    the guest broke the protocol. `words` is what came in place of a greeting, such as a VMM's complaint on its stdout.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.hello: asyncio.Future[agent.AgentHello] = loop.create_future()
        self.resumed: asyncio.Future[bytes] = loop.create_future()
        self.warm: asyncio.Future[bool] = loop.create_future()
        self.parked: asyncio.Future[None] | None = None
        self.lost: asyncio.Future[str] = loop.create_future()
        self.words = b""
        self._on_frame: Callable[[Frame], None] | None = None
        self._held: list[Frame] = []
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
        if self.resumed.done() and self._on_frame is None and self._transport is not None:
            self._transport.pause_reading()

    def listen(self, on_frame: Callable[[Frame], None]) -> None:
        """Take the guest's frames from now on: processes that run may speak as soon as the guest is resumed."""
        self._on_frame = on_frame
        held, self._held = self._held, []
        for frame in held:
            on_frame(frame)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _watch_half_frame(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._reader.partial:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(HALF_FRAME_TIMEOUT, self._give_up, "The guest stopped within a frame")

    def _take(self, frame: Frame) -> None:
        if frame.type in _ANSWERS:
            _ANSWERS[frame.type](self, frame.payload)
        elif self._on_frame is not None:
            self._on_frame(frame)
        elif self.resumed.done():
            self._held.append(frame)
        else:
            raise ProtocolError(f"It sent {frame.type.name} before it was asked to")

    def _take_hello(self, payload: bytes) -> None:
        hello = agent.parse_hello(payload)
        if not self.hello.done():
            self.hello.set_result(hello)

    def _take_resumed(self, payload: bytes) -> None:
        if self.resumed.done():
            raise ProtocolError("It answered a RESUME that nobody sent")
        self.resumed.set_result(payload)

    def _take_warm(self, payload: bytes) -> None:
        if self.warm.done():
            raise ProtocolError("It became warm twice")
        self.warm.set_result(agent.parse_warmed(payload))

    def _take_parked(self, payload: bytes) -> None:
        if self.parked is None or self.parked.done():
            raise ProtocolError("It answered a PARK that nobody sent")
        agent.parse_parked(payload)
        self.parked.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._give_up("The VM ended")

    def _give_up(self, reason: str) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if not self.lost.done():
            self.lost.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    def warm_up(self, payload: bytes) -> asyncio.Future[bool]:
        """Have the agent start what sessions come out of; resolves when it serves, to False when it will not."""
        self.send(FrameType.WARM, 0, payload)
        return self.warm

    def park(self) -> asyncio.Future[None]:
        """Ask the agent to fall silent; resolves when it has."""
        self.parked = asyncio.get_running_loop().create_future()
        self.send(FrameType.PARK)
        return self.parked

    def send(self, kind: FrameType, stream: int = 0, payload: bytes = b"") -> None:
        """Send one frame; after the end of the stream it goes nowhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode_frame(kind, stream, payload))


_ANSWERS: dict[FrameType, Callable[[GuestLink, bytes], None]] = {
    FrameType.HELLO: GuestLink._take_hello,
    FrameType.RESUME: GuestLink._take_resumed,
    FrameType.WARM: GuestLink._take_warm,
    FrameType.PARK: GuestLink._take_parked,
}
