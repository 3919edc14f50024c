"""Frames that are none: the agent says so and exits 70, or goes on; it never crashes, hangs or grows."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer, frame, spawn_payload
from tests.unit.guest.conftest import StartAgent

GIVEN_UP = 70
HEAD = struct.pack(">3H", 0, 0, 0)


def expect_refusal(peer: AgentPeer) -> None:
    peer.until(lambda: bool(peer.control))
    kind, _, payload = peer.control[-1]
    assert (kind, payload[:4]) == (wire.ERROR, b"\0\0\0\1")
    assert peer.wait_end() == GIVEN_UP


@pytest.mark.parametrize("length", [0, 1, 4, (1 << 20) + 1, 1 << 24, 0x7FFFFFFF, 0xFFFFFFFF])
def test_impossible_lengths_end_it(peer: AgentPeer, length: int) -> None:
    peer.send_raw(struct.pack(">I", length))
    expect_refusal(peer)


@pytest.mark.parametrize("kind", [0, wire.EXIT, wire.ERROR, 15, 32, 255])
def test_types_that_a_host_does_not_send_end_it(peer: AgentPeer, kind: int) -> None:
    peer.send(kind, 0, b"x" * 30)
    expect_refusal(peer)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (wire.HELLO, b""),
        (wire.HELLO, b"\0" * 5),
        (wire.RESUME, b""),
        (wire.RESUME, wire.resume_payload()[:-1]),
        (wire.RESUME, wire.resume_payload() + b"x"),
        (wire.RESUME, wire.resume_payload(flags=2)),
        (wire.RESUME, wire.resume_payload(entropy=b"e" * 31)),
        (wire.RESUME, wire.resume_payload(entropy=b"e" * 513)),
        (wire.SPAWN, b""),
        (wire.SPAWN, HEAD),
        (wire.SPAWN, HEAD + struct.pack(">HH", 1, 0)),
        (wire.SPAWN, HEAD + struct.pack(">HH", 1, 0) + b"/\0"),
        (wire.SPAWN, HEAD + struct.pack(">HH", 1, 0) + b"/\0true"),
        (wire.SPAWN, HEAD + struct.pack(">HH", 2, 0) + b"/\0true\0"),
        (wire.SPAWN, HEAD + struct.pack(">HH", 1, 1) + b"/\0true\0"),
        (wire.SPAWN, HEAD + struct.pack(">HH", 65535, 65535) + b"/\0true\0"),
        (wire.SPAWN, HEAD + struct.pack(">HH", 0, 0) + b"/\0"),
        (wire.SPAWN, spawn_payload(["true"]) + b"x"),
        (wire.SPAWN, spawn_payload(["true"], flags=8)),
        (wire.PARK, b"x"),
        (wire.WARM, b""),
        (wire.WARM, spawn_payload(["true"])),
        (wire.DATA, b""),
        (wire.DATA, b"\1x"),
        (wire.DATA, b"\4x"),
        (wire.DATA, b"\0" + b"x" * 65537),
        (wire.CLOSE, b""),
        (wire.CLOSE, b"\5"),
        (wire.CLOSE, b"\0\0"),
        (wire.WINDOW, b"\1\0\0\0"),
        (wire.WINDOW, b"\0\0\0\0\1"),
        (wire.SIGNAL, b"\0\0\0\0\0"),
        (wire.SIGNAL, b"\0\0\0\x41\0"),
        (wire.SIGNAL, b"\0\0\0\1\3"),
        (wire.RESIZE, b"\0\0\0"),
        (wire.STATS, b"x"),
        (wire.POWEROFF, b"x"),
    ],
)
def test_malformed_payloads_end_it(peer: AgentPeer, kind: int, payload: bytes) -> None:
    peer.send(kind, 1, payload)
    expect_refusal(peer)


def test_input_beyond_its_credit_ends_it_and_the_process(peer: AgentPeer) -> None:
    stream = peer.spawn(["sleep", "100"])
    log = peer.streams[stream]
    for _ in range(30):
        log.to_send[0] -= wire.MAX_DATA
        peer.send(wire.DATA, stream, b"\0" + b"x" * wire.MAX_DATA)
    peer.until(lambda: bool(log.errors))
    assert log.errors[0][0] == 1
    assert peer.wait_end() == GIVEN_UP


def test_the_longest_frame_is_served(peer: AgentPeer) -> None:
    argument = b"x" * 100_000
    payload = spawn_payload(["/bin/sh", "-c", "echo $#", "sh", *[argument] * 10], env={})
    stream = peer.spawn(["cat"])
    peer.close(stream, 0)
    peer.finish(stream)
    filler = b"y" * ((1 << 20) - 5 - len(payload) - 1)
    peer.streams[90] = wire.StreamLog(grant=True)
    peer.send(wire.SPAWN, 90, spawn_payload(["/bin/sh", "-c", "echo $#", "sh", *[argument] * 10, filler], env={}))
    log = peer.finish(90)
    assert log.out == b"11\n"


def test_frames_that_come_byte_by_byte_are_served(peer: AgentPeer) -> None:
    stream = peer.spawn(["cat"])
    data = frame(wire.DATA, stream, b"\0hello") + frame(wire.CLOSE, stream, b"\0")
    peer.quiet(0.05)
    for byte in data:
        peer.send_raw(bytes([byte]))
        peer.pump(0.001)
    assert peer.finish(stream).out == b"hello"


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Something like a frame: of any type, with a payload of random bytes, or one that begins well."""
    kind = draw(st.one_of(st.integers(1, 15), st.integers(0, 255)))
    known = {
        wire.HELLO: b"\0\0\0\1",
        wire.RESUME: wire.resume_payload(),
        wire.SPAWN: spawn_payload(["true"]),
        wire.WARM: spawn_payload(["true"]),
        wire.DATA: b"\0data",
        wire.CLOSE: b"\1",
        wire.WINDOW: b"\1\0\0\1\0",
        wire.SIGNAL: b"\0\0\0\x0f\0",
        wire.RESIZE: b"\0\1\0\1",
    }.get(kind, b"")
    cut = st.integers(0, len(known)).map(lambda size: known[:size])
    payload = draw(st.one_of(st.just(known), st.binary(max_size=80), cut))
    data = frame(kind, draw(st.integers(0, 3)), payload)
    if draw(st.integers(0, 9)) == 0:
        data = data[: draw(st.integers(0, len(data)))]
    return data


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(frames(), min_size=1, max_size=12), st.booleans())
@example([frame(wire.SPAWN, 1, spawn_payload(["true"])), *[frame(wire.CLOSE, 1, b"\1")] * 2], True)
def test_no_bytes_crash_it(start_agent: StartAgent, pieces: list[bytes], greet: bool) -> None:
    with start_agent(greet=greet) as peer:
        peer.send_raw(b"".join(pieces))
        peer.quiet(0.02)
        if not peer.ended:
            assert peer.process.stdin is not None
            while peer._outgoing and not peer.ended:
                peer.pump(0.05)
            peer.process.stdin.close()
        assert peer.wait_end() in (0, GIVEN_UP)
