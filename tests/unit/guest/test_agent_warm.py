"""WARM with the python driver: sessions out of its zygote's spares."""

from __future__ import annotations

import os
import signal
import struct

import pytest

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.driver_peer import DRIVER
from tests.unit.guest.test_agent_processes import alive, wait_gone
from tests.unit.guest.zygotes import is_warm, session, start_python, start_zygote, value, wait_ready, zygote_and_spare


def test_a_spare_becomes_the_session(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    stream = session(peer)
    wait_ready(peer, stream)
    found = value(peer, stream, "import os, sys; (os.getpid(), os.getcwd(), os.environ['MARK'], sys.orig_argv[1:])")
    assert " ".join(found.split()) == str((spare, "/tmp", "of the job", ["-I", str(DRIVER)]))
    peer.close(stream, 3)
    log = peer.finish(stream, (1, 2, 4))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.EXITED, 0)
    assert log.exit.max_rss > 1000
    assert not log.err


def test_many_at_once_are_all_served_and_all_differ(peer: AgentPeer) -> None:
    start_python(peer)
    streams = [session(peer) for _ in range(20)]
    for stream in streams:
        wait_ready(peer, stream)
    assert all(is_warm(peer, stream) for stream in streams)
    code = (
        "import random, uuid, tempfile; (random.random(), uuid.uuid4().hex[:12], next(tempfile._get_candidate_names()))"
    )
    for found in zip(*(value(peer, stream, code).strip("()").split(", ") for stream in streams), strict=True):
        assert len(set(found)) == 20, found


def test_signals_end_a_session_that_was_warm(peer: AgentPeer) -> None:
    start_python(peer)
    for scope in (wire.GROUP, wire.PROCESS, wire.ALL):
        peer.signal(stream := session(peer), signal.SIGKILL, scope)
        log = peer.finish(stream, (1, 2, 4))
        assert log.exit is not None
        assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGKILL)


def test_a_folder_that_is_not_there_is_told_as_ever(peer: AgentPeer) -> None:
    start_python(peer)
    log = peer.finish(session(peer, cwd="/nonexistent"), (1, 2, 4))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.NOT_STARTED, 2)


def test_a_dead_spare_is_followed_by_another(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGKILL)
    wait_gone(spare)
    stream = session(peer)
    wait_ready(peer, stream)
    assert is_warm(peer, stream)
    assert value(peer, stream, "import os; os.getpid()") != str(spare)


@pytest.mark.slow
def test_a_spare_that_does_not_answer_is_replaced(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGSTOP)
    stream = session(peer)
    wait_ready(peer, stream)
    assert not alive(spare)


def test_a_signal_ends_a_stream_whose_spare_does_not_answer(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGSTOP)
    stream = session(peer)
    peer.quiet(0.1)
    peer.signal(stream, signal.SIGINT)
    log = peer.finish(stream, (1, 2, 4), 3)
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGINT)
    wait_gone(spare)


def test_a_spare_that_dies_with_the_job_is_followed_by_another(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGSTOP)
    stream = session(peer)
    peer.quiet(0.1)
    os.kill(spare, signal.SIGKILL)
    wait_ready(peer, stream)
    assert is_warm(peer, stream)


def test_without_its_zygote_a_session_is_executed(peer: AgentPeer) -> None:
    start_python(peer)
    zygote, spare = zygote_and_spare(peer)
    os.kill(zygote, signal.SIGKILL)
    wait_gone(zygote)
    wait_gone(spare)
    stream = session(peer)
    wait_ready(peer, stream)
    assert not is_warm(peer, stream)
    start_python(peer)
    again = session(peer)
    wait_ready(peer, again)
    assert is_warm(peer, again)


def test_without_any_zygote_a_session_is_executed(peer: AgentPeer) -> None:
    stream = session(peer)
    wait_ready(peer, stream)
    assert not is_warm(peer, stream)


def test_a_second_zygote_is_refused(peer: AgentPeer) -> None:
    start_python(peer)
    peer.send(wire.WARM, 0, wire.spawn_payload(["true"]))
    assert peer.expect(wire.ERROR)[2][:4] == b"\0\0\0\3"
    assert is_warm(peer, session(peer))


def test_zygote_and_spare_are_not_counted(peer: AgentPeer) -> None:
    def count() -> int:
        peer.send(wire.STATS)
        return int(struct.unpack(">QQIQQQI", peer.expect(wire.STATS)[2])[-1])

    # Other processes of this machine come and go: the lowest of some is taken.
    before = min(count() for _ in range(20))
    others = len([each for each in os.listdir("/proc") if each.isdigit()])
    start_python(peer)
    after = min(count() for _ in range(20))
    grown = len([each for each in os.listdir("/proc") if each.isdigit()]) - others
    assert after - before <= max(0, grown - 2) + 1


def test_the_end_of_the_agent_is_the_end_of_all(peer: AgentPeer) -> None:
    start_python(peer)
    pids = zygote_and_spare(peer)
    peer.process.kill()
    for pid in pids:
        wait_gone(pid)


def test_poweroff_ends_zygote_and_spare(peer: AgentPeer) -> None:
    start_python(peer)
    pids = zygote_and_spare(peer)
    peer.send(wire.POWEROFF)
    assert peer.wait_end() == 0
    assert not any(alive(pid) for pid in pids)


def test_a_spare_made_before_parking_is_used_after(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    peer.send(wire.PARK)
    peer.expect(wire.PARK)
    peer.quiet(0.2)
    peer.send(wire.RESUME, 0, wire.resume_payload())
    peer.expect(wire.RESUME)
    stream = session(peer)
    wait_ready(peer, stream)
    assert value(peer, stream, "import os; os.getpid()") == str(spare)


def test_a_zygote_that_ends_while_parked_is_told_after_resume(peer: AgentPeer) -> None:
    start_zygote(peer, "time.sleep(0.3)", expected=None)
    peer.send(wire.PARK)
    peer.expect(wire.PARK)
    peer.quiet(1)
    assert not peer.control
    peer.send(wire.RESUME, 0, wire.resume_payload())
    peer.expect(wire.RESUME)
    assert peer.expect(wire.WARM)[2] == b"\0"
