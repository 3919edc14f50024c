"""PARK: the agent says nothing more until RESUME, and nothing of what happened meanwhile is lost."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from pathlib import Path

import pytest

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.conftest import StartAgent
from tests.unit.guest.test_agent_processes import alive, wait_gone

PYTHON = sys.executable
SILENCE = 0.4
COUNT = "import sys\nfor i in range(200_000): sys.stdout.write(f'{i}\\n')"


def park(peer: AgentPeer) -> None:
    """Park it, and see that its answer is the last that it says."""
    peer.send(wire.PARK)
    assert peer.expect(wire.PARK) == (wire.PARK, 0, b"")
    before = snapshot(peer)
    peer.quiet(SILENCE)
    assert snapshot(peer) == before
    assert not peer._incoming
    assert not peer.control


def snapshot(peer: AgentPeer) -> list[object]:
    return [(len(log.events), list(log.closed), log.exit, dict(log.to_send)) for log in peer.streams.values()]


def resume(peer: AgentPeer, nonce: bytes = wire.NONCE) -> None:
    peer.send(wire.RESUME, 0, wire.resume_payload(nonce=nonce))
    assert peer.expect(wire.RESUME)[2] == nonce + b"\0\0\0\0"


def test_a_parked_agent_is_silent_and_loses_nothing_of_a_flood(peer: AgentPeer) -> None:
    expected = "".join(f"{i}\n" for i in range(200_000)).encode()
    log = peer.streams[stream := peer.spawn([PYTHON, "-c", COUNT])]
    for size in (1, 200_000, 600_000):
        peer.until(lambda size=size: len(log.out) >= size)  # type: ignore[misc]
        park(peer)
        resume(peer)
    assert peer.finish(stream).out == expected


@pytest.mark.parametrize("closed", [(), (1, 2)])
def test_an_end_while_parked_is_told_after_resume(peer: AgentPeer, closed: tuple[int, ...]) -> None:
    """Also of a process with no output left, of whose end no fd tells any more."""
    stream = peer.spawn(["/bin/sh", "-c", "trap '' PIPE; read line; sleep 0.2; echo last words; exit 7"])
    for fd in closed:
        peer.close(stream, fd)
    peer.write(stream, b"go\n")
    park(peer)
    resume(peer)
    log = peer.streams[stream]
    peer.until(lambda: log.exit is not None)
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.EXITED, 7)
    assert log.out == (b"" if closed else b"last words\n")


def test_children_that_end_while_parked_are_reaped(peer: AgentPeer) -> None:
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", "echo $$; exec sleep 100"])]
    peer.until(lambda: log.out.endswith(b"\n"))
    park(peer)
    os.kill(int(log.out), signal.SIGKILL)
    wait_gone(int(log.out))
    peer.quiet(0.1)
    assert log.exit is None
    resume(peer)
    assert peer.finish(stream).exit is not None


def test_input_taken_before_goes_on_after(peer: AgentPeer) -> None:
    """More than a pipe holds, to a process that reads it while the agent is parked: no WINDOW then, all of it later."""
    script = "import sys, time; time.sleep(0.6); print(len(sys.stdin.buffer.read()))"
    stream = peer.spawn([PYTHON, "-c", script])
    peer.write(stream, b"x" * 250_000)
    peer.quiet(0.1)
    park(peer)
    resume(peer)
    peer.write(stream, b"x" * 500_000)
    peer.close(stream, 0)
    assert peer.finish(stream).out == b"750000\n"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (wire.SPAWN, wire.spawn_payload(["true"])),
        (wire.WARM, wire.spawn_payload(["true"])),
        (wire.DATA, b"\0x"),
        (wire.SIGNAL, b"\0\0\0\2\0"),
        (wire.STATS, b""),
        (wire.PARK, b""),
    ],
)
def test_a_parked_agent_refuses_what_it_refuses_before_resume(peer: AgentPeer, kind: int, payload: bytes) -> None:
    park(peer)
    peer.send(kind, 5, payload)
    refused = peer.expect(wire.ERROR)
    assert (refused[1], refused[2][:4]) == (5, b"\0\0\0\2")
    resume(peer)
    assert peer.sh("echo up").out == b"up\n"


def test_parking_before_resume_is_refused(start_agent: StartAgent) -> None:
    peer = start_agent(greet=False)
    peer.expect(wire.HELLO)
    peer.send(wire.PARK)
    assert peer.expect(wire.ERROR)[2][:4] == b"\0\0\0\2"


def test_a_parked_agent_greets_and_has_a_nonce_of_its_own_after_resume(peer: AgentPeer) -> None:
    park(peer)
    told = []
    for nonce in (None, b"a" * 16, b"b" * 16):
        if nonce is not None:
            resume(peer, nonce)
        peer.send(wire.HELLO, 0, struct.pack(">I", 1))
        told.append(peer.expect(wire.HELLO)[2][4:20])
    assert told == [wire.NONCE, b"a" * 16, b"b" * 16]


def test_frames_sent_at_once_are_served_in_order(peer: AgentPeer) -> None:
    """PARK and RESUME within one read: the agent has not waited for anything between them."""
    log = peer.streams[stream := peer.spawn([PYTHON, "-c", COUNT])]
    peer.until(lambda: len(log.out) > 0)
    for _ in range(20):
        peer.send(wire.PARK)
        peer.send(wire.RESUME, 0, wire.resume_payload())
        peer.send(wire.STATS)
        for kind in (wire.PARK, wire.RESUME, wire.STATS):
            peer.expect(kind)
    assert len(peer.finish(stream).out) == len("".join(f"{i}\n" for i in range(200_000)))


def test_a_parked_agent_can_be_powered_off(peer: AgentPeer) -> None:
    log = peer.streams[peer.spawn(["/bin/sh", "-c", "echo $$; exec sleep 100"])]
    peer.until(lambda: log.out.endswith(b"\n"))
    park(peer)
    peer.send(wire.POWEROFF)
    assert peer.wait_end() == 0
    assert not alive(int(log.out))


def test_a_parked_agent_sleeps(peer: AgentPeer) -> None:
    """A flood that nobody may read must not keep it awake."""
    stream = peer.spawn(["yes"])
    peer.until(lambda: len(peer.streams[stream].out) > 0)
    park(peer)

    def ticks() -> int:
        stat = Path(f"/proc/{peer.process.pid}/stat").read_text()
        return sum(map(int, stat.rsplit(")", 1)[1].split()[11:13]))

    before = ticks()
    time.sleep(0.5)
    assert ticks() - before <= 2
