"""WARM for programs that cannot fork: one is started ahead and becomes the stream that asks for just it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.test_agent_processes import wait_gone

AHEAD = wire.SPARE | wire.DRIVER
ENV = {"PATH": os.environ["PATH"], "MARK": "of the job"}
DRIVER = ["/bin/sh", "-c", 'echo "ready $$" >&4; while read -r line <&3; do eval "$line"; done; exit 7']
"""Says its pid, then runs lines from fd 3."""
NEXT_IS_THERE = 15.0


def start_ahead(peer: AgentPeer, argv: list[str] = DRIVER, expected: int = 1) -> None:
    peer.send(wire.WARM, 0, wire.spawn_payload(argv, ENV, "/tmp", AHEAD))
    assert peer.expect(wire.WARM) == (wire.WARM, 0, bytes([expected]))


def session(peer: AgentPeer, cwd: str = "/tmp") -> int:
    return peer.spawn(DRIVER, ENV, cwd, AHEAD)


def pid_of(peer: AgentPeer, stream: int) -> int:
    said = peer.streams[stream].data[4]
    peer.until(lambda: said.endswith(b"\n"), what="ready")
    return int(said.split()[1])


def ahead(peer: AgentPeer) -> list[psutil.Process]:
    """The shells that run the driver, by the agent's children."""
    return [each for each in psutil.Process(peer.process.pid).children() if "ready $$" in " ".join(arguments(each))]


def arguments(process: psutil.Process) -> list[str]:
    """None of one that has ended: it may wait for the agent to reap it, or be gone since it was listed."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one, too
        return []


def test_the_stream_gets_the_process_that_was_there(peer: AgentPeer) -> None:
    start_ahead(peer)
    [waiting] = ahead(peer)
    stream = session(peer)
    assert pid_of(peer, stream) == waiting.pid
    peer.write(stream, b'echo "$MARK in $PWD"; echo oops >&2\n', fd=3)
    log = peer.streams[stream]
    peer.until(lambda: log.out.endswith(b"\n") and log.err.endswith(b"\n"), what="output")
    assert (log.out, log.err) == (b"of the job in /tmp\n", b"oops\n")
    peer.close(stream, 3)
    log = peer.finish(stream, (1, 2, 4))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.EXITED, 7)


def test_who_asks_for_another_gets_one_of_its_own(peer: AgentPeer) -> None:
    start_ahead(peer)
    [waiting] = ahead(peer)
    assert pid_of(peer, session(peer, cwd="/")) != waiting.pid
    assert pid_of(peer, session(peer)) == waiting.pid


def test_the_next_one_comes_after_a_while_and_gives_way(peer: AgentPeer) -> None:
    start_ahead(peer)
    first = pid_of(peer, session(peer))
    peer.until(lambda: len(ahead(peer)) == 2, NEXT_IS_THERE, "the next")
    [second] = [each for each in ahead(peer) if each.pid != first]
    assert second.nice() == 19
    stream = session(peer)
    assert pid_of(peer, stream) == second.pid
    assert second.nice() == 0


def test_two_at_once_are_both_served(peer: AgentPeer) -> None:
    start_ahead(peer)
    streams = [session(peer), session(peer)]
    assert len({pid_of(peer, stream) for stream in streams}) == 2


def test_signals_reach_it_as_any_other(peer: AgentPeer) -> None:
    start_ahead(peer)
    peer.signal(stream := session(peer), signal.SIGKILL, wire.GROUP)
    log = peer.finish(stream, (1, 2, 4))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGKILL)


@pytest.mark.parametrize(
    "argv", [["/nonexistent"], ["/bin/sh", "-c", "exit 3"], ["/bin/sh", "-c", "exec 4>&-; sleep 60"]]
)
def test_one_that_cannot_serve_is_told_and_missed_by_nobody(peer: AgentPeer, argv: list[str]) -> None:
    start_ahead(peer, argv, expected=0)
    assert pid_of(peer, session(peer)) > 0


def test_one_that_dies_while_it_waits_is_missed_by_nobody(peer: AgentPeer) -> None:
    start_ahead(peer)
    [waiting] = ahead(peer)
    waiting.kill()
    peer.until(lambda: ahead(peer) == [], what="its end")
    assert pid_of(peer, session(peer)) != waiting.pid


def test_a_second_is_refused(peer: AgentPeer) -> None:
    start_ahead(peer)
    peer.send(wire.WARM, 0, wire.spawn_payload(DRIVER, ENV, "/tmp", AHEAD))
    assert b"warm already" in peer.expect(wire.ERROR)[2]


def test_it_does_not_count_among_the_guests_processes(peer: AgentPeer) -> None:
    before = processes(peer)
    start_ahead(peer)
    assert processes(peer) == before


def processes(peer: AgentPeer) -> int:
    peer.send(wire.STATS)
    return int.from_bytes(peer.expect(wire.STATS)[2][44:48], "big")


@contextlib.contextmanager
def ended_with(peer: AgentPeer) -> Iterator[None]:
    pids = [each.pid for each in ahead(peer)]
    assert pids
    yield
    for pid in pids:
        wait_gone(pid)


def test_it_ends_with_the_agent(peer: AgentPeer) -> None:
    start_ahead(peer)
    with ended_with(peer):
        peer.send(wire.POWEROFF)
        peer.wait_end()
