"""What the shim lets through between clients and a guest that is not believed."""

from __future__ import annotations

import struct

import pytest

from era_kernel.errors import ProtocolError
from era_kernel.protocol import agent
from era_kernel.protocol.frames import MAX_DATA, Frame, FrameType
from era_kernel.shim.streams import Stream, Streams

SPAWN = agent.encode_spawn(["true"], {}, "/")
DRIVER = agent.encode_spawn(["true"], {}, "/", agent.SpawnFlags.DRIVER)
EXIT = struct.pack(">BIQQQB", 0, 0, 0, 0, 0, 0)


@pytest.fixture
def streams() -> Streams[str]:
    return Streams()


def data(stream: int, fd: int, size: int) -> Frame:
    return Frame(FrameType.DATA, stream, bytes([fd]) + b"x" * size)


def test_two_clients_use_the_same_number_without_meeting(streams: Streams[str]) -> None:
    first, second = streams.open("a", 1, SPAWN), streams.open("b", 1, SPAWN)
    assert first.guest_stream != second.guest_stream
    assert streams.from_guest(data(second.guest_stream, 1, 5)) is second
    assert streams.from_client("a", Frame(FrameType.SIGNAL, 1, b"")) is first


def test_a_client_cannot_use_a_number_twice_or_zero(streams: Streams[str]) -> None:
    streams.open("a", 1, SPAWN)
    for number in (0, 1):
        with pytest.raises(ProtocolError):
            streams.open("a", number, SPAWN)


def test_a_client_may_send_only_what_is_for_a_process(streams: Streams[str]) -> None:
    for kind in (FrameType.HELLO, FrameType.RESUME, FrameType.POWEROFF, FrameType.EXIT):
        with pytest.raises(ProtocolError, match="must not"):
            streams.from_client("a", Frame(kind, 1, b""))


def test_a_stream_is_over_after_exit_and_all_closes(streams: Streams[str]) -> None:
    stream = streams.open("a", 1, SPAWN)
    assert streams.live == 1
    assert streams.from_guest(Frame(FrameType.EXIT, stream.guest_stream, EXIT)) is stream
    assert streams.live == 0
    assert streams.from_guest(data(stream.guest_stream, 1, 1)) is stream
    for fd in (1, 2):
        assert streams.from_guest(Frame(FrameType.CLOSE, stream.guest_stream, bytes([fd]))) is stream
    assert streams.from_guest(data(stream.guest_stream, 1, 1)) is None
    assert streams.from_client("a", Frame(FrameType.SIGNAL, 1, b"")) is None


def guest_breaks(streams: Streams[str], stream: Stream[str], frame: Frame) -> bool:
    try:
        streams.from_guest(frame._replace(stream=stream.guest_stream))
    except ProtocolError:
        return True
    return False


@pytest.mark.parametrize(
    "frame",
    [
        data(0, 0, 1),
        data(0, 3, 1),
        data(0, 9, 1),
        data(0, 1, 0),
        data(0, 1, MAX_DATA + 1),
        Frame(FrameType.DATA, 0, b""),
        Frame(FrameType.CLOSE, 0, b""),
        Frame(FrameType.WINDOW, 0, b"\0\xff\xff\xff\xff"),
        Frame(FrameType.SPAWN, 0, SPAWN),
        Frame(FrameType.RESUME, 0, b""),
        Frame(FrameType.STATS, 0, b""),
        Frame(FrameType.EXIT, 0, b"\0"),
        Frame(FrameType.ERROR, 0, b""),
        Frame(FrameType.CONTROL, 0, b"{}"),
    ],
)
def test_a_guest_may_send_only_what_is_a_process_s(streams: Streams[str], frame: Frame) -> None:
    assert guest_breaks(streams, streams.open("a", 1, DRIVER), frame)


def test_a_guest_cannot_use_a_stream_that_was_never_opened(streams: Streams[str]) -> None:
    with pytest.raises(ProtocolError, match="never opened"):
        streams.from_guest(data(17, 1, 1))


def test_a_guest_cannot_end_a_process_twice(streams: Streams[str]) -> None:
    stream = streams.open("a", 1, SPAWN)
    frame = Frame(FrameType.EXIT, stream.guest_stream, EXIT)
    streams.from_guest(frame)
    assert guest_breaks(streams, stream, frame)


def test_a_guest_cannot_send_beyond_its_credit(streams: Streams[str]) -> None:
    stream = streams.open("a", 1, SPAWN)
    for _ in range(agent.INITIAL_CREDIT // MAX_DATA):
        assert streams.from_guest(data(stream.guest_stream, 1, MAX_DATA)) is stream
    assert guest_breaks(streams, stream, data(0, 1, 1))


def test_credit_that_a_client_grants_counts(streams: Streams[str]) -> None:
    stream = streams.open("a", 1, SPAWN)
    for _ in range(agent.INITIAL_CREDIT // MAX_DATA):
        streams.from_guest(data(stream.guest_stream, 1, MAX_DATA))
    streams.from_client("a", Frame(FrameType.WINDOW, 1, agent.encode_window(1, 10)))
    assert streams.from_guest(data(stream.guest_stream, 1, 10)) is stream


def test_a_client_cannot_send_beyond_the_guest_s_credit(streams: Streams[str]) -> None:
    stream = streams.open("a", 1, SPAWN)
    for _ in range(agent.INITIAL_CREDIT // MAX_DATA):
        streams.sent_to_guest(stream, b"\0" + b"x" * MAX_DATA)
    with pytest.raises(ProtocolError, match="credit"):
        streams.sent_to_guest(stream, b"\0x")


def test_what_a_gone_client_left_is_ended_and_dropped(streams: Streams[str]) -> None:
    stream = streams.open("a", 1, SPAWN)
    other = streams.open("b", 1, SPAWN)
    assert streams.leave("a") == [stream]
    assert streams.from_guest(data(stream.guest_stream, 1, 5)) is None
    assert streams.live == 2
    assert streams.from_guest(Frame(FrameType.EXIT, stream.guest_stream, EXIT)) is None
    assert streams.live == 1
    assert streams.from_guest(data(other.guest_stream, 2, 5)) is other
