"""The streams that a shim carries between its clients and the agent: who owns which, what the guest may send on it.

Sans-IO. The shim rewrites stream numbers and passes payloads on unchanged; credit goes from end to end, so the shim
never holds more for a client than that client granted. The guest is not believed: a frame that it may not send is a
ProtocolError, upon which the shim ends the VM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from era_kernel.errors import ProtocolError
from era_kernel.models import ProcessIdentity
from era_kernel.protocol import agent
from era_kernel.protocol.frames import MAX_DATA, Frame, FrameType
from era_kernel.shim.snapshot import SavedStream

OwnerT = TypeVar("OwnerT")
_INPUT_FRAMES = frozenset({FrameType.DATA, FrameType.CLOSE, FrameType.WINDOW, FrameType.SIGNAL, FrameType.RESIZE})


def _initial_credit(fds: frozenset[int]) -> dict[int, int]:
    return dict.fromkeys(fds, agent.INITIAL_CREDIT)


class Stream(msgspec.Struct, Generic[OwnerT], eq=False):
    """One process in the guest. `owner` is None once its client has left.

    `held` is what a process of a guest that goes on sent before its owner came back, no more than it had credit for.
    """

    owner: OwnerT | None
    client_stream: int
    guest_stream: int
    granted: dict[int, int] = msgspec.field(default_factory=lambda: _initial_credit(agent.OUTPUT_FDS))
    input_credit: dict[int, int] = msgspec.field(default_factory=lambda: _initial_credit(agent.INPUT_FDS))
    open_outputs: set[int] = msgspec.field(default_factory=lambda: set(agent.OUTPUT_FDS))
    exited: bool = False
    held: list[Frame] | None = None

    @property
    def is_session(self) -> bool:
        """Whether this is a live driver: a driver's message fd stays open as long as it lives."""
        return not self.exited and agent.DRIVER_OUT in self.open_outputs

    @property
    def over(self) -> bool:
        return self.exited and not self.open_outputs and self.held is None


class Streams(Generic[OwnerT]):
    """All streams of one VM. Guest stream numbers are never used twice."""

    def __init__(self) -> None:
        self._by_guest: dict[int, Stream[OwnerT]] = {}
        self._by_client: dict[tuple[OwnerT, int], Stream[OwnerT]] = {}
        self._next = 1

    @property
    def live(self) -> int:
        """How many processes have not ended."""
        return sum(not stream.exited for stream in self._by_guest.values())

    @property
    def sessions(self) -> int:
        """How many of them are drivers."""
        return sum(stream.is_session for stream in self._by_guest.values())

    def open(self, owner: OwnerT, client_stream: int, spawn: bytes) -> Stream[OwnerT]:
        """A new stream for a SPAWN payload; ProtocolError when the client uses the number already."""
        if client_stream == 0 or (owner, client_stream) in self._by_client:
            raise ProtocolError(f"Stream {client_stream} is in use")
        flags = int.from_bytes(spawn[:2], "big")
        stream = Stream(owner, client_stream, self._next)
        stream.open_outputs = {agent.STDOUT}
        if not flags & agent.SpawnFlags.PTY:
            stream.open_outputs.add(agent.STDERR)
        if flags & agent.SpawnFlags.DRIVER:
            stream.open_outputs.add(agent.DRIVER_OUT)
        self._next += 1
        self._by_guest[stream.guest_stream] = stream
        self._by_client[owner, client_stream] = stream
        return stream

    def from_client(self, owner: OwnerT, frame: Frame) -> Stream[OwnerT] | None:
        """The stream that a client's frame is for; None when it is over. ProtocolError for a frame that is none."""
        if frame.type not in _INPUT_FRAMES:
            raise ProtocolError(f"A client must not send {frame.type.name}")
        stream = self._by_client.get((owner, frame.stream))
        if stream is None:
            return None
        if frame.type is FrameType.WINDOW:
            fd, credit = agent.parse_window(frame.payload)
            stream.granted[fd] = min(stream.granted.get(fd, 0) + credit, agent.MAX_CREDIT)
        elif frame.type is FrameType.CLOSE:
            stream.open_outputs.discard(frame.payload[0] if frame.payload else 0)
            self._forget_if_over(stream)
        return stream

    def from_guest(self, frame: Frame) -> Stream[OwnerT] | None:
        """Check a guest's frame and give the stream that it is for; None when it is to be dropped."""
        stream = self._by_guest.get(frame.stream)
        if stream is None:
            if 0 < frame.stream < self._next:
                return None
            raise ProtocolError(f"The guest used stream {frame.stream}, which was never opened")
        wanted = self._take(stream, frame)
        self._forget_if_over(stream)
        if wanted and stream.held is not None:
            stream.held.append(frame)
        return stream if wanted and stream.owner is not None else None

    def _take(self, stream: Stream[OwnerT], frame: Frame) -> bool:
        """Account for one frame; whether it is to be passed on."""
        match frame.type:
            case FrameType.DATA:
                return self._take_data(stream, frame.payload)
            case FrameType.CLOSE if len(frame.payload) == 1:
                stream.open_outputs.discard(frame.payload[0])
                return True
            case FrameType.WINDOW:
                fd, credit = agent.parse_window(frame.payload)
                total = stream.input_credit.get(fd, agent.MAX_CREDIT) + credit
                if total > agent.MAX_CREDIT + agent.INITIAL_CREDIT:
                    raise ProtocolError("The guest granted more credit than there can be")
                stream.input_credit[fd] = total
                return True
            case FrameType.EXIT:
                agent.parse_exit(frame.payload)
                if stream.exited:
                    raise ProtocolError("The guest ended a process twice")
                stream.exited = True
                return True
            case FrameType.ERROR:
                agent.parse_error(frame.payload)
                stream.exited = True
                stream.open_outputs.clear()
                return True
            case _:
                raise ProtocolError(f"The guest sent {frame.type.name} on a stream")

    @staticmethod
    def _take_data(stream: Stream[OwnerT], payload: bytes) -> bool:
        size = len(payload) - 1
        fd = payload[0] if payload else -1
        if fd not in agent.OUTPUT_FDS or not 0 < size <= MAX_DATA:
            raise ProtocolError(f"The guest sent {size} bytes on its fd {fd}")
        if stream.granted[fd] < size:
            raise ProtocolError("The guest sent more than it had credit for")
        stream.granted[fd] -= size
        return fd in stream.open_outputs

    def sent_to_guest(self, stream: Stream[OwnerT], payload: bytes) -> None:
        """Account for a client's DATA; ProtocolError when it has no credit for it."""
        fd = payload[0] if payload else -1
        size = len(payload) - 1
        if fd not in agent.INPUT_FDS or size > MAX_DATA or stream.input_credit[fd] < size:
            raise ProtocolError("A client sent data without credit")
        stream.input_credit[fd] -= size

    def leave(self, owner: OwnerT) -> list[Stream[OwnerT]]:
        """A client has gone: its streams, now nobody's, whose processes are to be ended."""
        mine = [stream for (who, _), stream in self._by_client.items() if who == owner]
        for stream in mine:
            del self._by_client[owner, stream.client_stream]
            stream.owner = None
            stream.open_outputs.clear()
            self._forget_if_over(stream)
        return [stream for stream in mine if not stream.exited]

    def save(self, describe: Callable[[OwnerT], tuple[str, ProcessIdentity | None]]) -> list[SavedStream]:
        """The processes that live and are somebody's; `describe` gives an owner's token and process."""
        return [
            SavedStream(
                *describe(stream.owner),
                stream.client_stream,
                stream.guest_stream,
                stream.granted,
                stream.input_credit,
                sorted(stream.open_outputs),
            )
            for stream in self._by_guest.values()
            if stream.owner is not None and not stream.exited
        ]

    @property
    def next_stream(self) -> int:
        return self._next

    def restore(self, saved: list[SavedStream], next_stream: int) -> None:
        """Take over the processes of a guest that goes on; they are nobody's until they are claimed."""
        self._next = next_stream
        for each in saved:
            self._by_guest[each.guest_stream] = Stream(
                None,
                each.client_stream,
                each.guest_stream,
                dict(each.granted),
                dict(each.input_credit),
                set(each.open_outputs),
                held=[],
            )

    def claim(self, owner: OwnerT, guest_stream: int) -> tuple[Stream[OwnerT], list[Frame]]:
        """A process of before is its owner's again: with what it sent meanwhile."""
        stream = self._by_guest[guest_stream]
        held, stream.held = stream.held or [], None
        stream.owner = owner
        self._by_client[owner, stream.client_stream] = stream
        self._forget_if_over(stream)
        return stream, held

    @staticmethod
    def credit_before(stream: Stream[OwnerT], held: list[Frame]) -> dict[int, int]:
        """The credit that a process's owner has for its inputs before it gets to know what was held for it."""
        credit = dict(stream.input_credit)
        for frame in held:
            if frame.type is FrameType.WINDOW:
                fd, more = agent.parse_window(frame.payload)
                credit[fd] -= more
        return credit

    @staticmethod
    def fill_up(stream: Stream[OwnerT]) -> list[tuple[int, int]]:
        """(fd, bytes) to grant so that a claimed process's outputs have their first credit again.

        What its owner granted just when the guest was saved is lost.
        """
        grants = [(fd, agent.INITIAL_CREDIT - stream.granted[fd]) for fd in sorted(stream.open_outputs)]
        grants = [(fd, credit) for fd, credit in grants if credit > 0]
        for fd, credit in grants:
            stream.granted[fd] += credit
        return grants

    def abandon(self, guest_stream: int) -> Stream[OwnerT]:
        """A process of before whose owner is no more: it is to be ended."""
        stream = self._by_guest[guest_stream]
        stream.held = None
        stream.open_outputs.clear()
        self._forget_if_over(stream)
        return stream

    def _forget_if_over(self, stream: Stream[OwnerT]) -> None:
        if stream.over:
            self._by_guest.pop(stream.guest_stream, None)
            if stream.owner is not None:
                self._by_client.pop((stream.owner, stream.client_stream), None)
